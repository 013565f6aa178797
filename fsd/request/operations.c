/* WRITE and FORGET mostly come past libfuse (receive.c). What is missing is the kernel's to do: locks (they then survive a worker), copy_file_range. */
#include "config.h"

#include "request/operations.h"

#include <string.h>

#include "cache/area.h"
#include "request/area.h"
#include "request/current.h"
#include "request/snapshot.h"

static void init(void *userdata, struct fuse_conn_info *connection)
{
    struct server *server = userdata;
    /* Not WRITEBACK_CACHE: without it size and times are ours. Not AUTO_INVAL_DATA: it would drop the pages after each msync.
     * Not ASYNC_DIO: the page cache would show the bytes from before after such a write has ended. */
    unsigned wanted = FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_DONT_MASK |
                      FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_POSIX_ACL |
                      FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_IOCTL_DIR;

    connection->want = connection->capable & wanted;
    connection->max_write = WRITE_MAX;
    connection->max_background = 512;
    connection->congestion_threshold = 384;
    connection->max_readahead = WRITE_MAX;
    atomic_store(&server->arena.header->ready, 1);
}

/* ---- of a file, of its area, or of a snapshot ---- */

static void lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    if (strncmp(name, MAPSHARE_AREA_PREFIX, strlen(MAPSHARE_AREA_PREFIX)) == 0)
        area_lookup(request, name);
    else if (strcmp(name, MAPSHARE_SNAPSHOT_NAME) == 0)
        snapshot_lookup(request);
    else
        request_lookup(request, parent, name);
}

static void getattr(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
    if (area_is_node(node))
        area_getattr(request, node);
    else if (snapshot_is_node(node))
        snapshot_getattr(request, node);
    else
        request_getattr(request, node, info);
}

static void open_node(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
    if (area_is_node(node))
        area_open(request, node, info);
    else if (snapshot_is_node(node))
        snapshot_open(request, node, info);
    else
        request_open(request, node, info);
}

static void read_node(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *info)
{
    if (area_is_node(node))
        area_read(request, node, size, offset, info->fh);
    else if (snapshot_is_node(node))
        snapshot_read_node(request, node, size, offset, info);
    else
        request_read(request, node, size, offset, info);
}

static void write_node(fuse_req_t request, fuse_ino_t node, const char *bytes, size_t size, off_t offset,
                       struct fuse_file_info *info)
{
    if (area_is_node(node))
        area_write(request, node);
    else
        request_write(request, node, bytes, size, offset, info);
}

static void getxattr_node(fuse_req_t request, fuse_ino_t node, const char *name, size_t size)
{
    if (area_is_node(node))
        area_getxattr(request, node, name, size);
    else if (snapshot_is_node(node))
        request_reply(request, -ENODATA);
    else
        request_getxattr(request, node, name, size);
}

static void release_node(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
    if (snapshot_is_node(node))
        snapshot_release(request, node, info);
    else
        request_release(request, node, info);
}

static void ioctl_node(fuse_req_t request, fuse_ino_t node, unsigned command, void *argument, struct fuse_file_info *info,
                       unsigned flags, const void *in, size_t in_size, size_t out_size)
{
    if (snapshot_is_node(node))
        snapshot_ioctl(request, node, command, info, in, in_size);
    else
        request_ioctl(request, node, command, argument, info, flags, in, in_size, out_size);
}

const struct fuse_lowlevel_ops request_operations = {
    .init = init,
    .lookup = lookup,
    .getattr = getattr,
    .setattr = request_setattr,
    .readlink = request_readlink,
    .statfs = request_statfs,
    .mknod = request_mknod,
    .mkdir = request_mkdir,
    .unlink = request_unlink,
    .rmdir = request_rmdir,
    .symlink = request_symlink,
    .rename = request_rename,
    .link = request_link,
    .create = request_create,
    .open = open_node,
    .release = release_node,
    .read = read_node,
    .write = write_node,
    .fsync = request_fsync,
    .fallocate = request_fallocate,
    .lseek = request_lseek,
    .opendir = request_opendir,
    .releasedir = request_releasedir,
    .readdir = request_readdir,
    .readdirplus = request_readdirplus,
    .fsyncdir = request_fsyncdir,
    .setxattr = request_setxattr,
    .getxattr = getxattr_node,
    .listxattr = request_listxattr,
    .removexattr = request_removexattr,
    .ioctl = ioctl_node,
    .poll = request_poll,
};
