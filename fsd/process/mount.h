/* Mounting. */
#ifndef PROCESS_MOUNT_H
#define PROCESS_MOUNT_H

#include "process/daemon.h"

/* Checks the mount point and remembers where it is. `given`: for messages; `mountpoint`, `store`: resolved. 0, or -errno after a
 * message. */
int mount_check(struct daemon *daemon, const char *given, const char *mountpoint, const char *store);
/* Mounts: OWNED_SESSION. 0, or -errno after a message. */
int mount_make(struct daemon *daemon);

/* The rule for access times, as the kernel has it. */
uint64_t mount_atime_attribute(uint64_t rule);
/* In a process of its own, as for tune_start(): what the kernel marks by itself, and the mount table, follow another rule for access times. 0 or
 * -errno. */
int mount_atime_start(const struct daemon *daemon, uint64_t rule);

#endif
