/* Names: removing them. */
#include "config.h"

#include "request/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/sweep.h"
#include "request/attribute.h"
#include "request/caller.h"
#include "request/change.h"
#include "request/current.h"
#include "request/intent.h"
#include "request/operations.h"
#include "store/removed.h"

static struct inode *truth_of(struct server *server, uint32_t inode)
{
    return &server->arena.inodes[inode];
}

/* Of the names that clients see: a dead worker may have come as far as to add one among the removed. */
static uint32_t count_links(struct server *server, const struct found *found)
{
    bool added = current_header()->unique & RESENT && found->links > 1 && removed_has(server->inodes.removed, &found->identity);

    return found->links - added;
}

/* The mark comes before the question about the journal: a commit that comes between them knows that the file has no name, or is seen. */
struct removal removal_begin(struct server *server, const struct found *found)
{
    struct removal removal = {.inode = found->inode, .last = count_links(server, found) == 1};
    bool pinned, file = S_ISREG(found->identity.type);

    if (!removal.inode)
        return removal;
    if (removal.last)
        atomic_fetch_or(&truth_of(server, removal.inode)->flags, INODE_UNLINKED);
    if (removal.last && file && server->inodes.removed >= 0 && file_is_in_journal(&server->files, removal.inode)) {
        removal.kept = true;
    } else if (removal.last || !truth_of(server, removal.inode)->handle_length) {
        /* One of several names may go while others have the file open: that is not to fail for a user's share. */
        pinned = !descriptor_pin(&server->descriptors, removal.inode, removal.last ? current_header()->uid : 0);
        removal.kept = removal.last && file && server->inodes.removed >= 0 && !pinned;
    }
    return removal;
}

void removal_end(struct server *server, const struct removal *removal, bool done)
{
    uint32_t inode = removal->inode;

    if (!inode)
        return;
    if (done && removal->kept) {
        atomic_fetch_or(&truth_of(server, inode)->flags, INODE_REMOVED);
        sweep_later(&server->files);
    } else if (!done && removal->last) {
        atomic_fetch_and(&truth_of(server, inode)->flags, ~INODE_UNLINKED);
    }
    if (done)
        attribute_changed(server, inode);
    if ((!done || !removal->last || removal->kept) && inode_is_findable(&server->inodes, inode))
        descriptor_unpin(&server->descriptors, inode);
}

void removal_resume(struct server *server, const struct spot *spot, uint64_t number)
{
    uint32_t inode = number ? inode_of_node(&server->inodes, number) : 0;
    struct removal removal = {.inode = inode};
    struct descriptor *descriptor;
    struct identity identity;
    struct stat stat;

    if (!inode)
        return;
    inode_unname(&server->inodes, inode, spot->folder, spot->name);
    inode_identity(&server->inodes, inode, &identity);
    removal.kept = removed_has(server->inodes.removed, &identity);
    if (removal.kept) {
        removal.last = true;
        atomic_fetch_or(&truth_of(server, inode)->flags, INODE_UNLINKED);
    } else if (!descriptor_get(&server->descriptors, inode, &descriptor)) {
        removal.last = !fstatat(descriptor->fd, "", &stat, AT_EMPTY_PATH) && stat.st_nlink == 0;
        descriptor_put(&server->descriptors, descriptor);
    }
    removal_end(server, &removal, true);
}

static int take_away(fuse_req_t request, const struct spot *spot, const struct found *found, const struct removal *removal,
                     int flags)
{
    struct server *server = server_of(request);
    int error;

    if (removal->kept)
        return removed_take(server->inodes.removed, &found->identity, spot->descriptor->fd, spot->name);
    caller_act_as(server, request);
    error = unlinkat(spot->descriptor->fd, spot->name, flags) ? -errno : 0;
    caller_act_as_self(server, request);
    return error;
}

/* One of several names: the journal is told. Of the last one, the removed file tells, or nothing needs to be told. */
static int remove_name(fuse_req_t request, const struct spot *spot, const struct found *found, const struct removal *removal,
                       int flags)
{
    struct server *server = server_of(request);
    struct change change = {.what = JOURNAL_UNLINK, .from = spot};
    int error;

    if (removal->inode && !removal->last) {
        error = change_begin(server, &change);
        if (error)
            return error;
    } else {
        pthread_rwlock_wrlock(&server->inodes.moving);
    }
    error = take_away(request, spot, found, removal, flags);
    if (!error && removal->inode)
        inode_unname(&server->inodes, removal->inode, spot->folder, spot->name);
    if (removal->inode && !removal->last)
        change_end(server, &change, !error);
    else
        pthread_rwlock_unlock(&server->inodes.moving);
    return error;
}

static int serve_spot(fuse_req_t request, const struct spot *spot, int flags)
{
    struct server *server = server_of(request);
    struct found found = spot_look(server, spot);
    struct removal removal;
    struct intent *intent;
    bool tried;
    int error;

    if (found.identity.inode && !found.known)
        return -ESTALE; /* the kernel means another: it looks up and checks anew */
    if (!found.identity.inode && !(current_header()->unique & RESENT))
        return -ENOENT;
    intent = intent_begin(server, found.identity.inode, &tried);
    if (!found.identity.inode && tried) {
        removal_resume(server, spot, intent->inode);
        return 0;
    }
    if (!found.identity.inode)
        return -ENOENT;
    removal = removal_begin(server, &found);
    error = remove_name(request, spot, &found, &removal, flags);
    removal_end(server, &removal, !error);
    return error;
}

static void serve(fuse_req_t request, fuse_ino_t parent, const char *name, int flags)
{
    struct server *server = server_of(request);
    struct spot spot;
    int error = spot_open(server, parent, name, &spot);

    if (!error)
        error = serve_spot(request, &spot, flags);
    request_reply(request, error);
    spot_close(server, &spot);
}

void request_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    serve(request, parent, name, 0);
}

void request_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    serve(request, parent, name, AT_REMOVEDIR);
}
