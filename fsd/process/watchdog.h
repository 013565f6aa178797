/* A worker that hangs is replaced: the keeper looks once a second whether its threads get on. One that does not for hang_timeout seconds is
 * inspected by a process of its own, since the keeper opens nothing: it tells the slowness of a disk from a hang, and logs where the threads
 * are.
 */
#ifndef PROCESS_WATCHDOG_H
#define PROCESS_WATCHDOG_H

#include <time.h>

#include "process/daemon.h"

struct watchdog {
    struct {
        uint32_t word;
        time_t since;
    } threads[SERVING_MAX + 1]; /* the last one: the flusher */
    pid_t worker;               /* that these are of */
    pid_t inspector;            /* 0: none */
    time_t next;                /* not inspected before */
};

/* The keeper's second. Starts an inspector when a thread does not get on. */
void watchdog_look(struct watchdog *watchdog, const struct daemon *daemon, pid_t worker);
/* The inspector ended: whether the worker hangs and is to be killed. */
bool watchdog_hangs(struct watchdog *watchdog, const struct daemon *daemon, int status);

/* In the keeper: what telling a stack needs is loaded once, not by each worker while clients wait. */
void watchdog_prepare(void);
/* In the worker: where its threads are can be asked from now on. */
void watchdog_answer(const struct daemon *daemon);

#endif
