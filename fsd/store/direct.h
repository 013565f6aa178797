/* A server behind FUSE may have a cache of its own, which O_DIRECT writes pass as they pass the kernel's; it may then go on answering with what it had
 * (ceph-fuse does). Such a file system is not written past the cache. */
#ifndef STORE_DIRECT_H
#define STORE_DIRECT_H

#include <stdbool.h>

/* Whether what is written to a file there with O_DIRECT is read without it. Tried with a file made in the folder, where it is FUSE. */
bool direct_is_seen(int folder);

#endif
