/* What each process gives up before it meets what others wrote: who takes one over shall not leave the store with it. Each part is
 * left out where the kernel or the user may not have it, and told: nothing here keeps a mount from starting. */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include <stdbool.h>

enum sandbox_role { SANDBOX_KEEPER, SANDBOX_WORKER, SANDBOX_PROBE, SANDBOX_RECOVERY };

/* What is asked for. Off, or in a build with sanitizers, which need more than we allow, all functions here do nothing. `trusted`: the worker may
 * set what only root sets in inodes: trusted and security attributes, chattr's i and a. */
void sandbox_choose(bool off, bool trusted);
/* Before anything is mounted: networks, message queues and the host's name are left behind; the mount namespace where workers live is
 * made, an empty root without any of the mounts that are here, and without ours, which could never be unmounted there. Returns its descriptor, -1:
 * none. It is to stay open. */
int sandbox_make_room(void);
/* That of the program that ran before: `descriptor` or -1. Capabilities of the keeper go on over an execution that is to follow. */
void sandbox_adopt_room(int descriptor);
void sandbox_before_execution(void);
/* First thing: the room, capabilities, no new privileges. */
void sandbox_enter(enum sandbox_role role);
/* Before the first thread: no system call but those that the role makes. */
void sandbox_filter(enum sandbox_role role);
/* `what` could not be applied; `error`: -errno, 0: it could. */
void sandbox_miss(const char *what, int error);
/* What could not be applied since the process began, as text; NULL: nothing. */
const char *sandbox_missing(void);

#endif
