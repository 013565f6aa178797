/* A machine that serves a store, or stands by to: what its parts share. It never touches the store or the mount itself, which may hang: children do. */
#ifndef REACH_STANDBY_H
#define REACH_STANDBY_H

#include <sys/types.h>

#include "record.h"

struct standby_options {
    struct etcd_options etcd;
    const char *name, *host, *hook, *clients, *mount_options;
    const char *store, *mountpoint;
    int lease_seconds, patience_seconds;
};

struct standby {
    const struct standby_options *options;
    struct lease lease;
    struct record record;
    int signals;      /* signalfd of TERM, INT and CHLD */
    bool stopping;    /* TERM or INT came */
    pid_t daemon;     /* mapsharefs, first of a process group of its own; 0: none */
    int connection;   /* of the kernel with it, by number; 0: not known */
    bool complete;    /* the daemon has ended, and said that the store has everything */
    int64_t began_at; /* when it became the holder */
};

/* How the program ends. LOST: it was the holder, and could not renew the lease. */
enum { STANDBY_DONE = 0, STANDBY_FAILED = 1, STANDBY_USAGE = 2, STANDBY_LOST = 3 };

/* Waits for a signal, until then (etcd_clock) at most, and keeps the lease. 0 or -ETIME. */
int standby_wait(struct standby *standby, int64_t until);

/* Of what begins now. */
int64_t standby_patience_ends(const struct standby *standby);

#endif
