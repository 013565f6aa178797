/* Executable files lose setuid and setgid when others than root change them. */
#ifndef REQUEST_PRIVILEGE_H
#define REQUEST_PRIVILEGE_H

#include "request/server.h"

int privilege_drop(fuse_req_t request, uint32_t inode);
/* The owner changed the access control list: setgid stays only for those in the group, as with chmod. */
int privilege_drop_group(fuse_req_t request, const struct descriptor *descriptor);
/* The same as privilege_drop for an inode that is open. */
int privilege_drop_open(fuse_req_t request, const struct descriptor *descriptor);

#endif
