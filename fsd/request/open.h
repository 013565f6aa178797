/* What open and create share. */
#ifndef REQUEST_OPEN_H
#define REQUEST_OPEN_H

#include "request/server.h"

/* O_TRUNC, the handle, how the kernel caches. */
int open_file(struct server *server, uint32_t inode, struct fuse_file_info *info);

/* What cannot be written to the store's file must not be taken from a client. */
int open_check_writable(struct server *server, uint32_t inode);

#endif
