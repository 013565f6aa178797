/* What an inode is: lookup, attributes, times. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mapshare-abi.h"
#include "probe/probe.h"
#include "request/request.h"

void request_reply(fuse_req_t request, int error)
{
    fuse_reply_err(request, -error);
}

uint32_t request_inode(fuse_req_t request, fuse_ino_t node)
{
    uint32_t inode = inode_of_node(&server_of(request)->inodes, node);

    if (!inode)
        request_reply(request, -ESTALE);
    return inode;
}

void request_descriptor_path(char path[32], const struct descriptor *descriptor)
{
    snprintf(path, 32, "/proc/self/fd/%d", descriptor->fd);
}

bool request_is_reserved(uint32_t folder, const char *name)
{
    return folder == INODE_ROOT && !strcmp(name, MAPSHARE_PRIVATE_FOLDER);
}

/* The file's own size and times in place of the store's. */
static void overlay(struct server *server, uint32_t inode, struct stat *stat)
{
    uint32_t file = server->arena.inodes[inode].file;

    if (file)
        file_attributes(&server->files, file, stat);
}

/* How long the kernel may keep what it is told. Nobody else changes the store; but see file_is_quiet. */
static double attribute_seconds(struct server *server, uint32_t inode)
{
    return file_is_quiet(&server->files, server->arena.inodes[inode].file) ? ATTRIBUTE_SECONDS : 0;
}

int request_attributes(struct server *server, uint32_t inode, struct stat *stat)
{
    struct descriptor *descriptor;
    int error = descriptor_get(&server->descriptors, inode, &descriptor);

    if (error)
        return error;
    if (fstatat(descriptor->fd, "", stat, AT_EMPTY_PATH))
        error = -errno;
    descriptor_put(&server->descriptors, descriptor);
    if (!error)
        overlay(server, inode, stat);
    return error;
}

static struct timespec of_statx(struct statx_timestamp at)
{
    return (struct timespec){at.tv_sec, at.tv_nsec};
}

void request_fill_entry(struct server *server, uint32_t inode, const struct statx *stat, struct fuse_entry_param *entry)
{
    *entry = (struct fuse_entry_param){
        .ino = inode_node(&server->inodes, inode),
        .generation = server->arena.inodes[inode].generation,
        .attr_timeout = attribute_seconds(server, inode),
        .entry_timeout = ATTRIBUTE_SECONDS,
        .attr =
            {
                .st_ino = stat->stx_ino,
                .st_mode = stat->stx_mode,
                .st_nlink = stat->stx_nlink,
                .st_uid = stat->stx_uid,
                .st_gid = stat->stx_gid,
                .st_rdev = makedev(stat->stx_rdev_major, stat->stx_rdev_minor),
                .st_size = stat->stx_size,
                .st_blksize = stat->stx_blksize,
                .st_blocks = stat->stx_blocks,
                .st_atim = of_statx(stat->stx_atime),
                .st_mtim = of_statx(stat->stx_mtime),
                .st_ctim = of_statx(stat->stx_ctime),
            },
    };
    overlay(server, inode, &entry->attr);
}

void request_reply_entry(fuse_req_t request, uint32_t inode, const struct statx *stat)
{
    struct server *server = server_of(request);
    struct fuse_entry_param entry;

    request_fill_entry(server, inode, stat, &entry);
    if (fuse_reply_entry(request, &entry))
        request_forget(server, inode, 1);
}

void request_changed(struct server *server, uint32_t inode)
{
    struct inode *truth = &server->arena.inodes[inode];

    atomic_fetch_or(&truth->flags, INODE_UNSYNCED);
    if (truth->file)
        file_set_times(&server->files, truth->file, FILE_CTIME, 0, 0, time_now());
}

/* A handle that a client kept: the node may be unknown to us. */
static void lookup_self(fuse_req_t request, fuse_ino_t node)
{
    struct server *server = server_of(request);
    struct statx stat;
    uint32_t inode;
    int error = inode_lookup_number(&server->inodes, node, &stat, &inode);

    if (error)
        request_reply(request, error);
    else
        request_reply_entry(request, inode, &stat);
}

