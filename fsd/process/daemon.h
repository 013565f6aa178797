/* What the processes of one mount share: descriptors at the same numbers, and the arena. */
#ifndef PROCESS_DAEMON_H
#define PROCESS_DAEMON_H

#include "cache/arena.h"
#include "options.h"

struct daemon {
    const struct options *options;
    struct arena arena;
    int store;                    /* its root */
    bool store_marks;             /* what is read through that has its access time marked by the mount's rule */
    int private_folder;           /* .mapshare in it */
    int lock;                     /* held for as long as any process of the mount lives */
    int spill;                    /* -1: none */
    struct fuse_session *mounted; /* what mounted; it serves nothing */
    int session;                  /* /dev/fuse */
    int channel[2];               /* to the probe: the worker's end, the probe's end */
    int status;                   /* where the starting process waits for "mounted"; -1 after that */
};

/* How a worker ends. */
enum { WORKER_DONE = 0, WORKER_UNSAVED = 1, WORKER_FAILED = 2 };

/* The worker's life: returns its exit status when the mount is gone and everything is in the store. */
int worker_run(struct daemon *daemon);

/* The keeper's: mounts and watches. Returns the program's exit status. */
int keeper_run(const struct options *options);

#endif
