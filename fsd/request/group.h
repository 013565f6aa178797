/* Commits and snapshots over several files, put together one ioctl a file. */
#ifndef REQUEST_GROUP_H
#define REQUEST_GROUP_H

#include "mapshare-abi.h"
#include "request/server.h"

/* One to be committed is not one of files that are only read. */
enum group_kind { GROUP_TO_COMMIT, GROUP_TO_READ };

int group_add(struct server *server, enum group_kind kind, uint64_t id, uint64_t handle, uint32_t file);
/* The group's files, in the order in which they were added: the group is no more. To be given back; -ESTALE: it is not known, or has not `count`. */
int group_take(struct server *server, enum group_kind kind, uint64_t id, uint32_t count, uint32_t **files);
void group_give_back(struct server *server, uint32_t *files, uint32_t count);
void group_commit(fuse_req_t request, struct server *server, const struct mapshare_abi_commit *in);
/* The handle is closed: a group that it was added to is given up (its commit gets ESTALE), since the file's record may become another's. */
void group_leave(struct server *server, uint64_t handle);

#endif
