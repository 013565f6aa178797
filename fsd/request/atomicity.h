/* The attribute that makes a file atomic, or the new files of a folder. The store keeps it under the same name. */
#ifndef REQUEST_ATOMICITY_H
#define REQUEST_ATOMICITY_H

#include "request/server.h"

/* Whether the store's file or folder has it. */
bool atomicity_stored(int fd);
/* New files and folders are atomic when their folder says so: `name` was just made in it. */
void atomicity_inherit(const struct descriptor *folder, const char *name);
void atomicity_get(fuse_req_t request, uint32_t inode, size_t size);
int atomicity_set(fuse_req_t request, uint32_t inode, const char *value, size_t size);

#endif
