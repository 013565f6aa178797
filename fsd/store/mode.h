/* Opening a file of our own for writing though its mode forbids it: the mode is changed for as long as that takes. A note in the private folder says so, made
 * and removed by one system call each, so that a death in between leaves no file with another mode. */
#ifndef STORE_MODE_H
#define STORE_MODE_H

#include <stdbool.h>

/* What `fd` (O_PATH is enough) is of, whose path in the store is `path`; `folder`: the private one. A descriptor, or -EACCES where it is not ours; else -errno.
 * One at a time. */
int mode_open(int folder, const char *path, int fd, int flags);
/* The modes that a dead process left changed are as they were. `copy`: of the store that it had, so that only paths tell which files those are. */
void mode_restore(int store, int folder, bool copy);

#endif
