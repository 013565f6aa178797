/* Unmounting from within, for a signal and when the keeper gives up. */
#ifndef PROCESS_UNMOUNT_H
#define PROCESS_UNMOUNT_H

#include "process/daemon.h"

/* Starts a process that unmounts. False where none can be made now. */
bool unmount_start(const struct daemon *daemon);

#endif
