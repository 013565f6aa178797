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

/* The program's whole life as stand-by and holder. */
int standby_run(const struct standby_options *options);

/* ---- child.c ---- */

/* Ends with us, and is the first of a process group; the last argument is NULL. -errno. */
pid_t child_start(const struct standby *standby, const char *const *arguments);
/* Runs it to its end. Its exit status; -ETIMEDOUT: it was killed after `until`; -EINTR: a signal ended it; -ETIME: so did the lease's end. */
int child_run(struct standby *standby, const char *const *arguments, int64_t until);
/* The same for a function, whose result is the exit status. */
int child_call(struct standby *standby, int (*function)(const struct standby *), int64_t until);

/* ---- fence.c ---- */

/* Shuts out all who may have the store open, and proves it by having its lock. 0, or -errno after a message. */
int fence_others(struct standby *standby);
/* The proof that nobody here has the store open since before we were shut out. */
int fence_prove(struct standby *standby);

/* ---- serve.c ---- */

/* Mounts. 0 or -errno after a message. */
int serve_start(struct standby *standby);
/* Whether any process of the daemon is left. */
bool serve_lives(struct standby *standby);
/* In order: the clients' programs are stopped, everything is in the store. -EBUSY: programs use the mount still; it goes on. */
int serve_stop(struct standby *standby);
/* At once: the kernel answers clients with errors, then the daemon is killed. Never waits for the store. */
void serve_abort(struct standby *standby);
/* The clients' program is told ("start", "stop"). */
void serve_tell_clients(struct standby *standby, const char *what);

/* ---- status.c ---- */

int status_print(const struct standby_options *options, bool json);
int status_switch(const struct standby_options *options, const char *to);

#endif
