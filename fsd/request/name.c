/* Names: making, removing and moving them. Done in the store at once; the kernel holds the folders' locks meanwhile. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "mapshare-abi.h"
#include "request/atomicity.h"
#include "request/attribute.h"
#include "request/caller.h"
#include "request/current.h"
#include "request/effects.h"
#include "request/entry.h"
#include "request/handle.h"
#include "request/intent.h"
#include "request/open.h"
#include "request/operations.h"
#include "request/path.h"

#define STATX_NUMBER (STATX_INO | STATX_NLINK | STATX_TYPE)

/* A folder and a name in it, for as long as a request takes. */
struct place {
    uint32_t folder;
    const char *name;
    struct descriptor *descriptor;
};

static int place_open(struct server *server, fuse_ino_t parent, const char *name, struct place *place)
{
    *place = (struct place){.folder = inode_of_node(&server->inodes, parent), .name = name};
    if (!place->folder)
        return -ESTALE;
    if (path_is_reserved(place->folder, name))
        return -EPERM;
    return descriptor_get(&server->descriptors, place->folder, &place->descriptor);
}

static void place_close(struct server *server, struct place *place)
{
    if (place->descriptor)
        descriptor_put(&server->descriptors, place->descriptor);
}

/* What is there now: its inode number and how many names it has. 0: nothing. */
static uint64_t number_at(const struct place *place, uint32_t *links)
{
    struct statx stat;

    if (statx(place->descriptor->fd, place->name, AT_SYMLINK_NOFOLLOW, STATX_NUMBER, &stat))
        return 0;
    *links = S_ISDIR(stat.stx_mode) ? 1 : stat.stx_nlink;
    return stat.stx_ino;
}

/* Before a name of an inode goes that may be the one by which we would find it again, or the last one: then its number must not be used again
 * while the kernel refers to it. */
static uint32_t removal_begin(struct server *server, uint64_t number, uint32_t links)
{
    uint32_t inode = number ? inode_of_node(&server->inodes, number) : 0;

    if (inode && (links == 1 || !server->arena.inodes[inode].handle_length))
        descriptor_pin(&server->descriptors, inode); /* where none is left, inode.c copes */
    return inode;
}

static void removal_end(struct server *server, uint32_t inode, uint32_t links, int error)
{
    bool gone = !error && links == 1;

    if (!inode)
        return;
    if (gone)
        atomic_fetch_or(&server->arena.inodes[inode].flags, INODE_UNLINKED);
    if (!error)
        attribute_changed(server, inode);
    if (!gone && inode_is_findable(&server->inodes, inode))
        descriptor_unpin(&server->descriptors, inode);
}

/* Takes a name from the store and from the record that it may lead to. */
static int removal_do(struct server *server, const struct place *place, uint32_t inode, int flags, bool tried)
{
    int error = 0;

    pthread_rwlock_wrlock(&server->inodes.moving);
    if (unlinkat(place->descriptor->fd, place->name, flags))
        error = -errno;
    if (tried && error == -ENOENT)
        error = 0;
    if (inode && !error)
        inode_unname(&server->inodes, inode, place->folder, place->name);
    pthread_rwlock_unlock(&server->inodes.moving);
    return error;
}

/* New files and folders are atomic when their folder says so. */
static void inherit_atomic(const struct place *place)
{
    char path[32 + 1 + NAME_MAX + 1];

    if (!atomicity_stored(place->descriptor->fd))
        return;
    path_of_descriptor(path, place->descriptor);
    strcat(strcat(path, "/"), place->name);
    lsetxattr(path, MAPSHARE_XATTR_ATOMIC, "1", 1, 0);
}

/* The end of every request that made a name: -EEXIST is success when a dead worker began the same request. */
static void reply_made(fuse_req_t request, struct place *place, int error, bool tried)
{
    struct server *server = server_of(request);
    struct statx stat;
    uint32_t inode;

    if (error == -EEXIST && tried)
        error = 0;
    if (!error)
        error =
            inode_lookup(&server->inodes, place->folder, place->descriptor->fd, place->name, &stat, &inode, effects_begin(server));
    if (!error)
        attribute_changed(server, inode);
    if (error)
        request_reply(request, error);
    else
        entry_reply(request, inode, &stat);
}

