#include "config.h"

#include "request/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "file/commit.h"
#include "file/snapshot.h"
#include "mapshare-abi.h"
#include "request/current.h"
#include "request/entry.h"
#include "request/group.h"

/* Beside those of areas: cache/area.c. */
#define NODE_MARK (0xa5ebull << 48)
#define NODE_MASK (0xffffull << 48)
#define OFFSET_MASK ((1ull << MAPSHARE_ABI_SNAPSHOT_SHIFT) - 1)

struct open_snapshot {
    struct open_snapshot *next;
    uint64_t node, handle;
    struct user *user;
    _Atomic uint32_t count; /* of files; 0: it has none yet */
    struct snapshot **of;
    _Atomic bool taken; /* or being */
};

struct parked_take {
    struct commit_waiter waiter;
    fuse_req_t request;
    struct mapshare_abi_commit in;
    struct open_snapshot *open;
    uint32_t *files;
};

bool snapshot_is_node(fuse_ino_t node)
{
    return (node & NODE_MASK) == NODE_MARK;
}

static void fill(struct stat *stat, fuse_ino_t node)
{
    *stat = (struct stat){.st_ino = node, .st_mode = S_IFREG | 0444, .st_nlink = 1};
}

void snapshot_lookup(fuse_req_t request)
{
    struct fuse_entry_param entry = {.ino = NODE_MARK | (current_header()->unique & ~NODE_MASK), .generation = 1};

    fill(&entry.attr, entry.ino);
    fuse_reply_entry(request, &entry); /* to be asked for anew each time */
}

void snapshot_getattr(fuse_req_t request, fuse_ino_t node)
{
    struct stat stat;

    fill(&stat, node);
    fuse_reply_attr(request, &stat, 0);
}

/* ---- the open ones ---- */

static struct open_snapshot **bucket(struct server *server, uint64_t handle)
{
    return &server->snapshots[(handle >> 32) % SNAPSHOT_BUCKETS];
}

/* NULL: a dead worker had it. */
static struct open_snapshot *find(struct server *server, fuse_ino_t node, uint64_t handle)
{
    struct open_snapshot *open;

    pthread_mutex_lock(&server->snapshot_lock);
    open = *bucket(server, handle);
    while (open && (open->handle != handle || open->node != node))
        open = open->next;
    pthread_mutex_unlock(&server->snapshot_lock);
    return open;
}

/* No number of an open file's has 0 as its lower half. */
static int make(struct server *server, fuse_ino_t node, uint64_t *handle)
{
    struct user *user = user_find(&server->inodes.users, current_header()->uid);
    struct open_snapshot *open = calloc(1, sizeof *open), **head;

    if (!open)
        return -ENOMEM;
    if (!user_take(&server->inodes.users, user, HOLDS_HANDLES)) {
        free(open);
        return -EDQUOT;
    }
    open->node = node;
    open->handle = *handle = current_header()->unique / 2 << 32;
    open->user = user;
    pthread_mutex_lock(&server->snapshot_lock);
    head = bucket(server, open->handle);
    open->next = *head;
    *head = open;
    pthread_mutex_unlock(&server->snapshot_lock);
    return 0;
}

/* A file without a name was only kept for it, maybe. */
static void close_one(struct server *server, struct open_snapshot *open, struct snapshot *snapshot)
{
    uint32_t inode = server->arena.files[snapshot->file].inode;

    inode_hold(&server->inodes, inode);
    snapshot_close(&server->files, snapshot);
    entry_drop_contents(server, inode);
    inode_put(&server->inodes, inode);
    user_give(open->user, HOLDS_HANDLES);
}

static void end(struct server *server, fuse_ino_t node, uint64_t handle)
{
    struct open_snapshot *open = find(server, node, handle), **at;

    if (!open)
        return;
    pthread_mutex_lock(&server->snapshot_lock);
    for (at = bucket(server, handle); *at != open; at = &(*at)->next)
        ;
    *at = open->next;
    pthread_mutex_unlock(&server->snapshot_lock);
    for (uint32_t i = 0; i < open->count; i++)
        close_one(server, open, open->of[i]);
    user_give(open->user, HOLDS_HANDLES);
    free(open->of);
    free(open);
}

