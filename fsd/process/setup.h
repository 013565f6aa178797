/* All that must hold before the mount, in its order: each refusal is one clear line, and leaves nothing mounted or half made. */
#ifndef PROCESS_SETUP_H
#define PROCESS_SETUP_H

#include "process/daemon.h"

/* `options` get real paths, and what was chosen. 0, or -errno after a message. */
int setup_daemon(struct daemon *daemon, struct options *options);
/* The real path of what was given. 0, or -errno after a message. */
int setup_resolve(const char *given, char path[4096], const char *what);

#endif
