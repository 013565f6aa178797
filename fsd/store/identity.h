/* Who a file or folder of the store is, for ever: the one rule by which memory, journal and recovery know it again. A name says where
 * something is, an inode number may be used again; before a byte is read or written, what was opened is checked against this. */
#ifndef STORE_IDENTITY_H
#define STORE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define IDENTITY_HANDLE_MAX 48

struct identity {
    dev_t device;  /* the store's while it is mounted: not for ever */
    uint32_t type; /* S_IFMT bits */
    uint64_t inode;
    struct timespec birth;  /* 0 where the file system has none */
    int32_t handle_type;    /* of name_to_handle_at */
    uint32_t handle_length; /* 0: none */
    unsigned char handle[IDENTITY_HANDLE_MAX];
};

/* Whether file handles of this store mean something for ever, and may be used by us. */
bool identity_handles(int store);

struct statx;

/* From what statx(2) told of it, asked for the times of birth, too; without a handle. */
void identity_of(const struct statx *status, struct identity *out);

/* Whether times of birth are the files' own: on overlayfs they change when a file of a lower layer is written to for the first time. */
bool identity_births(int store);
/* Why nothing can be known again here: a sentence; NULL: it can. */
const char *identity_refusal(int store);

/* What `name` is in the folder ("": the folder itself), a symbolic link not followed; with its handle where `handles` says so and it has
 * one that fits. 0 or -errno. */
int identity_take(int folder, const char *name, bool handles, struct identity *out);

/* Whether what was found, taken with its handle, is what was meant: device, number, type and time of birth agree, or where there is no time of
 * birth, the handle. Without either, as on most FUSE stores, number and type must do. */
bool identity_same(const struct identity *found, const struct identity *meant);

/* Whether it has a time of birth: else only its handle tells it from another of its number. */
static inline bool identity_is_born(const struct identity *identity)
{
    return identity->birth.tv_sec != 0 || identity->birth.tv_nsec != 0;
}

/* 0: the descriptor (O_PATH is enough) is of what was meant. -ESTALE: it is another. */
int identity_check(int fd, const struct identity *identity);

/* Opens by handle, and checks. -ESTALE: it is gone, or another; -ENOTSUP: there is no handle; else -errno, as of open_by_handle_at(2). */
int identity_open(int store, const struct identity *identity, int flags);

#define IDENTITY_NAME_MAX 64

/* A name made of number and birth: INODE-SECONDS.NANOSECONDS, nine digits of these. */
void identity_name(const struct identity *identity, char name[IDENTITY_NAME_MAX]);
/* Of what is open; all of the array is set. 0 or -errno: it is empty. */
int identity_take_name(int fd, char name[IDENTITY_NAME_MAX]);

#endif
