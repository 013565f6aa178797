/* Requests of the kernel: decode, call one function of the floors below, reply once (invariant 9).
 *
 * A handler runs in the serving thread that received the request. It never waits for the disk's flush, the probe or another request
 * (invariant 10, with its exceptions): what must wait is parked with its request and answered by whoever completes it.
 */
#ifndef REQUEST_REQUEST_H
#define REQUEST_REQUEST_H

#include <fuse_lowlevel.h>
#include <linux/fuse.h>

#include "file/commit.h"
#include "file/file.h"
#include "file/record.h"

struct probe_client;

/* Everything a worker serves with. */
struct server {
    const struct options *options;
    struct arena arena;
    struct inode_table inodes;
    struct descriptor_cache descriptors;
    struct frame_table frames;
    struct store *store;
    struct journal *journal;
    struct files files;
    struct probe_client *probe;
    struct fuse_session *session;
    _Atomic uint32_t writes_in_row; /* of the kernel's page cache, since the last other request */
    _Atomic bool answer_held;       /* by one of the threads */
    bool privileged;                /* may act for other users */
    bool store_marks;               /* the store marks access times by the rule of the mount */

    pthread_mutex_t handle_lock;
    struct slots handle_slots;
    pthread_mutex_t group_lock;
    struct group *groups; /* commits over several files being put together */
    pthread_mutex_t wait_lock;
    pthread_cond_t tick;       /* the worker's main thread has something to look at */
    struct commit_wait *waits; /* MAPSHARE_IOC_WAIT: parked */
    uint32_t serving;          /* threads */
    int served;                /* how the last one ended */
};

#define WRITE_MAX (1u << 20)
#define FRAMES_PER_WRITE (WRITE_MAX / PAGE_BYTES)

/* What a thread receives requests into: the head of the request in plain memory, a WRITE's bytes in frames. */
struct receiver {
    struct server *server;
    unsigned char *head; /* HEAD_BYTES */
    uint32_t own[FRAMES_PER_WRITE];
    uint32_t *frames; /* what is left of `own` */
    uint32_t frame_count;
    struct iovec iov[FRAMES_PER_WRITE + 2]; /* also: the head, and what found no frame */
    int vectors;
    unsigned char *rest;  /* WRITE_MAX bytes: what found no frame */
    unsigned char *reply; /* WRITE_MAX bytes */
    char *names;          /* FOLDER_BYTES: a folder's entries */
};

#define FOLDER_BYTES (64u << 10)
#define WRITE_HEAD (sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in))
#define RESENT (1ull << 63) /* in `unique`: the kernel sends the request again, a dead worker may have executed it */

extern const struct fuse_lowlevel_ops request_operations;

/* Of the calling thread. */
struct receiver *request_receiver(void);
const struct fuse_in_header *request_header(void);

/* Makes the thread's receiver; receives and serves until the mount is gone (0) or -errno. */
int request_serve(struct server *server);

/* ---- for the handlers ---- */

#define ATTRIBUTE_SECONDS 86400.0

static inline struct server *server_of(fuse_req_t request)
{
    return fuse_req_userdata(request);
}

/* 0, or replies ESTALE. */
uint32_t request_inode(fuse_req_t request, fuse_ino_t node);
/* `error`: 0 or -errno. */
void request_reply(fuse_req_t request, int error);
int request_attributes(struct server *server, uint32_t inode, struct stat *stat);
/* The kernel gets a reference to the inode; it is taken back if the reply fails. */
void request_fill_entry(struct server *server, uint32_t inode, const struct statx *stat, struct fuse_entry_param *entry);
void request_reply_entry(fuse_req_t request, uint32_t inode, const struct statx *stat);
/* Metadata of the inode changed in the store: its ctime, and the next commit flushes it. */
void request_changed(struct server *server, uint32_t inode);
/* The inode lost its last reference of the kernel's. */
void request_forget(struct server *server, uint32_t inode, uint64_t count);
/* /proc/self/fd/N, for calls that want a path of an O_PATH descriptor. */
void request_descriptor_path(char path[32], const struct descriptor *descriptor);
/* What open and create share: O_TRUNC, the handle, how the kernel caches. */
int request_open_file(struct server *server, uint32_t inode, struct fuse_file_info *info);
/* The file was read, or mapped by the library. */
void request_mark_atime(struct server *server, uint32_t inode);
/* Whether the store's file or folder has the atomic attribute. */
bool request_stored_atomic(int fd);
/* The handle is closed: a group that it joined is given up (its commit gets ESTALE), since the file's record may become another's. */
void request_leave_groups(struct server *server, uint64_t handle);
/* Answer parked waits whose commit, time or interrupt came. */
void request_answer_waits(struct server *server);
/* Executable files lose setuid and setgid when others than root change them. */
int request_kill_privileges(fuse_req_t request, uint32_t inode);
/* Names that the mount keeps for itself. */
bool request_is_reserved(uint32_t folder, const char *name);

