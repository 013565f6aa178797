/* What the administrator is told of every mount: what this kernel cannot do for it, and one line each when it begins and ends. */
#ifndef PROCESS_TELL_H
#define PROCESS_TELL_H

#include "process/daemon.h"

/* Before the mount, where who mounts sees it. */
void tell_kernel(const struct options *options);
void tell_mounted(const struct daemon *daemon);
/* `status`: the program's. */
void tell_unmounted(const struct daemon *daemon, int status);

#endif