void request_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct server *server = server_of(request);
    struct fuse_entry_param none = {.entry_timeout = ATTRIBUTE_SECONDS};
    struct descriptor *descriptor;
    struct statx stat;
    uint32_t folder, inode;
    int error;

    if (!strcmp(name, ".")) {
        lookup_self(request, parent);
        return;
    }
    folder = request_inode(request, parent);
    if (!folder)
        return;
    if (folder == INODE_ROOT && !strcmp(name, "..")) {
        lookup_self(request, parent);
        return;
    }
    error = descriptor_get(&server->descriptors, folder, &descriptor);
    if (!error) {
        error = request_is_reserved(folder, name)
                    ? -ENOENT
                    : inode_lookup(&server->inodes, strcmp(name, "..") ? folder : 0, descriptor->fd, name, &stat, &inode);
        descriptor_put(&server->descriptors, descriptor);
    }
    if (error == -ENOENT)
        fuse_reply_entry(request, &none); /* the kernel may remember that there is nothing */
    else if (error)
        request_reply(request, error);
    else
        request_reply_entry(request, inode, &stat);
}

void request_forget(struct server *server, uint32_t inode, uint64_t count)
{
    const struct inode *truth = &server->arena.inodes[inode];

    if (!inode)
        return;
    inode_hold(&server->inodes, inode);
    inode_forget(&server->inodes, inode, count);
    if (truth->flags & INODE_UNLINKED && truth->file && !truth->lookups)
        file_drop(&server->files, truth->file);
    inode_put(&server->inodes, inode);
}

void request_forget_one(fuse_req_t request, fuse_ino_t node, uint64_t count)
{
    struct server *server = server_of(request);

    request_forget(server, inode_of_node(&server->inodes, node), count);
    fuse_reply_none(request);
}

void request_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets)
{
    struct server *server = server_of(request);

    for (size_t i = 0; i < count; i++)
        request_forget(server, inode_of_node(&server->inodes, forgets[i].ino), forgets[i].nlookup);
    fuse_reply_none(request);
}

void request_getattr(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
    struct stat stat;
    uint32_t inode = request_inode(request, node);
    int error;

    (void)info;
    if (!inode)
        return;
    error = request_attributes(server_of(request), inode, &stat);
    if (error)
        request_reply(request, error);
    else
        fuse_reply_attr(request, &stat, attribute_seconds(server_of(request), inode));
}

/* ---- setattr ---- */

static int set_mode(const struct descriptor *descriptor, mode_t mode)
{
    char path[32];

    request_descriptor_path(path, descriptor);
    return chmod(path, mode) ? -errno : 0;
}

static bool is_in_group(fuse_req_t request, gid_t group)
{
    gid_t groups[64];
    int count = fuse_req_getgroups(request, 64, groups);

    if (fuse_req_ctx(request)->gid == group)
        return true;
    for (int i = 0; i < count && i < 64; i++) {
        if (groups[i] == group)
            return true;
    }
    return false;
}

/* As Linux does: setgid without group execution, once the mark of mandatory locking, goes only for those outside the group. */
static int kill_privileges(fuse_req_t request, const struct descriptor *descriptor)
{
    struct stat stat;
    mode_t keep;

    if (fstat(descriptor->fd, &stat))
        return -errno;
    keep = stat.st_mode & ~S_ISUID;
    if (keep & S_ISGID && (keep & S_IXGRP || !is_in_group(request, stat.st_gid)))
        keep &= ~S_ISGID;
    return keep == stat.st_mode ? 0 : set_mode(descriptor, keep & 07777);
}

int request_kill_privileges(fuse_req_t request, uint32_t inode)
{
    struct server *server = server_of(request);
    struct descriptor *descriptor;
    int error = descriptor_get(&server->descriptors, inode, &descriptor);

    if (error)
        return error;
    error = kill_privileges(request, descriptor);
    descriptor_put(&server->descriptors, descriptor);
    return error;
}

static int set_store_times(const struct descriptor *descriptor, const struct stat *to, int set)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};

    if (set & FUSE_SET_ATTR_ATIME_NOW)
        times[0].tv_nsec = UTIME_NOW;
    else if (set & FUSE_SET_ATTR_ATIME)
        times[0] = to->st_atim;
    if (set & FUSE_SET_ATTR_MTIME_NOW)
        times[1].tv_nsec = UTIME_NOW;
    else if (set & FUSE_SET_ATTR_MTIME)
        times[1] = to->st_mtim;
    return utimensat(descriptor->fd, "", times, AT_EMPTY_PATH) ? -errno : 0;
}

