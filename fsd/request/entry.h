/* The kernel's references to inodes, given with entries of folders. */
#ifndef REQUEST_ENTRY_H
#define REQUEST_ENTRY_H

#include "request/server.h"

void entry_fill(struct server *server, uint32_t inode, const struct statx *stat, struct fuse_entry_param *entry);
/* The kernel gets a reference to the inode, which was counted; it is taken back if the reply fails. */
void entry_reply(fuse_req_t request, uint32_t inode, const struct statx *stat);
/* The kernel has `count` references less. */
void entry_drop(struct server *server, uint32_t inode, uint64_t count);

#endif
