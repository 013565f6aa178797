/* Virtual attributes that show the states of a file's pages; the kernel's may need the probe. */
#ifndef REQUEST_PAGES_H
#define REQUEST_PAGES_H

#include "request/server.h"

/* False: it is none of these. */
bool pages_get(fuse_req_t request, uint32_t inode, const char *name, size_t size);

#endif
