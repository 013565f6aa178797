#include "config.h"

#include "request/open.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "request/attribute.h"
#include "request/caller.h"
#include "request/current.h"
#include "request/handle.h"
#include "request/operations.h"
#include "request/privilege.h"

int open_check_writable(struct server *server, uint32_t inode)
{
    struct descriptor *descriptor;
    int error = descriptor_get_writable(&server->descriptors, inode, &descriptor);

    if (!error)
        descriptor_put(&server->descriptors, descriptor);
    return error;
}

int open_file(struct server *server, uint32_t inode, struct fuse_file_info *info)
{
    bool writes = (info->flags & O_ACCMODE) != O_RDONLY || info->flags & O_TRUNC;
    uint32_t file;
    int error;

    error = writes ? open_check_writable(server, inode) : 0;
    if (error)
        return error;
    file = file_of(&server->files, inode, writes, &error);
    if (!error && writes && file_denies(&server->files, file))
        error = -ETXTBSY;
    if (!error && info->flags & O_TRUNC) {
        uint32_t begun = attribute_change_begin(server, inode);

        error = file_truncate(&server->files, file, 0);
        attribute_change_end(server, inode, begun);
    }
    if (error)
        return error;
    error = handle_open(server, inode, info->flags, &info->fh);
    if (error)
        return error;
    info->keep_cache = !(file && server->arena.files[file].flags & FILE_STALE);
    info->noflush = 1;
    return 0;
}

#define OPEN_TO_EXECUTE 0x20 /* the kernel's FMODE_EXEC, which it tells */

/* What the caller needs for these flags, checked by the store's file system. */
static int check_caller(fuse_req_t request, uint32_t inode, int flags)
{
    struct server *server = server_of(request);
    int access = flags & O_ACCMODE, how = flags & O_TRUNC ? W_OK : 0;
    struct descriptor *descriptor;
    int error;

    if (!caller_is_checked(server, request))
        return 0;
    error = descriptor_get(&server->descriptors, inode, &descriptor);
    if (error)
        return error;
    if (access != O_WRONLY)
        how |= flags & OPEN_TO_EXECUTE ? X_OK : R_OK;
    if (access != O_RDONLY)
        how |= W_OK;
    error = caller_check(server, request, descriptor->fd, how);
    descriptor_put(&server->descriptors, descriptor);
    return error;
}

void request_open(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
    struct server *server = server_of(request);
    uint32_t inode = request_inode(request, node);
    const struct fuse_open_in *in = (const void *)(current_header() + 1);
    int error;

    if (!inode)
        return;
    error = check_caller(request, inode, info->flags);
    if (!error)
        error = open_file(server, inode, info);
    if (!error && in->open_flags & FUSE_OPEN_KILL_SUIDGID)
        error = privilege_drop(request, inode);
    if (error)
        request_reply(request, error);
    if (info->fh && (error || fuse_reply_open(request, info)))
        handle_close(server, info->fh);
}

void request_release(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
    (void)node;
    handle_close(server_of(request), info->fh);
    request_reply(request, 0);
}
