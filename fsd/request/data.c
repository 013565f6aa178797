/* What is in a file: open, read, write, sync. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file/ahead.h"
#include "log.h"
#include "request/burst.h"

int request_open_file(struct server *server, uint32_t inode, struct fuse_file_info *info)
{
    bool writes = (info->flags & O_ACCMODE) != O_RDONLY;
    uint32_t file;
    int error;

    file = file_of(&server->files, inode, writes || info->flags & O_TRUNC, &error);
    if (!error && writes && file_denies(&server->files, file))
        error = -ETXTBSY;
    if (!error && info->flags & O_TRUNC)
        error = file_truncate(&server->files, file, 0);
    if (error)
        return error;
    info->fh = handle_open(server, inode, info->flags);
    if (!info->fh)
        return -ENFILE;
    info->keep_cache = 1;
    info->noflush = 1;
    return 0;
}

void request_open(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
    struct server *server = server_of(request);
    uint32_t inode = request_inode(request, node);
    const struct fuse_open_in *in = (const void *)(request_header() + 1);
    int error;

    if (!inode)
        return;
    error = request_open_file(server, inode, info);
    if (!error && in->open_flags & FUSE_OPEN_KILL_SUIDGID)
        error = request_kill_privileges(request, inode);
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

/* The kernel marks what is read through a descriptor of its own, by the rule of the store's mount: marking it ourselves would mark ctime, too. */
static void let_store_mark(const struct descriptor *descriptor)
{
    char path[32], byte;
    int fd;

    request_descriptor_path(path, descriptor);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && pread(fd, &byte, 1, 0) < 0)
        log_line(LOG_TRACE, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
}

/* T4: a page that is brought in from the store marks atime, by the mount's rule. */
void request_mark_atime(struct server *server, uint32_t inode)
{
    bool strict = server->options->atime == ATIME_STRICT;
    struct descriptor *descriptor;
    struct stat stat;
    uint32_t file;
    int error;

    if (!KEEP_TIMES || server->options->atime == ATIME_NONE || server->options->read_only)
        return;
    file = file_of(&server->files, inode, strict && !server->store_marks, &error);
    if (file) {
        file_mark_atime(&server->files, file, strict);
    } else if (!descriptor_get(&server->descriptors, inode, &descriptor)) {
        if (!fstat(descriptor->fd, &stat) &&
            file_atime_is_due(time_pack(stat.st_atim), time_pack(stat.st_mtim), time_pack(stat.st_ctim), strict))
            let_store_mark(descriptor);
        descriptor_put(&server->descriptors, descriptor);
    }
}

void request_read(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *info)
{
    struct server *server = server_of(request);
    unsigned char *buffer = request_receiver()->reply;
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
        request_mark_atime(server, inode);
    fuse_reply_buf(request, (char *)buffer, n);
}

/* What the thread's receiver holds goes into the file. Returns bytes or -errno. */
static ssize_t take_write(struct server *server, uint32_t inode, const struct fuse_write_in *in)
{
    struct receiver *receiver = request_receiver();
    struct received data = {
        .frames = receiver->frames,
        .frame_count = receiver->frame_count,
        .rest = receiver->rest,
    };
    int error;
    uint32_t file = file_of(&server->files, inode, true, &error);
    bool quiet = KEEP_TIMES && file_is_quiet(&server->files, file);
    ssize_t n = file ? file_write(&server->files, file, &data, in->size, in->offset, in->write_flags & FUSE_WRITE_CACHE) : error;

    if (quiet) /* attributes only: an answer given before this change, and not yet heard, must not be kept */
        fuse_lowlevel_notify_inval_inode(server->session, inode_node(&server->inodes, inode), -1, 0);
    return n;
}

