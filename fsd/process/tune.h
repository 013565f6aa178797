/* What the kernel allows our mount. */
#ifndef PROCESS_TUNE_H
#define PROCESS_TUNE_H

#include "process/daemon.h"

/* Starts a process that raises it, where permitted; one log line where not. */
void tune_start(const struct daemon *daemon);

#endif
