/* Taking a store: its root, the private folder in it, the lock. */
#ifndef PROCESS_CLAIM_H
#define PROCESS_CLAIM_H

#include "process/daemon.h"

/* `given`: the store, for messages; `path`: resolved. 0, or -errno after a message. */
int claim_store(struct daemon *daemon, const char *given, const char *path);

#endif
