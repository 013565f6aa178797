/* Who sent the request: acting for them. */
#ifndef REQUEST_CALLER_H
#define REQUEST_CALLER_H

#include "request/server.h"

/* Act as the caller until caller_act_as_self, with the caller's groups and no capability that the caller has not: new files are the
 * caller's, and the store's file system checks once more what our mount's checked. */
void caller_act_as(struct server *server, fuse_req_t request);
void caller_act_as_self(struct server *server, fuse_req_t request);
bool caller_is_in_group(fuse_req_t request, gid_t group);
/* Whether the caller may do that (W_OK, X_OK) with the open inode: mode and access control list, as the kernel sees it. */
bool caller_may(struct server *server, fuse_req_t request, int fd, int how);
/* False: whoever it is, the daemon acts as itself, and caller_check() has nothing to ask. */
bool caller_is_checked(struct server *server, fuse_req_t request);
/* The store's second check of what our mount's allowed: -EACCES where the caller may not (R_OK, W_OK, X_OK); -EPERM where the inode is not
 * the caller's. Of whom nothing is known our mount's check is the only one. */
int caller_check(struct server *server, fuse_req_t request, int fd, int how);
int caller_check_owner(struct server *server, fuse_req_t request, int fd);

#endif
