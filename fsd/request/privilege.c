#include "config.h"

#include "request/privilege.h"

#include <errno.h>

#include "request/caller.h"
#include "request/path.h"
#include "request/server.h"

/* As Linux does: setgid without group execution, once the mark of mandatory locking, goes only for those outside the group. */
static int drop(fuse_req_t request, const struct descriptor *descriptor)
{
    struct stat stat;
    mode_t keep;

    if (fstat(descriptor->fd, &stat))
        return -errno;
    keep = stat.st_mode & ~S_ISUID;
    if (keep & S_ISGID && (keep & S_IXGRP || !caller_is_in_group(request, stat.st_gid)))
        keep &= ~S_ISGID;
    return keep == stat.st_mode ? 0 : path_set_mode(descriptor, keep & 07777);
}

int privilege_drop_group(fuse_req_t request, const struct descriptor *descriptor)
{
    struct stat stat;

    if (fstat(descriptor->fd, &stat))
        return -errno;
    if (!(stat.st_mode & S_ISGID) || !fuse_req_ctx(request)->uid || caller_is_in_group(request, stat.st_gid))
        return 0;
    return path_set_mode(descriptor, stat.st_mode & 07777 & ~S_ISGID);
}

int privilege_drop_open(fuse_req_t request, const struct descriptor *descriptor)
{
    struct inode_table *inodes = &server_of(request)->inodes;
    int error;

    inode_modes_hold(inodes);
    error = drop(request, descriptor);
    inode_modes_release(inodes);
    return error;
}

int privilege_drop(fuse_req_t request, uint32_t inode)
{
    struct server *server = server_of(request);
    struct descriptor *descriptor;
    int error = descriptor_get(&server->descriptors, inode, &descriptor);

    if (error)
        return error;
    error = privilege_drop_open(request, descriptor);
    descriptor_put(&server->descriptors, descriptor);
    return error;
}
