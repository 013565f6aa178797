/* Serving a mount again whose workers died too often. */
#ifndef CLI_REVIVE_H
#define CLI_REVIVE_H

#include "command.h"

/* Sends its keeper the signal, and waits, for 30 seconds if `timeout` is 0, until the mount is served. */
enum exit_status revive(const char *mount, int signal, unsigned timeout);

#endif
