/* Names: moving them. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "request/attribute.h"
#include "request/caller.h"
#include "request/change.h"
#include "request/current.h"
#include "request/first.h"
#include "request/intent.h"
#include "request/operations.h"
#include "request/remove.h"
#include "store/removed.h"

/* What a rename asks for. */
struct moving {
    struct first first; /* the contents of what is moved: its new name must not lead to less after a crash */
    fuse_req_t request;
    fuse_ino_t parent, new_parent;
    unsigned flags;
    const char *new_name; /* behind the other one */
    char name[];
};

/* What takes part in it. */
struct move {
    fuse_req_t request;
    struct spot from, to;
    struct found moved, other; /* `other`: what is at `to`, exchanged or replaced */
    unsigned flags;
};

/* The records go where the inodes went. */
static void follow(struct server *server, const struct move *move)
{
    if (move->other.inode && move->flags & RENAME_EXCHANGE)
        inode_rename(&server->inodes, move->other.inode, move->from.folder, move->from.name);
    else if (move->other.inode)
        inode_unname(&server->inodes, move->other.inode, move->to.folder, move->to.name);
    if (move->moved.inode)
        inode_rename(&server->inodes, move->moved.inode, move->to.folder, move->to.name);
}

/* A file that is replaced and still needed gets its name among the removed ones first. Where the store does not allow that (a file of another user's),
 * its commits in the journal are those of a file that is gone. */
static void keep_other(struct server *server, const struct move *move, struct removal *removal)
{
    if (removal->kept && removed_link(server->inodes.removed, &move->other.identity, move->to.descriptor->fd, move->to.name)) {
        removal->kept = false;
        descriptor_pin(&server->descriptors, removal->inode, 0);
    }
}

static int do_move(struct server *server, const struct move *move)
{
    bool exchange = move->flags & RENAME_EXCHANGE;
    struct change change = {.what = exchange                     ? JOURNAL_EXCHANGE
                                    : move->other.identity.inode ? JOURNAL_REPLACE
                                                                 : JOURNAL_RENAME,
                            .from = &move->from,
                            .to = &move->to};
    int error = change_begin(server, &change);

    if (error)
        return error;
    caller_act_as(server, move->request);
    if (renameat2(move->from.descriptor->fd, move->from.name, move->to.descriptor->fd, move->to.name, move->flags))
        error = -errno;
    caller_act_as_self(server, move->request);
    if (!error)
        follow(server, move);
    change_end(server, &change, !error);
    return error;
}

static int serve(struct server *server, const struct move *move)
{
    bool exchange = move->flags & RENAME_EXCHANGE, same = move->other.identity.inode == move->moved.identity.inode;
    struct removal removal = {.inode = 0};
    int error;

    if (!exchange && !same && move->other.identity.inode) {
        removal = removal_begin(server, &move->other);
        keep_other(server, move, &removal);
    }
    error = do_move(server, move);
    if (error && removal.kept)
        removed_drop(server->inodes.removed, &move->other.identity);
    removal_end(server, &removal, !error);
    if (!error && exchange && move->other.inode)
        attribute_changed(server, move->other.inode);
    if (!error && move->moved.inode)
        attribute_changed(server, move->moved.inode);
    return error;
}

/* The worker that died had moved it, and perhaps did not come to say so. */
static void resume(struct server *server, struct move *move, const struct intent *intent)
{
    struct found moved = move->other;

    move->other = move->moved; /* what was at each place then */
    move->moved = moved;
    pthread_rwlock_wrlock(&server->inodes.moving);
    follow(server, move);
    pthread_rwlock_unlock(&server->inodes.moving);
    if (!(move->flags & RENAME_EXCHANGE))
        removal_resume(server, &move->to, intent->other);
    else if (move->other.inode)
        attribute_changed(server, move->other.inode);
    if (moved.inode)
        attribute_changed(server, moved.inode);
}

static int begin(struct server *server, struct move *move)
{
    struct intent *intent;
    bool tried;

    move->moved = spot_look(server, &move->from);
    move->other = spot_look(server, &move->to);
    intent = intent_begin(server, move->moved.identity.inode, &tried);
    if (tried && intent->inode && intent->inode == move->other.identity.inode) {
        resume(server, move, intent);
        return 0;
    }
    if ((move->moved.identity.inode && !move->moved.known) || (move->other.identity.inode && !move->other.known))
        return -ESTALE; /* the kernel means others: it looks up and checks anew */
    intent->other = move->other.identity.inode;
    return serve(server, move);
}

static int open_and_begin(struct server *server, const struct moving *moving)
{
    struct move move = {.request = moving->request, .flags = moving->flags};
    int error = spot_open(server, moving->parent, moving->name, &move.from);

    if (!error)
        error = spot_open(server, moving->new_parent, moving->new_name, &move.to);
    if (!error)
        error = begin(server, &move);
    spot_close(server, &move.from);
    spot_close(server, &move.to);
    return error;
}

static void go_on(struct first *first, int error)
{
    struct moving *moving = (struct moving *)first;

    if (!error)
        error = open_and_begin(server_of(moving->request), moving);
    request_reply(moving->request, error == -EFBIG ? -ENOSPC : error);
    free(moving);
}

/* The files' inodes that are moved; 0: none. */
static uint32_t inode_at(struct server *server, fuse_ino_t folder, const char *name)
{
    struct spot spot;
    uint32_t inode = 0;

    if (!spot_open(server, folder, name, &spot))
        inode = spot_look(server, &spot).inode;
    spot_close(server, &spot);
    return inode;
}

void request_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
                    unsigned flags)
{
    struct server *server = server_of(request);
    size_t length = strlen(name) + 1, new_length = strlen(new_name) + 1;
    struct moving *moving;
    uint32_t other;

    if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) {
        request_reply(request, -EINVAL);
        return;
    }
    moving = malloc(sizeof *moving + length + new_length);
    if (!moving) {
        request_reply(request, -ENOMEM);
        return;
    }
    *moving = (struct moving){.first.then = go_on, .request = request, .parent = parent, .new_parent = new_parent, .flags = flags};
    memcpy(moving->name, name, length);
    moving->new_name = memcpy(moving->name + length, new_name, new_length);
    other = flags & RENAME_EXCHANGE ? inode_at(server, new_parent, new_name) : 0;
    if (!first_commit(server, &moving->first, inode_at(server, parent, name), other))
        go_on(&moving->first, 0);
}