void snapshot_open(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
    struct server *server = server_of(request);
    int error = (info->flags & (O_ACCMODE | O_TRUNC)) == O_RDONLY ? make(server, node, &info->fh) : -EACCES;

    info->direct_io = 1;
    info->noflush = 1;
    if (error)
        request_reply(request, error);
    else if (fuse_reply_open(request, info))
        end(server, node, info->fh);
}

void snapshot_release(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
    end(server_of(request), node, info->fh);
    request_reply(request, 0);
}

/* ---- its files ---- */

static void taken(struct commit_waiter *waiter, const struct commit_result *result)
{
    struct parked_take *parked = (struct parked_take *)waiter;
    struct server *server = server_of(parked->request);
    struct open_snapshot *open = parked->open;

    group_give_back(server, parked->files, parked->in.files);
    parked->in.sequence = result->sequence;
    if (result->error) {
        for (uint32_t i = 0; i < parked->in.files; i++)
            user_give(open->user, HOLDS_HANDLES);
        free(waiter->snapshots);
        open->taken = false;
        request_reply(parked->request, result->error);
    } else {
        open->of = waiter->snapshots;
        open->count = parked->in.files;
        fuse_reply_ioctl(parked->request, 0, &parked->in, sizeof parked->in);
    }
    free(parked);
}

/* Each file counts as an open one. */
static int charge(struct server *server, struct user *user, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (user_take(&server->inodes.users, user, HOLDS_HANDLES))
            continue;
        while (i--)
            user_give(user, HOLDS_HANDLES);
        return -EDQUOT;
    }
    return 0;
}

static void take(fuse_req_t request, struct server *server, struct open_snapshot *open, const struct mapshare_abi_commit *in)
{
    struct parked_take *parked = calloc(1, sizeof *parked);
    struct snapshot **of = NULL;
    uint32_t *files = NULL;
    bool busy = atomic_exchange(&open->taken, true);
    int error = busy ? -EBUSY : group_take(server, GROUP_TO_READ, in->group, in->files, &files);

    if (!error)
        of = calloc(in->files, sizeof *of);
    if (!error)
        error = parked && of ? charge(server, open->user, in->files) : -ENOMEM;
    if (error) {
        open->taken = busy;
        request_reply(request, error);
        if (files)
            group_give_back(server, files, in->files);
        free(parked);
        free(of);
        return;
    }
    *parked = (struct parked_take){
        .waiter = {.files = files, .count = in->files, .snapshots = of, .user = open->user, .done = taken},
        .request = request,
        .in = *in,
        .open = open,
        .files = files,
    };
    commit_submit(&server->files, &parked->waiter, 1);
}

static void tell_size(fuse_req_t request, const struct open_snapshot *open, const struct mapshare_abi_snapshot_size *in)
{
    struct mapshare_abi_snapshot_size out = *in;

    if (in->file >= open->count) {
        request_reply(request, -EINVAL);
        return;
    }
    out.size = open->of[in->file]->size;
    fuse_reply_ioctl(request, 0, &out, sizeof out);
}

void snapshot_ioctl(fuse_req_t request, fuse_ino_t node, unsigned command, struct fuse_file_info *info, const void *in, size_t size)
{
    struct server *server = server_of(request);
    struct open_snapshot *open = find(server, node, info->fh);

    if (!open)
        request_reply(request, -ESTALE);
    else if (command == MAPSHARE_IOC_SNAPSHOT && size >= sizeof(struct mapshare_abi_commit))
        take(request, server, open, in);
    else if (command == MAPSHARE_IOC_SNAPSHOT_SIZE && size >= sizeof(struct mapshare_abi_snapshot_size))
        tell_size(request, open, in);
    else
        request_reply(request, -ENOTTY);
}

void snapshot_read_node(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *info)
{
    struct server *server = server_of(request);
    struct open_snapshot *open = find(server, node, info->fh);
    uint64_t number = (uint64_t)offset >> MAPSHARE_ABI_SNAPSHOT_SHIFT;
    char *buffer = current()->reply;
    ssize_t n = !open ? -ESTALE : number >= open->count ? -EINVAL : 0;

    if (!n)
        n = snapshot_read(&server->files, open->of[number], (unsigned char *)buffer, size, offset & OFFSET_MASK);
    if (n < 0)
        request_reply(request, n);
    else
        fuse_reply_buf(request, buffer, n);
}
