/* What the keeper knows of the mount's processes, for the files that look after them: keeper.c, upgrade.c, fallen.c. */
#ifndef PROCESS_KEEPER_H
#define PROCESS_KEEPER_H

#include "process/daemon.h"
#include "process/service.h"
#include "process/watchdog.h"

/* Deaths of the worker within the last minute. */
struct deaths {
    time_t window;
    uint64_t count;
};

#define ATIME_UNKNOWN UINT64_MAX

struct keeper {
    struct daemon *daemon;
    pid_t worker, probe; /* 0: to be started */
    pid_t standby;       /* the same, once the mount is usable */
    bool unmount;        /* wanted, its process is to be started */
    bool ending;         /* that was wanted once */
    bool refused;        /* the next worker could not be started at once, and that was told */
    bool pause;          /* before it is tried again */
    bool told;           /* the mount is usable, and that was told */
    uint64_t atime;      /* the rule that the mounts have: enum atime_rule, or ATIME_UNKNOWN */
    struct deaths deaths;
    struct watchdog watchdog;
    struct service service;

    /* upgrade.h */
    pid_t checker; /* asks a new program; 0: none */
    time_t until;  /* for that, or for our trial */
    bool trial;    /* a program on trial: the stand-by is its predecessor's */

    /* fallen.h */
    bool fallen;          /* there is no worker any more: it died too often */
    bool last;            /* the mount is gone, and one more worker finishes */
    pid_t refuser, saver; /* 0: none */
    bool rescued;         /* what was received is committed, or was tried to be */
};

/* Its number, or -1. `rescues`: see worker_run(). */
pid_t keeper_start_worker(struct daemon *daemon, bool rescues);
/* The end of one of ours. Returns how it ended; one that was none was killed, too. */
int keeper_end(pid_t *pid);
/* For messages. */
const char *keeper_tell(int status, char text[64]);

#endif
