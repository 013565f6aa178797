/* All that must hold before the mount: each refusal is one clear line, and leaves nothing mounted or half made. */
#ifndef PROCESS_SETUP_H
#define PROCESS_SETUP_H

#include "process/daemon.h"

/* Checks options, store and mount point; takes the store's lock (waits for a daemon that is finishing); recovers; makes the arena.
 * `store` and `mountpoint`: their real paths. 0, or -errno after a message. */
int setup_daemon(struct daemon *daemon, struct options *options, char store[4096], char mountpoint[4096]);
/* Whether something of ours is mounted there. */
bool setup_is_mounted(const char *mountpoint);
/* mount -o remount: the kernel's flags of an existing mount. 0, or -errno after a message. */
int setup_remount(const struct options *options);
/* Mounts: daemon->session. 0, or -errno after a message. */
int setup_mount(struct daemon *daemon);
/* Raises what the kernel allows a FUSE mount, where permitted; one log line where not. */
void setup_tune(const struct daemon *daemon);

#endif
