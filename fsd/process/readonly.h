/* A store that cannot be written, mounted read-only: what the daemon writes for itself is in memory. */
#ifndef PROCESS_READONLY_H
#define PROCESS_READONLY_H

#include "process/daemon.h"

/* Whether the mount is to be read-only and its store's file system is. */
bool readonly_applies(const struct daemon *daemon);
/* Instead of the private folder and lock in the store. A store that would have to be recovered first is refused. 0, or -errno after
 * a message. */
int readonly_claim(struct daemon *daemon, const char *given);

#endif