/* Act as the caller until request_act_as_self: the file system's checks of new files' owner and group. */
void request_act_as(struct server *server, fuse_req_t request);
void request_act_as_self(struct server *server, fuse_req_t request);

/* Remember what is about to be done; `tried`: the same request was begun by a dead worker. Ended after the reply. */
struct intent *request_intent(struct server *server, uint64_t inode, bool *tried);
void request_intent_end(struct intent *intent);

/* A handle for an open file; 0 when there are too many. */
uint64_t handle_open(struct server *server, uint32_t inode, uint32_t flags);
void handle_close(struct server *server, uint64_t number);
struct handle *handle_find(struct server *server, uint64_t number);
int handle_table_open(struct server *server);

/* The request's operations, by file. */
void request_lookup(fuse_req_t, fuse_ino_t, const char *);
void request_forget_one(fuse_req_t, fuse_ino_t, uint64_t);
void request_forget_multi(fuse_req_t, size_t, struct fuse_forget_data *);
void request_getattr(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void request_setattr(fuse_req_t, fuse_ino_t, struct stat *, int, struct fuse_file_info *);
void request_readlink(fuse_req_t, fuse_ino_t);
void request_statfs(fuse_req_t, fuse_ino_t);

void request_mknod(fuse_req_t, fuse_ino_t, const char *, mode_t, dev_t);
void request_mkdir(fuse_req_t, fuse_ino_t, const char *, mode_t);
void request_unlink(fuse_req_t, fuse_ino_t, const char *);
void request_rmdir(fuse_req_t, fuse_ino_t, const char *);
void request_symlink(fuse_req_t, const char *, fuse_ino_t, const char *);
void request_rename(fuse_req_t, fuse_ino_t, const char *, fuse_ino_t, const char *, unsigned);
void request_link(fuse_req_t, fuse_ino_t, fuse_ino_t, const char *);
void request_create(fuse_req_t, fuse_ino_t, const char *, mode_t, struct fuse_file_info *);

void request_open(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void request_release(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void request_read(fuse_req_t, fuse_ino_t, size_t, off_t, struct fuse_file_info *);
/* The WRITE that the thread received, without libfuse: there are many, and one costs little more than the system calls. False: it is one
 * that only request_write can do. */
bool request_write_received(struct server *server);
void request_write(fuse_req_t, fuse_ino_t, const char *, size_t, off_t, struct fuse_file_info *);
void request_fsync(fuse_req_t, fuse_ino_t, int, struct fuse_file_info *);
void request_fallocate(fuse_req_t, fuse_ino_t, int, off_t, off_t, struct fuse_file_info *);
void request_lseek(fuse_req_t, fuse_ino_t, off_t, int, struct fuse_file_info *);

void request_opendir(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void request_readdir(fuse_req_t, fuse_ino_t, size_t, off_t, struct fuse_file_info *);
void request_readdirplus(fuse_req_t, fuse_ino_t, size_t, off_t, struct fuse_file_info *);
void request_fsyncdir(fuse_req_t, fuse_ino_t, int, struct fuse_file_info *);

void request_setxattr(fuse_req_t, fuse_ino_t, const char *, const char *, size_t, int);
void request_getxattr(fuse_req_t, fuse_ino_t, const char *, size_t);
void request_listxattr(fuse_req_t, fuse_ino_t, size_t);
void request_removexattr(fuse_req_t, fuse_ino_t, const char *);
void request_ioctl(fuse_req_t, fuse_ino_t, unsigned, void *, struct fuse_file_info *, unsigned, const void *, size_t, size_t);

#endif
