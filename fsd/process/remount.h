/* mount -o remount. */
#ifndef PROCESS_REMOUNT_H
#define PROCESS_REMOUNT_H

#include "options.h"

/* Changes the kernel's flags of an existing mount: those that are named, and no others. What cannot be changed is refused by name,
 * if it is not so already. 0, or -errno after a message. */
int remount(struct options *options);

#endif
