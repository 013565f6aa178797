/* The daemon and its mount, and the programs that live on it. */
#ifndef REACH_SERVE_H
#define REACH_SERVE_H

#include "standby.h"

/* Mounts. 0 or -errno after a message. */
int serve_start(struct standby *standby);
/* Whether any process of the daemon is left. */
bool serve_lives(struct standby *standby);
/* In order: the clients' programs are stopped, everything is in the store. -EBUSY: programs use the mount still; it goes on. */
int serve_stop(struct standby *standby);
/* At once: the kernel answers clients with errors, then the daemon is killed. Never waits for the store. */
void serve_abort(struct standby *standby);
/* The clients' program is told ("start", "stop"). */
void serve_tell_clients(struct standby *standby, const char *what);

#endif
