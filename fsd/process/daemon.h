/* What the processes of one mount share: descriptors at the same numbers, and the arena. */
#ifndef PROCESS_DAEMON_H
#define PROCESS_DAEMON_H

#include "cache/arena.h"
#include "options.h"
#include "probe/place.h"

/* Keeper and workers share one table of descriptors. Each that is to live longer than a worker is named here, whoever opened it;
 * only the keeper changes this list. What is neither here, nor a standard one, nor pinned in the arena, was a dead worker's, and
 * the next worker closes it: so libc may keep none open behind our back (syslog, name services, locales), and the keeper opens none
 * while workers run. */
enum owned {
    OWNED_STORE,          /* its root */
    OWNED_PRIVATE_FOLDER, /* .mapshare in it */
    OWNED_LOCK,           /* held for as long as any process of the mount lives */
    OWNED_READ_LOCK,      /* of a store that cannot be written; OWNED_LOCK is in memory then */
    OWNED_SPILL,          /* -1: none */
    OWNED_ROOM,           /* the mount namespace of workers, -1: none */
    OWNED_SESSION,        /* /dev/fuse */
    OWNED_WORKER_END,     /* of the channel between worker and probe */
    OWNED_PROBE_END,
    OWNED_STATUS, /* where the starting process waits for "mounted"; -1 after that */
    OWNED_ARENA,
    OWNED_NULL, /* /dev/null, what the terminal is replaced with */
    OWNED_MESSAGES,
    OWNED_SYSTEM_LOG, /* both are the log's */
    OWNED_COUNT
};

struct daemon {
    const struct options *options;
    struct arena arena;
    struct place place;
    int owned[OWNED_COUNT];       /* descriptors, -1: none */
    const char *program;          /* the file that we run, or its successor */
    bool store_marks;             /* what is read through the store's root has its access time marked by the mount's rule */
    struct fuse_session *mounted; /* what mounted; it serves nothing */
    uint64_t recovered;           /* commits, before the mount */
};

/* How a worker ends. LACKED: it could not start for lack of threads, memory or descriptors, which passes. DAMAGED: no other could, either, or may. */
enum { WORKER_DONE = 0, WORKER_UNSAVED = 1, WORKER_FAILED = 2, WORKER_LACKED = 3, WORKER_DAMAGED = 4 };

/* The worker's life: returns its exit status when the mount is gone and everything is in the store. `rescue`: serves nobody, and ends when everything
 * is committed. */
int worker_run(struct daemon *daemon, bool rescue);

/* The keeper's: watches until the mount has ended. Returns the program's exit status. `standby`: 0, or a program is on trial, and this is its predecessor's
 * stand-by, which goes on with the mount should the trial fail. */
int keeper_run(struct daemon *daemon, pid_t standby);

/* The starting process: checks, mounts, and has a keeper run, in the background or itself. Returns the program's exit status. */
int start_run(const struct options *options);

/* The program that a keeper executes in its own place: takes over what options->adopt leads to, or with options->check only says whether it could. */
int adopt_run(const struct options *options);

#endif
