/* What is in a file: read, allocate. */
#include "config.h"

#include <fcntl.h>

#include "request/atime.h"
#include "request/attribute.h"
#include "request/current.h"
#include "request/handle.h"
#include "request/operations.h"
#include "request/privilege.h"
#include "request/rollback.h"

void request_read(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *info)
{
    struct server *server = server_of(request);
    char *buffer = current()->reply;
    const struct handle *handle = handle_find(server, info->fh);
    uint32_t inode = request_inode(request, node);
    ssize_t n;

    if (!inode)
        return;
    if (size > WRITE_MAX)
        size = WRITE_MAX;
    n = file_read(&server->files, inode, server->arena.inodes[inode].file, buffer, size, offset);
    if (n < 0) {
        request_reply(request, n);
        return;
    }
    if (!(handle && handle->flags & O_NOATIME))
        atime_mark(server, inode);
    fuse_reply_buf(request, buffer, n);
}

void request_fallocate(fuse_req_t request, fuse_ino_t node, int mode, off_t offset, off_t length, struct fuse_file_info *info)
{
    struct server *server = server_of(request);
    uint32_t inode = request_inode(request, node), file, begun;
    int error;

    (void)info;
    if (!inode)
        return;
    file = file_of(&server->files, inode, true, &error);
    if (file && rollback_is(mode, offset, length)) {
        rollback_serve(request, file);
        return;
    }
    begun = attribute_change_begin(server, inode);
    if (file)
        error = file_allocate(&server->files, file, mode, offset, length);
    attribute_change_end(server, inode, begun);
    if (!error && fuse_req_ctx(request)->uid != 0)
        error = privilege_drop(request, inode);
    request_reply(request, error);
}
