/* What the keeper knows of the mount's processes, for the files that look after them: keeper.c, fallen.c, service.c, upgrade.c. */
#ifndef PROCESS_KEEPING_H
#define PROCESS_KEEPING_H

#include "process/daemon.h"
#include "process/watchdog.h"

/* service.h */
struct service {
    pid_t teller;   /* 0: none */
    char told[256]; /* the last message */
    time_t next;    /* of the watchdog's messages */
};

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

#endif