static void set_file_times(struct server *server, uint32_t file, const struct stat *to, int set)
{
    int64_t now = time_now();
    int which = FILE_CTIME | (set & FUSE_SET_ATTR_ATIME ? FILE_ATIME : 0) | (set & FUSE_SET_ATTR_MTIME ? FILE_MTIME : 0);

    file_set_times(&server->files, file, which, set & FUSE_SET_ATTR_ATIME_NOW ? now : time_pack(to->st_atim),
                   set & FUSE_SET_ATTR_MTIME_NOW ? now : time_pack(to->st_mtim), now);
}

#define SET_TIMES (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME)

static int set_size(fuse_req_t request, uint32_t inode, const struct descriptor *descriptor, off_t size)
{
    struct server *server = server_of(request);
    const struct fuse_setattr_in *in = (const void *)(request_header() + 1);
    int error;
    uint32_t file = file_of(&server->files, inode, true, &error);

    if (!error)
        error = file_truncate(&server->files, file, size);
    if (!error && in->valid & FATTR_KILL_SUIDGID)
        error = kill_privileges(request, descriptor);
    return error;
}

static int set_attributes(fuse_req_t request, uint32_t inode, const struct stat *to, int set)
{
    struct server *server = server_of(request);
    struct descriptor *descriptor;
    uint32_t file = server->arena.inodes[inode].file;
    int error = descriptor_get(&server->descriptors, inode, &descriptor);

    if (error)
        return error;
    if (set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID) &&
        fchownat(descriptor->fd, "", set & FUSE_SET_ATTR_UID ? to->st_uid : (uid_t)-1,
                 set & FUSE_SET_ATTR_GID ? to->st_gid : (gid_t)-1, AT_EMPTY_PATH))
        error = -errno;
    if (!error && set & FUSE_SET_ATTR_MODE)
        error = set_mode(descriptor, to->st_mode & 07777);
    if (!error && set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID | FUSE_SET_ATTR_MODE))
        request_changed(server, inode);
    if (!error && set & FUSE_SET_ATTR_SIZE)
        error = set_size(request, inode, descriptor, to->st_size);
    if (!error && set & SET_TIMES) {
        if (file)
            set_file_times(server, file, to, set);
        else
            error = set_store_times(descriptor, to, set);
        if (!file && !error)
            atomic_fetch_or(&server->arena.inodes[inode].flags, INODE_UNSYNCED);
    }
    descriptor_put(&server->descriptors, descriptor);
    return error;
}

static void reply_attributes(fuse_req_t request, struct server *server, uint32_t inode, int error)
{
    struct stat stat;

    if (!error)
        error = request_attributes(server, inode, &stat);
    if (error)
        request_reply(request, error);
    else
        fuse_reply_attr(request, &stat, attribute_seconds(server, inode));
}

/* Time stamps set while stores made before wait in the kernel's page cache. */
struct parked_times {
    struct probe_request probe;
    struct server *server;
    fuse_req_t request;
    uint32_t inode;
    struct stat to;
    int set;
};

static void times_pulled(struct probe_request *probe)
{
    struct parked_times *parked = (struct parked_times *)probe;

    reply_attributes(parked->request, parked->server, parked->inode,
                     set_attributes(parked->request, parked->inode, &parked->to, parked->set));
    free(parked);
}

/* T3: a late flush of those stores would mark the file anew, so they are pulled first. */
static bool park_times(fuse_req_t request, struct server *server, uint32_t inode, const struct stat *to, int set)
{
    struct parked_times *parked;

    if (!KEEP_TIMES || !(set & SET_TIMES) || set & FUSE_SET_ATTR_SIZE ||
        !file_may_be_mapped(&server->files, server->arena.inodes[inode].file))
        return false;
    parked = malloc(sizeof *parked);
    if (!parked)
        return false;
    *parked = (struct parked_times){
        .probe = {.question = PROBE_PULL, .inode = inode, .done = times_pulled},
        .server = server,
        .request = request,
        .inode = inode,
        .to = *to,
        .set = set,
    };
    if (probe_ask(server->probe, &parked->probe))
        return true;
    free(parked);
    return false;
}

void request_setattr(fuse_req_t request, fuse_ino_t node, struct stat *to, int set, struct fuse_file_info *info)
{
    struct server *server = server_of(request);
    uint32_t inode = request_inode(request, node);

    (void)info;
    if (inode && !park_times(request, server, inode, to, set))
        reply_attributes(request, server, inode, set_attributes(request, inode, to, set));
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
