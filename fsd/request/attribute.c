#include "config.h"

#include "request/attribute.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "request/current.h"
#include "request/operations.h"

bool attribute_may_lack_blocks(struct server *server, uint32_t inode, const struct stat *stat)
{
    return stat->st_size > stat->st_blocks * 512 && file_may_be_mapped(&server->files, server->arena.inodes[inode].file);
}

/* What clients see of it, in place of what the store has. */
static bool overlay(struct server *server, uint32_t inode, struct stat *stat, const struct file_question *question)
{
    uint32_t file = server->arena.inodes[inode].file;

    if (server->arena.inodes[inode].flags & INODE_REMOVED && stat->st_nlink)
        stat->st_nlink--;
    return !file || file_attributes(&server->files, file, stat, question);
}

double attribute_overlay(struct server *server, uint32_t inode, struct stat *stat)
{
    struct file_question question = {
        .thread = current_header() ? current_header()->pid : 0,
        .settled = current()->settled,
    };

    return overlay(server, inode, stat, &question) && !attribute_may_lack_blocks(server, inode, stat) ? ATTRIBUTE_SECONDS : 0;
}

int attribute_get(struct server *server, uint32_t inode, struct stat *stat, double *seconds)
{
    struct descriptor *descriptor;
    int error = descriptor_get(&server->descriptors, inode, &descriptor);

    if (error)
        return error;
    inode_modes_hold(&server->inodes);
    if (fstatat(descriptor->fd, "", stat, AT_EMPTY_PATH))
        error = -errno;
    inode_modes_release(&server->inodes);
    if (server->arena.inodes[inode].file)
        file_learn_blocks(&server->files, server->arena.inodes[inode].file, descriptor->fd);
    descriptor_put(&server->descriptors, descriptor);
    if (!error) {
        time_seen(stat->st_ctim);
        if (seconds)
            *seconds = attribute_overlay(server, inode, stat);
        else
            overlay(server, inode, stat, NULL);
    }
    return error;
}

/* Attributes alone: no page is waited for. */
void attribute_untell(struct server *server, uint32_t inode)
{
    uint32_t file = server->arena.inodes[inode].file;

    if (KEEP_TIMES && file && file_untell(&server->files, file))
        fuse_lowlevel_notify_inval_inode(server->session, inode_node(&server->inodes, inode), -1, 0);
}

uint32_t attribute_change_begin(struct server *server, uint32_t inode)
{
    uint32_t file = server->arena.inodes[inode].file;

    if (file)
        file_change_begin(&server->files, file);
    attribute_untell(server, inode);
    return file;
}

void attribute_change_end(struct server *server, uint32_t inode, uint32_t begun)
{
    if (begun)
        file_change_end(&server->files, begun);
    else
        attribute_untell(server, inode); /* its record was made meanwhile */
}

void attribute_changed(struct server *server, uint32_t inode)
{
    struct inode *truth = &server->arena.inodes[inode];

    atomic_fetch_or(&truth->flags, INODE_UNSYNCED);
    if (truth->file)
        file_set_times(&server->files, truth->file, 0, (struct timespec){0}, (struct timespec){0});
    attribute_untell(server, inode);
}

void attribute_reply(fuse_req_t request, uint32_t inode, int error)
{
    struct server *server = server_of(request);
    struct stat stat;
    double seconds;

    if (!error)
        error = attribute_get(server, inode, &stat, &seconds);
    if (error)
        request_reply(request, error);
    else
        fuse_reply_attr(request, &stat, seconds);
}

void request_readlink(fuse_req_t request, fuse_ino_t node)
{
    struct server *server = server_of(request);
    struct descriptor *descriptor;
    char target[PATH_MAX];
    uint32_t inode = request_inode(request, node);
    ssize_t length = 0;
    int error;

    if (!inode)
        return;
    error = descriptor_get(&server->descriptors, inode, &descriptor);
    if (!error) {
        length = readlinkat(descriptor->fd, "", target, sizeof target - 1);
        if (length < 0)
            error = -errno;
        descriptor_put(&server->descriptors, descriptor);
    }
    if (error) {
        request_reply(request, error);
        return;
    }
    target[length] = 0;
    fuse_reply_readlink(request, target);
}

void request_statfs(fuse_req_t request, fuse_ino_t node)
{
    struct statvfs stat;

    (void)node;
    if (fstatvfs(server_of(request)->inodes.store, &stat))
        request_reply(request, -errno);
    else
        fuse_reply_statfs(request, &stat);
}
