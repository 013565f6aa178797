/* Going into the background: the starting process returns once the mount is usable, the keeper leaves the terminal. */
#ifndef PROCESS_BACKGROUND_H
#define PROCESS_BACKGROUND_H

#include "process/daemon.h"

/* Forks the keeper, and returns false in it. The starting process waits and returns true; *status is the program's exit status. */
bool background_enter(struct daemon *daemon, int *status);
/* The keeper: the mount is usable. In the background, also leaves the terminal. */
void background_tell_ready(struct daemon *daemon);
/* Standard input, output and error become /dev/null. */
void background_leave_terminal(const struct daemon *daemon);

#endif
