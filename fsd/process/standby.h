/* The stand-by: a process that shares all the keeper has and does nothing, until the keeper ends. Then it is the keeper. So only the death
 * of all processes at once ends a mount.
 */
#ifndef PROCESS_STANDBY_H
#define PROCESS_STANDBY_H

#include <stdbool.h>
#include <sys/types.h>

#include "process/daemon.h"

/* Its number, or -1 and errno. In it, returns 0 when the keeper has ended and the worker that it left, too. */
pid_t standby_start(struct daemon *daemon);

/* First thing in a worker: from now on a stand-by knows whom to end. False: `keeper`, who made this process, is gone already. */
bool standby_knows(struct arena_header *header, pid_t keeper);

#endif
