/* A worker that dies too often is not started again. Its mount stays: clients get EIO (refuse.h), while a last worker that serves nobody commits what
 * was received; where it dies, too, the pages are saved beside the journal. All is still in the arena: SIGUSR1 to the keeper tries again, as does a
 * program that replaces this one.
 */
#ifndef PROCESS_FALLEN_H
#define PROCESS_FALLEN_H

#include "process/keeping.h"

/* One more death: whether it is one too many. */
bool fallen_is(struct keeper *keeper);
/* It is; `how` it ended the last time. */
void fallen_begin(struct keeper *keeper, const char *how);
/* Starts what is missing. */
void fallen_start_missing(struct keeper *keeper);
/* SIGUSR1. */
void fallen_revive(struct keeper *keeper);
/* It is to be unmounted: nothing waits for a worker any more. */
void fallen_unmount(struct keeper *keeper);
/* The last worker, or one of our processes, has ended. True: it was. */
bool fallen_rescue_ended(struct keeper *keeper, int status);
bool fallen_reap(struct keeper *keeper, pid_t pid, int status);

#endif