bool request_write_received(struct server *server)
{
    const struct fuse_in_header *header = request_header();
    const struct fuse_write_in *in = (const void *)(header + 1);
    struct write_answer answer = {.header = {.len = sizeof answer, .unique = header->unique}};
    uint32_t inode = inode_of_node(&server->inodes, header->nodeid), file;
    ssize_t n;

    if (!inode || in->write_flags & FUSE_WRITE_KILL_SUIDGID)
        return false;
    if (in->size % PAGE_BYTES || in->size >> PAGE_SHIFT > request_receiver()->frame_count)
        burst_release(server); /* more frames are needed than are here: they may have to be waited for */
    n = take_write(server, inode, in);
    if (n < 0)
        answer.header = (struct fuse_out_header){.len = sizeof answer.header, .unique = header->unique, .error = n};
    else
        answer.out.size = n;
    burst_answer(server, &answer);
    file = server->arena.inodes[inode].file;
    if (in->write_flags & FUSE_WRITE_CACHE && ahead_claim(&server->files, file)) {
        burst_release(server);
        ahead_of_commit(&server->files, file);
    }
    return true;
}

void request_write(fuse_req_t request, fuse_ino_t node, const char *bytes, size_t size, off_t offset, struct fuse_file_info *info)
{
    const struct fuse_write_in *in = (const void *)(request_header() + 1);
    uint32_t inode = request_inode(request, node);
    ssize_t n;

    (void)bytes, (void)size, (void)offset, (void)info;
    if (!inode)
        return;
    n = take_write(server_of(request), inode, in);
    if (n >= 0)
        request_kill_privileges(request, inode);
    if (n < 0)
        request_reply(request, n);
    else
        fuse_reply_write(request, n);
}

/* A sync that waits for its commit. */
struct parked_sync {
    struct commit_waiter waiter;
    fuse_req_t request;
    uint32_t file;
};

static void synced(struct commit_waiter *waiter, const struct commit_result *result)
{
    struct parked_sync *parked = (struct parked_sync *)waiter;

    request_reply(parked->request, result->error == -EFBIG ? -ENOSPC : result->error);
    free(parked);
}

static void park_sync(fuse_req_t request, uint32_t file, uint32_t folder)
{
    struct parked_sync *parked = malloc(sizeof *parked);

    if (!parked) {
        request_reply(request, -ENOMEM);
        return;
    }
    *parked = (struct parked_sync){
        .waiter = {.files = &parked->file, .count = file != 0, .flush_inode = folder, .done = synced},
        .request = request,
        .file = file,
    };
    commit_submit(&server_of(request)->files, &parked->waiter, 1);
}

void request_fsync(fuse_req_t request, fuse_ino_t node, int data_only, struct fuse_file_info *info)
{
    struct server *server = server_of(request);
    uint32_t inode = request_inode(request, node), file;

    (void)data_only, (void)info;
    if (!inode)
        return;
    file = server->arena.inodes[inode].file;
    if (commit_needless(&server->files, inode, file))
        request_reply(request, 0);
    else
        park_sync(request, file, file ? 0 : inode);
}

void request_fsyncdir(fuse_req_t request, fuse_ino_t node, int data_only, struct fuse_file_info *info)
{
    uint32_t inode = request_inode(request, node);

    (void)data_only, (void)info;
    if (inode)
        park_sync(request, 0, inode);
}

void request_fallocate(fuse_req_t request, fuse_ino_t node, int mode, off_t offset, off_t length, struct fuse_file_info *info)
{
    struct server *server = server_of(request);
    uint32_t inode = request_inode(request, node), file;
    int error;

    (void)info;
    if (!inode)
        return;
    file = file_of(&server->files, inode, true, &error);
    if (file)
        error = file_allocate(&server->files, file, mode, offset, length);
    if (!error && fuse_req_ctx(request)->uid != 0)
        error = request_kill_privileges(request, inode);
    request_reply(request, error);
}

void request_lseek(fuse_req_t request, fuse_ino_t node, off_t offset, int whence, struct fuse_file_info *info)
{
    struct server *server = server_of(request);
    uint32_t inode = request_inode(request, node);
    off_t at;

    (void)info;
    if (!inode)
        return;
    at = file_seek(&server->files, inode, server->arena.inodes[inode].file, offset, whence);
    if (at < 0)
        request_reply(request, at);
    else
        fuse_reply_lseek(request, at);
}
