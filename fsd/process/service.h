/* What the service manager that started us is told, as sd_notify(3) has it: that the mount can be used, that the program is being replaced, that it ends,
 * and that the keeper lives. A process of its own tells it: a descriptor of the manager's socket would be in the table that workers share, and one
 * that was taken over could have the manager end other processes. libsystemd is not used: that process would need three libraries for it.
 *
 * The main process, for the manager, is the stand-by, not the keeper: the manager ends a service whose main process died, and a stand-by that became
 * the keeper has told of its own stand-by long before it may die. Only the last message names the keeper, so that its exit status counts.
 */
#ifndef PROCESS_SERVICE_H
#define PROCESS_SERVICE_H

#include "process/keeping.h"

/* The keeper's second: tells what has changed. */
void service_look(struct keeper *keeper);
/* The teller ended: true if this was it. */
bool service_reap(struct keeper *keeper, pid_t pid, int status);
/* The keeper ends. */
void service_end(struct keeper *keeper);

#endif
