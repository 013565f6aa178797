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

/* Before the last name of an inode goes: its number must not be used again while the kernel refers to it. Where there are no handles, before
 * any of its names goes: it may be the one by which we would find it. */
static uint32_t removal_begin(struct server *server, uint64_t number, uint32_t links)
{
    uint32_t inode = number ? inode_of_node(&server->inodes, number) : 0;

    if (inode && (links == 1 || !server->inodes.handles))
        descriptor_pin(&server->descriptors, inode); /* where none is left, inode.c copes */
    return inode;
}

static void removal_end(struct server *server, uint32_t inode, uint32_t links, int error)
{
    struct inode *truth = &server->arena.inodes[inode];

    if (!inode)
        return;
    if (error && server->inodes.handles) /* without, an earlier name may have gone already */
        descriptor_unpin(&server->descriptors, inode);
    if (!error && links == 1)
        atomic_fetch_or(&truth->flags, INODE_UNLINKED);
    if (!error)
        attribute_changed(server, inode);
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
        error = inode_lookup(&server->inodes, place->folder, place->descriptor->fd, place->name, &stat, &inode);
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
    struct intent *intent = NULL;
    struct place place;
    uint32_t links;
    bool tried = false;
    int error = place_open(server, parent, name, &place);

    if (!error) {
        if (!number_at(&place, &links) || current_header()->unique & RESENT)
            intent = intent_begin(server, 0, &tried);
        caller_act_as(server, request);
        error = make(&place, what, tried);
        caller_act_as_self(server, request);
    }
    if (error && !tried)
        request_reply(request, error);
    else
        reply_made(request, &place, error, tried);
    intent_end(intent);
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
    struct intent *intent = NULL;
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
            intent = intent_begin(server, node, &tried);
        path_of_descriptor(path, descriptor);
        if (linkat(AT_FDCWD, path, place.descriptor->fd, name, AT_SYMLINK_FOLLOW))
            error = -errno;
        descriptor_put(&server->descriptors, descriptor);
    }
    if (error && !tried)
        request_reply(request, error);
    else
        reply_made(request, &place, error, tried);
    intent_end(intent);
    place_close(server, &place);
}

static void serve_removal(fuse_req_t request, fuse_ino_t parent, const char *name, int flags)
{
    struct server *server = server_of(request);
    struct intent *intent = NULL;
    struct place place;
    uint32_t links = 0;
    bool tried = false;
    int error = place_open(server, parent, name, &place);

    if (!error) {
        uint64_t number = number_at(&place, &links);
        uint32_t inode = removal_begin(server, number, links);

        if (number || current_header()->unique & RESENT)
            intent = intent_begin(server, number, &tried);
        if (unlinkat(place.descriptor->fd, name, flags))
            error = -errno;
        if (tried && error == -ENOENT)
            error = 0;
        removal_end(server, inode, links, error);
    }
    request_reply(request, error);
    intent_end(intent);
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

static int move(const struct place *from, const struct place *to, unsigned flags)
{
    return renameat2(from->descriptor->fd, from->name, to->descriptor->fd, to->name, flags) ? -errno : 0;
}

static void serve_move(fuse_req_t request, struct place *from, struct place *to, unsigned flags)
{
    struct server *server = server_of(request);
    uint32_t from_links = 0, to_links = 0, moved, replaced;
    uint64_t number = number_at(from, &from_links), target = number_at(to, &to_links);
    bool tried, exchange = flags & RENAME_EXCHANGE, done;
    struct intent *intent = intent_begin(server, number, &tried);
    int error = 0;

    done = tried && intent->inode && intent->inode == target; /* by the worker that died */
    if (done) {
        target = number; /* what was at each place then */
        number = intent->inode;
    }
    moved = number ? inode_of_node(&server->inodes, number) : 0;
    replaced = !done && !exchange && target != number ? removal_begin(server, target, to_links) : 0;
    if (!done)
        error = move(from, to, flags);
    removal_end(server, replaced, to_links, error);
    if (!error && moved) {
        inode_rename(&server->inodes, moved, to->folder, to->name);
        attribute_changed(server, moved);
    }
    if (!error && exchange && target) {
        uint32_t other = inode_of_node(&server->inodes, target);

        if (other) {
            inode_rename(&server->inodes, other, from->folder, from->name);
            attribute_changed(server, other);
        }
    }
    request_reply(request, error);
    intent_end(intent);
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
    error = inode_lookup(&server->inodes, place->folder, place->descriptor->fd, place->name, stat, inode);
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
    struct intent *intent = NULL;
    struct place place;
    struct statx stat;
    uint32_t inode = 0, links;
    bool tried = false;
    int error = place_open(server, parent, name, &place);

    if (!error) {
        if (!number_at(&place, &links) || current_header()->unique & RESENT)
            intent = intent_begin(server, 0, &tried);
        error = create(request, &place, mode, info->flags, tried, &stat, &inode);
    }
    if (!error) {
        error = open_file(server, inode, info);
        if (error)
            entry_drop(server, inode, 1);
    }
    if (error) {
        request_reply(request, error);
    } else {
        entry_fill(server, inode, &stat, &entry);
        if (fuse_reply_create(request, &entry, info)) {
            handle_close(server, info->fh);
            entry_drop(server, inode, 1);
        }
    }
    intent_end(intent);
    place_close(server, &place);
}
