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

void attribute_overlay(struct server *server, uint32_t inode, struct stat *stat)
{
    uint32_t file = server->arena.inodes[inode].file;

    if (server->arena.inodes[inode].flags & INODE_REMOVED && stat->st_nlink)
        stat->st_nlink--;
    if (file)
        file_attributes(&server->files, file, stat);
}

bool attribute_may_lack_blocks(struct server *server, uint32_t inode, const struct stat *stat)
{
    return (stat->st_size + 511) / 512 > stat->st_blocks && file_may_be_mapped(&server->files, server->arena.inodes[inode].file);
}

double attribute_seconds(struct server *server, uint32_t inode, const struct stat *stat)
{
    bool may_keep =
        file_is_quiet(&server->files, server->arena.inodes[inode].file) && !attribute_may_lack_blocks(server, inode, stat);

    return may_keep ? ATTRIBUTE_SECONDS : 0;
}

int attribute_get(struct server *server, uint32_t inode, struct stat *stat)
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
        attribute_overlay(server, inode, stat);
    }
    return error;
}

void attribute_changed(struct server *server, uint32_t inode)
{
    struct inode *truth = &server->arena.inodes[inode];

    atomic_fetch_or(&truth->flags, INODE_UNSYNCED);
    if (truth->file)
        file_set_times(&server->files, truth->file, 0, (struct timespec){0}, (struct timespec){0});
}

void attribute_reply(fuse_req_t request, uint32_t inode, int error)
{
    struct server *server = server_of(request);
    struct stat stat;

    if (!error)
        error = attribute_get(server, inode, &stat);
    if (error)
        request_reply(request, error);
    else
        fuse_reply_attr(request, &stat, attribute_seconds(server, inode, &stat));
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
