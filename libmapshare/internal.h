/* What the library's files share. Nothing here is exported.
 *
 * Functions return 0 or -errno, unless said otherwise; the public ones alone set errno (mapshare_result). Names carry the library's
 * prefix, so that the static library does not clash with its program.
 */
#ifndef MAPSHARE_INTERNAL_H
#define MAPSHARE_INTERNAL_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "mapshare.h"

#define DEFAULT_RESERVE ((uint64_t)64 << 20)

struct mapshare_locks;
struct mapshare_abi_board;

struct mapshare {
    /* Set by open, constant afterwards. */
    int fd;
    bool writable;
    bool on_mount;
    bool anonymous;
    unsigned char *address;
    size_t reserve;      /* bytes mapped at address */
    char board_name[64]; /* on a mount, if the daemon told it */
    struct statx identity;
    /* The size when somebody last looked: may be old, saves a system call where the file did not shrink since. */
    _Atomic uint64_t known_size;
    /* Guards what follows while it changes, and serializes resizes. Each changes once, from -1, false or NULL. */
    pthread_mutex_t guard;
    bool board_writable;
    _Atomic int board_fd;
    _Atomic(struct mapshare_abi_board *) board;
    _Atomic(struct mapshare_locks *) locks;
};

/* file.c */
size_t mapshare_page_size(void);
int mapshare_file_size(struct mapshare *ms, uint64_t *size);
struct mapshare *mapshare_new(int fd, bool writable);
int mapshare_map(struct mapshare *ms, uint64_t reserve, uint64_t size);

/* open.c */
void mapshare_free(struct mapshare *ms);

/* resize.c */
int mapshare_set_size(struct mapshare *ms, uint64_t size, bool only_grow);

/* board.c */
int mapshare_board_attach(struct mapshare *ms);
void mapshare_board_detach(struct mapshare *ms);
int mapshare_board_map(struct mapshare *ms, struct mapshare_abi_board **board);
int mapshare_board_claim_tail(struct mapshare *ms, uint64_t size);
void mapshare_board_release_tail(struct mapshare *ms);

/* guard.c: memcpy; -EFAULT where it meets a page that cannot be had, at *fault. What was copied before stays copied. */
int mapshare_guarded_copy(void *to, const void *from, size_t length, uintptr_t *fault);

static inline bool mapshare_is_inside(uintptr_t address, uintptr_t start, size_t length)
{
    return address >= start && address - start < length;
}

static inline int mapshare_result(int error)
{
    if (error == 0)
        return 0;
    errno = -error;
    return -1;
}

#endif
