/* The keeper's children: how a worker begins, how any of them ends. */
#ifndef PROCESS_CHILD_H
#define PROCESS_CHILD_H

#include "process/daemon.h"

/* Its number, or -1. `rescues`: see worker_run(). */
pid_t child_start_worker(struct daemon *daemon, bool rescues);
/* The end of one of ours. Returns how it ended; one that was none was killed, too. */
int child_end(pid_t *pid);
/* For messages. */
const char *child_tell(int status, char text[64]);

#endif
