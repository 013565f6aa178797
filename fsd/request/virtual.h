/* Attributes that the store does not have: the state of files. Reading changes nothing. */
#ifndef REQUEST_VIRTUAL_H
#define REQUEST_VIRTUAL_H

#include "request/server.h"

bool virtual_is(const char *name);
void virtual_get(fuse_req_t request, uint32_t inode, const char *name, size_t size);
/* Replies. */
void virtual_set(fuse_req_t request, uint32_t inode, const char *name, const char *value, size_t size);

#endif
