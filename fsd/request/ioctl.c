/* What the library asks of a file through its descriptor. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "file/status.h"
#include "mapshare-abi.h"
#include "request/area.h"
#include "request/atime.h"
#include "request/atomicity.h"
#include "request/attribute.h"
#include "request/backup.h"
#include "request/caller.h"
#include "request/current.h"
#include "request/feed.h"
#include "request/flags.h"
#include "request/group.h"
#include "request/handle.h"
#include "request/latency.h"
#include "request/listing.h"
#include "request/operations.h"
#include "request/ranges.h"
#include "request/tuning.h"
#include "request/verify.h"
#include "request/wait.h"
#include "request/watch.h"

static void get_info(fuse_req_t request, struct server *server, uint32_t inode)
{
    struct mapshare_abi_info info = {.version = MAPSHARE_ABI_VERSION, .flags = MAPSHARE_ABI_ROLLS_BACK};
    uint32_t file = server->arena.inodes[inode].file;
    struct stat stat;

    if (file) {
        status_info(&server->files, file, &info);
    } else if (!attribute_get(server, inode, &stat, NULL)) {
        struct descriptor *descriptor;

        info.committed_size = stat.st_size;
        info.flags |= server->options->atomic ? MAPSHARE_ABI_ATOMIC : 0;
        if (!descriptor_get(&server->descriptors, inode, &descriptor)) {
            if (atomicity_stored(descriptor->fd))
                info.flags |= MAPSHARE_ABI_ATOMIC;
            descriptor_put(&server->descriptors, descriptor);
        }
    }
    fuse_reply_ioctl(request, 0, &info, sizeof info);
}

/* Who has it open for writing, or could do the one or the other with it. */
static int may(fuse_req_t request, uint32_t inode, const struct handle *handle, int how, int else_how)
{
    struct server *server = server_of(request);
    struct descriptor *descriptor;
    int error;

    if (!handle)
        return -EBADF;
    if ((handle->flags & O_ACCMODE) != O_RDONLY)
        return 0;
    error = descriptor_get(&server->descriptors, inode, &descriptor);
    if (error)
        return error;
    if (!caller_may(server, request, descriptor->fd, how) && !caller_may(server, request, descriptor->fd, else_how))
        error = -EACCES;
    descriptor_put(&server->descriptors, descriptor);
    return error;
}

static int deny_write(fuse_req_t request, uint32_t inode, struct handle *handle, bool deny)
{
    struct server *server = server_of(request);
    int error = may(request, inode, handle, W_OK, X_OK); /* else they have no business keeping its owner from writing */
    uint32_t file = error ? 0 : file_of(&server->files, inode, true, &error);

    return file ? file_deny(&server->files, file, handle, deny) : error;
}

static void ioctl_events(fuse_req_t request, uint64_t number, unsigned command, const void *in, size_t in_size)
{
    int error = command == MAPSHARE_IOC_WATCH && in_size >= sizeof(uint32_t)
                    ? watch_begin(server_of(request), number, *(const uint32_t *)in)
                    : -ENOTTY;

    if (error)
        request_reply(request, error);
    else
        fuse_reply_ioctl(request, 0, NULL, 0);
}

void request_ioctl(fuse_req_t request, fuse_ino_t node, unsigned command, void *argument, struct fuse_file_info *info,
                   unsigned flags, const void *in, size_t in_size, size_t out_size)
{
    struct server *server = server_of(request);
    struct handle *handle = handle_find(server, info->fh);
    uint32_t inode, file = 0;
    int error = 0;

    (void)argument;
    if (area_is_node(node)) {
        ioctl_events(request, info->fh, command, in, in_size);
        return;
    }
    inode = request_inode(request, node);
    if (!inode)
        return;
    if (flags_is(command)) {
        flags_serve(request, inode, command, in, in_size, out_size);
        return;
    }
    if (command == MAPSHARE_IOC_VERIFY && out_size >= sizeof(struct mapshare_abi_verify)) {
        verify_serve(request, inode);
        return;
    }
    if (command == MAPSHARE_IOC_LATENCY && out_size >= sizeof(struct mapshare_abi_latency)) {
        latency_serve(request, inode);
        return;
    }
    if (command == MAPSHARE_IOC_FILES && in_size >= sizeof(struct mapshare_abi_files) &&
        out_size >= sizeof(struct mapshare_abi_files)) {
        listing_serve(request, inode, in);
        return;
    }
    if (command == MAPSHARE_IOC_BACKUP && in_size >= sizeof(struct mapshare_abi_backup) && out_size >= in_size) {
        backup_serve(request, inode, info->fh, in);
        return;
    }
    if (command == MAPSHARE_IOC_SET && in_size >= sizeof(struct mapshare_abi_set) && out_size >= in_size) {
        tuning_serve(request, inode, in);
        return;
    }
    if (command == MAPSHARE_IOC_FEED && in_size >= sizeof(struct mapshare_abi_feed) && out_size >= in_size) {
        feed_serve(request, inode, handle, in);
        return;
    }
    if (command == MAPSHARE_IOC_WAIT && in_size >= sizeof(struct mapshare_abi_wait) && inode == INODE_ROOT) {
        wait_for_any(request, server, in);
        return;
    }
    if (flags & FUSE_IOCTL_DIR || server->arena.inodes[inode].type != S_IFREG || _IOC_TYPE(command) != MAPSHARE_IOC_MAGIC ||
        (_IOC_DIR(command) & _IOC_WRITE && in_size < _IOC_SIZE(command))) {
        request_reply(request, -ENOTTY);
        return;
    }
    switch (command) {
    case MAPSHARE_IOC_INFO:
        get_info(request, server, inode);
        return;
    case MAPSHARE_IOC_RANGES:
        ranges_get(request, server, inode, in);
        return;
    case MAPSHARE_IOC_COMMIT:
        group_commit(request, server, in);
        return;
    case MAPSHARE_IOC_WAIT:
        file = file_of(&server->files, inode, true, &error);
        if (!file)
            break;
        wait_for_commit(request, server, file, in);
        return;
    case MAPSHARE_IOC_JOIN: /* having it open for writing is the permission */
        error = handle && (handle->flags & O_ACCMODE) != O_RDONLY ? 0 : -EBADF;
        if (!error)
            error = group_add(server, GROUP_TO_COMMIT, *(const uint64_t *)in, info->fh, server->arena.inodes[inode].file);
        break;
    case MAPSHARE_IOC_SNAPSHOT_ADD:
        error = handle && (handle->flags & O_ACCMODE) != O_WRONLY ? 0 : -EBADF;
        if (!error)
            file = file_of(&server->files, inode, true, &error);
        if (file)
            error = group_add(server, GROUP_TO_READ, *(const uint64_t *)in, info->fh, file);
        break;
    case MAPSHARE_IOC_MAPPED:
        atime_mark(server, inode);
        attribute_untell(server, inode);
        break;
    case MAPSHARE_IOC_AREA:
        area_tell(request, inode, handle, in);
        return;
    case MAPSHARE_IOC_NOTIFIED:
        error = may(request, inode, handle, W_OK, W_OK);
        if (!error)
            watch_notice(server, inode);
        break;
    case MAPSHARE_IOC_DENY_WRITE:
        error = deny_write(request, inode, handle, *(const uint32_t *)in);
        break;
    default:
        error = -ENOTTY;
    }
    if (error)
        request_reply(request, error);
    else
        fuse_reply_ioctl(request, 0, NULL, 0);
}
