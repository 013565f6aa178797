/* WRITE and FORGET mostly come past libfuse (receive.c). What is missing is the kernel's to do: locks (they then survive a worker), copy_file_range. */
#include "config.h"

#include "request/operations.h"

#include "request/current.h"

static void init(void *userdata, struct fuse_conn_info *connection)
{
    struct server *server = userdata;
    /* Not WRITEBACK_CACHE: without it size and times are ours. Not AUTO_INVAL_DATA: it would drop the pages after each msync. */
    unsigned wanted = FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_DONT_MASK |
                      FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_ASYNC_DIO | FUSE_CAP_PARALLEL_DIROPS |
                      FUSE_CAP_POSIX_ACL | FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_IOCTL_DIR;

    connection->want = connection->capable & wanted;
    connection->max_write = WRITE_MAX;
    connection->max_background = 512;
    connection->congestion_threshold = 384;
    connection->max_readahead = WRITE_MAX;
    atomic_store(&server->arena.header->ready, 1);
}

const struct fuse_lowlevel_ops request_operations = {
    .init = init,
    .lookup = request_lookup,
    .getattr = request_getattr,
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
    .open = request_open,
    .release = request_release,
    .read = request_read,
    .write = request_write,
    .fsync = request_fsync,
    .fallocate = request_fallocate,
    .lseek = request_lseek,
    .opendir = request_opendir,
    .readdir = request_readdir,
    .readdirplus = request_readdirplus,
    .fsyncdir = request_fsyncdir,
    .setxattr = request_setxattr,
    .getxattr = request_getxattr,
    .listxattr = request_listxattr,
    .removexattr = request_removexattr,
    .ioctl = request_ioctl,
};