/* What one of mknod, mkdir and symlink asks for. */
struct making {
    mode_t mode;
    dev_t device;
    const char *target;
};

static int make(const struct place *place, const struct making *what, bool tried)
{
    int fd = place->descriptor->fd, failed, error;

    if (what->target)
        failed = symlinkat(what->target, fd, place->name);
    else if (S_ISDIR(what->mode))
        failed = mkdirat(fd, place->name, what->mode & 07777);
    else
        failed = mknodat(fd, place->name, what->mode, what->device);
    error = failed ? -errno : 0;
    if ((!error || (tried && error == -EEXIST)) && (S_ISDIR(what->mode) || S_ISREG(what->mode)))
        inherit_atomic(place);
    return error;
}

static void serve_making(fuse_req_t request, fuse_ino_t parent, const char *name, const struct making *what)
{
    struct server *server = server_of(request);
    struct place place;
    uint32_t links;
    bool tried = false;
    int error = place_open(server, parent, name, &place);

    if (!error) {
        if (!number_at(&place, &links) || current_header()->unique & RESENT)
            intent_begin(server, 0, &tried);
        caller_act_as(server, request);
        error = make(&place, what, tried);
        caller_act_as_self(server, request);
    }
    if (error && !tried)
        request_reply(request, error);
    else
        reply_made(request, &place, error, tried);
    place_close(server, &place);
}

void request_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
    serve_making(request, parent, name, &(struct making){.mode = mode, .device = device});
}

void request_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
    serve_making(request, parent, name, &(struct making){.mode = S_IFDIR | mode});
}

void request_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name)
{
    serve_making(request, parent, name, &(struct making){.target = target});
}

void request_link(fuse_req_t request, fuse_ino_t node, fuse_ino_t parent, const char *name)
{
    struct server *server = server_of(request);
    uint32_t inode = request_inode(request, node), links;
    struct descriptor *descriptor = NULL;
    struct place place;
    char path[32];
    bool tried = false;
    int error;

    if (!inode)
        return;
    error = place_open(server, parent, name, &place);
    if (!error)
        error = descriptor_get(&server->descriptors, inode, &descriptor);
    if (!error) {
        if (!number_at(&place, &links) || current_header()->unique & RESENT)
            intent_begin(server, node, &tried);
        path_of_descriptor(path, descriptor);
        if (linkat(AT_FDCWD, path, place.descriptor->fd, name, AT_SYMLINK_FOLLOW))
            error = -errno;
        descriptor_put(&server->descriptors, descriptor);
    }
    if (error && !tried)
        request_reply(request, error);
    else
        reply_made(request, &place, error, tried);
    place_close(server, &place);
}

static void serve_removal(fuse_req_t request, fuse_ino_t parent, const char *name, int flags)
{
    struct server *server = server_of(request);
    struct place place;
    uint32_t links = 0;
    bool tried = false;
    int error = place_open(server, parent, name, &place);

    if (!error) {
        uint64_t number = number_at(&place, &links);
        uint32_t inode = removal_begin(server, number, links);

        if (number || current_header()->unique & RESENT)
            intent_begin(server, number, &tried);
        error = removal_do(server, &place, inode, flags, tried);
        removal_end(server, inode, links, error);
    }
    request_reply(request, error);
    place_close(server, &place);
}

void request_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    serve_removal(request, parent, name, 0);
}

void request_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    serve_removal(request, parent, name, AT_REMOVEDIR);
}

/* What takes part in a rename: numbers of what is called so before it, 0: nothing; and their records, where we know them. */
struct moving {
    const struct place *from, *to;
    uint64_t number, target;
    uint32_t moved, other; /* `other`: what was at the target's place, exchanged or replaced */
    uint32_t links;        /* of that */
    unsigned flags;
    bool done; /* by a worker that died */
};

