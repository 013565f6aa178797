/* Names: making them. Done in the store at once; the kernel holds the folder's lock meanwhile. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/place.h"
#include "request/atomicity.h"
#include "request/attribute.h"
#include "request/caller.h"
#include "request/change.h"
#include "request/current.h"
#include "request/effects.h"
#include "request/entry.h"
#include "request/first.h"
#include "request/intent.h"
#include "request/operations.h"
#include "request/path.h"

/* The end of every request that made a name. That it was there already is success when a dead worker began the same request; else the kernel
 * did not know of it: told that what it knows is stale, it looks up and checks anew. */
static void reply_made(fuse_req_t request, const struct spot *spot, int error, bool tried)
{
    struct server *server = server_of(request);
    struct statx stat;
    uint32_t inode;

    if (error == -EEXIST)
        error = tried ? 0 : -ESTALE;
    if (!error)
        error = inode_lookup(&server->inodes, spot->folder, spot->descriptor->fd, spot->name, &stat, &inode, effects_begin(server));
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

static int make(fuse_req_t request, const struct spot *spot, const struct making *what, bool tried)
{
    int fd = spot->descriptor->fd, failed, error;

    umask(fuse_req_ctx(request)->umask);
    caller_act_as(server_of(request), request);
    if (what->target)
        failed = symlinkat(what->target, fd, spot->name);
    else if (S_ISDIR(what->mode))
        failed = mkdirat(fd, spot->name, what->mode & 07777);
    else
        failed = mknodat(fd, spot->name, what->mode, what->device);
    error = failed ? -errno : 0;
    caller_act_as_self(server_of(request), request);
    umask(0);
    if ((!error || (tried && error == -EEXIST)) && (S_ISDIR(what->mode) || S_ISREG(what->mode)))
        atomicity_inherit(spot->descriptor, spot->name);
    return error;
}

static void serve_making(fuse_req_t request, fuse_ino_t parent, const char *name, const struct making *what)
{
    struct server *server = server_of(request);
    struct spot spot;
    bool tried = false;
    int error = spot_open(server, parent, name, &spot);

    if (error) {
        request_reply(request, error);
    } else {
        if (!spot_look(server, &spot).identity.inode || current_header()->unique & RESENT)
            intent_begin(server, 0, &tried);
        error = make(request, &spot, what, tried);
        reply_made(request, &spot, error, tried);
    }
    spot_close(server, &spot);
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

/* ---- one more name ---- */

struct linking {
    struct first first; /* its contents: the new name must not lead to less after a crash */
    fuse_req_t request;
    fuse_ino_t node, parent;
    char name[];
};

/* Of which name it is one more, the journal is told where we know one. */
static int make_link(fuse_req_t request, uint32_t inode, const struct spot *to)
{
    struct server *server = server_of(request);
    char path[32], name[4096];
    struct spot from = {.name = name};
    struct change change = {.what = JOURNAL_LINK, .from = &from, .to = to};
    struct descriptor *descriptor;
    int error = descriptor_get(&server->descriptors, inode, &descriptor);

    if (error)
        return error;
    from.folder = place_take(&server->inodes, inode, name, sizeof name);
    error = change_begin(server, &change);
    if (!error) {
        path_of_descriptor(path, descriptor);
        caller_act_as(server, request);
        if (linkat(AT_FDCWD, path, to->descriptor->fd, to->name, AT_SYMLINK_FOLLOW))
            error = -errno;
        caller_act_as_self(server, request);
        change_end(server, &change, !error);
    }
    descriptor_put(&server->descriptors, descriptor);
    return error;
}

static void serve_link(const struct linking *linking)
{
    struct server *server = server_of(linking->request);
    uint32_t inode = request_inode(linking->request, linking->node);
    struct spot to;
    bool tried = false;
    int error;

    if (!inode)
        return;
    error = spot_open(server, linking->parent, linking->name, &to);
    if (error) {
        request_reply(linking->request, error);
    } else {
        if (!spot_look(server, &to).identity.inode || current_header()->unique & RESENT)
            intent_begin(server, linking->node, &tried);
        reply_made(linking->request, &to, make_link(linking->request, inode, &to), tried);
    }
    spot_close(server, &to);
}

static void go_on(struct first *first, int error)
{
    struct linking *linking = (struct linking *)first;

    if (error)
        request_reply(linking->request, error == -EFBIG ? -ENOSPC : error);
    else
        serve_link(linking);
    free(linking);
}

void request_link(fuse_req_t request, fuse_ino_t node, fuse_ino_t parent, const char *name)
{
    struct server *server = server_of(request);
    struct linking *linking = malloc(sizeof *linking + strlen(name) + 1);

    if (!linking) {
        request_reply(request, -ENOMEM);
        return;
    }
    *linking = (struct linking){.first.then = go_on, .request = request, .node = node, .parent = parent};
    strcpy(linking->name, name);
    if (!first_commit(server, &linking->first, inode_of_node(&server->inodes, node), 0))
        go_on(&linking->first, 0);
}
