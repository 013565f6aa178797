/* The program is replaced by what is on disk now, while the mount is used: the keeper executes that in its place, with all descriptors and the
 * arena. Before anything is changed, a process of its own asks the new program whether it can take them. The stand-by is the old program's until
 * the new one serves, and goes on with the mount if that fails.
 */
#ifndef PROCESS_UPGRADE_H
#define PROCESS_UPGRADE_H

#include "process/daemon.h"

/* Starts the process that asks: it exits with 0 when the new program can be executed. Its number, or -1. */
pid_t upgrade_check(const struct daemon *daemon);

/* There is no worker, no probe. Returns -errno when it could not. */
int upgrade_execute(const struct daemon *daemon);

#endif