static int move(struct server *server, const struct moving *moving)
{
    const struct place *from = moving->from, *to = moving->to;
    int error = 0;

    pthread_rwlock_wrlock(&server->inodes.moving);
    if (!moving->done && renameat2(from->descriptor->fd, from->name, to->descriptor->fd, to->name, moving->flags))
        error = -errno;
    if (!error && moving->other && moving->flags & RENAME_EXCHANGE)
        inode_rename(&server->inodes, moving->other, from->folder, from->name);
    else if (!error && moving->other)
        inode_unname(&server->inodes, moving->other, to->folder, to->name);
    if (!error && moving->moved)
        inode_rename(&server->inodes, moving->moved, to->folder, to->name);
    pthread_rwlock_unlock(&server->inodes.moving);
    return error;
}

static void serve_move(fuse_req_t request, struct place *from, struct place *to, unsigned flags)
{
    struct server *server = server_of(request);
    struct moving moving = {.from = from, .to = to, .flags = flags};
    bool tried, exchange = flags & RENAME_EXCHANGE;
    struct intent *intent;
    uint32_t links;
    int error;

    moving.number = number_at(from, &links);
    moving.target = number_at(to, &moving.links);
    intent = intent_begin(server, moving.number, &tried);
    moving.done = tried && intent->inode && intent->inode == moving.target;
    if (moving.done) {
        moving.target = moving.number; /* what was at each place then */
        moving.number = intent->inode;
    }
    moving.moved = moving.number ? inode_of_node(&server->inodes, moving.number) : 0;
    if (exchange)
        moving.other = moving.target ? inode_of_node(&server->inodes, moving.target) : 0;
    else if (!moving.done && moving.target != moving.number)
        moving.other = removal_begin(server, moving.target, moving.links);
    error = move(server, &moving);
    if (!exchange)
        removal_end(server, moving.other, moving.links, error);
    else if (!error && moving.other)
        attribute_changed(server, moving.other);
    if (!error && moving.moved)
        attribute_changed(server, moving.moved);
    request_reply(request, error);
}

void request_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
                    unsigned flags)
{
    struct server *server = server_of(request);
    struct place from, to = {0};
    int error = place_open(server, parent, name, &from);

    if (!error)
        error = place_open(server, new_parent, new_name, &to);
    if (!error && flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE))
        error = -EINVAL;
    if (error)
        request_reply(request, error);
    else
        serve_move(request, &from, &to, flags);
    place_close(server, &from);
    place_close(server, &to);
}

/* ---- create and open ---- */

/* A new file, or one that is there already where the caller allows it. Counts a lookup. */
static int create(fuse_req_t request, const struct place *place, mode_t mode, int flags, bool tried, struct statx *stat,
                  uint32_t *inode)
{
    struct server *server = server_of(request);
    bool made;
    int fd, error, tries = 0;

    caller_act_as(server, request);
    do {
        fd = openat(place->descriptor->fd, place->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 07777);
        error = fd < 0 ? -errno : 0;
    } while (descriptor_spare(&server->descriptors, error, &tries));
    caller_act_as_self(server, request);
    made = !error;
    if (made || (tried && error == -EEXIST))
        inherit_atomic(place);
    if (error == -EEXIST && (tried || !(flags & O_EXCL)))
        error = 0;
    if (error)
        return error;
    error = inode_lookup(&server->inodes, place->folder, place->descriptor->fd, place->name, stat, inode, effects_begin(server));
    if (!error && !S_ISREG(stat->stx_mode))
        error = -EEXIST;
    if (error) {
        if (made)
            close(fd);
        return error;
    }
    if (made)
        descriptor_adopt(&server->descriptors, *inode, fd);
    if (made || tried)
        attribute_changed(server, *inode);
    return 0;
}

void request_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *info)
{
    struct server *server = server_of(request);
    struct fuse_entry_param entry;
    struct place place;
    struct statx stat;
    uint32_t inode = 0, links;
    bool tried = false;
    int error = place_open(server, parent, name, &place);

    if (!error) {
        if (!number_at(&place, &links) || current_header()->unique & RESENT)
            intent_begin(server, 0, &tried);
        error = create(request, &place, mode, info->flags, tried, &stat, &inode);
    }
    if (!error)
        error = open_file(server, inode, info);
    if (error) {
        entry_take_back(server);
        request_reply(request, error);
    } else {
        entry_fill(server, inode, &stat, &entry);
        if (fuse_reply_create(request, &entry, info)) {
            handle_close(server, info->fh);
            entry_take_back(server);
        }
    }
    place_close(server, &place);
}
