/* The kernel's references to inodes, given with entries of folders. */
#ifndef REQUEST_ENTRY_H
#define REQUEST_ENTRY_H

#include "request/server.h"

void entry_fill(struct server *server, uint32_t inode, const struct statx *stat, struct fuse_entry_param *entry);
/* The kernel gets a reference to the inode, which was counted for it; it is taken back if the reply fails. */
void entry_reply(fuse_req_t request, uint32_t inode, const struct statx *stat);
/* What was counted for the current request and the kernel was not told. */
void entry_take_back(struct server *server);
/* The kernel has `count` references less; in one change with that, `counter` gets the value. */
void entry_drop(struct server *server, uint32_t inode, uint64_t count, _Atomic uint32_t *counter, uint32_t value);
/* Nobody can see what the file holds any more, if that is so. */
void entry_drop_contents(struct server *server, uint32_t inode);

#endif
