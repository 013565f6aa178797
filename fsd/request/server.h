/* Everything a worker serves with. */
#ifndef REQUEST_SERVER_H
#define REQUEST_SERVER_H

#include <fuse_lowlevel.h>
#include "cache/area.h"
#include "file/file.h"
#include "file/record.h"

struct open_snapshot;
struct probe_client;

#define NO_PROCESSOR (-1)
#define SNAPSHOT_BUCKETS 256u

struct server {
    const struct options *options;
    struct arena arena;
    struct inode_table inodes;
    struct area_table areas;
    struct descriptor_cache descriptors;
    struct frame_table frames;
    struct store *store;
    struct journal *journal;
    struct files files;
    struct probe_client *probe;
    struct fuse_session *session;
    _Atomic uint32_t writes_in_row; /* of the kernel's page cache, since the last other request */
    _Atomic bool answer_delayed;    /* by one of the threads */
    _Atomic uint32_t lone_client;   /* follow.c's: whose request came last */
    _Atomic uint32_t lone_requests; /* so many in a row */
    _Atomic int followed;           /* the processor that it is bound to; NO_PROCESSOR: not known, or not alone */
    bool privileged;                /* may act for other users */
    bool store_marks;               /* the store marks access times by the rule of the mount */

    pthread_mutex_t set_lock;                       /* held by who changes options: before all others */
    void (*options_changed)(struct server *server); /* upwards: the store's lock tells them, too */
    int lock;

    pthread_mutex_t handle_lock;
    struct slots handle_slots;
    uint32_t *opens; /* by inode */
    pthread_mutex_t effects_lock;
    struct effects *effects_free[EFFECTS_MINE];
    uint32_t effects_free_count;
    _Atomic uint32_t arrivals; /* given to threads */
    pthread_mutex_t group_lock;
    struct open_snapshot *snapshots[SNAPSHOT_BUCKETS]; /* snapshot.c's, under its lock */
    pthread_mutex_t snapshot_lock;
    struct group *groups;  /* commits over several files being put together */
    unsigned char *joined; /* by handle's index: 1, it was added to one */
    pthread_mutex_t wait_lock;
    pthread_cond_t tick; /* the worker's main thread has something to look at */
    struct wait_table *waits;
    struct poller_table *pollers;
    struct freeze *freeze;
    struct parked_write *parked;
    uint32_t parked_bytes;
    uint32_t serving; /* threads */
    int served;       /* how the last one ended */
};

static inline struct server *server_of(fuse_req_t request)
{
    return fuse_req_userdata(request);
}

#endif
