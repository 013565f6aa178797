/* Commits over several files, put together one ioctl a file. */
#ifndef REQUEST_GROUP_H
#define REQUEST_GROUP_H

#include "mapshare-abi.h"
#include "request/server.h"

int group_add(struct server *server, uint64_t id, uint64_t handle, uint32_t file);
void group_commit(fuse_req_t request, struct server *server, const struct mapshare_abi_commit *in);
/* The handle is closed: a group that it was added to is given up (its commit gets ESTALE), since the file's record may become another's. */
void group_leave(struct server *server, uint64_t handle);

#endif
