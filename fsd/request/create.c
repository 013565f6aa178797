/* Making a file and opening it at once. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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
#include "request/spot.h"

static int make(fuse_req_t request, const struct spot *spot, mode_t mode)
{
    struct server *server = server_of(request);
    int fd, tries = 0;

    umask(fuse_req_ctx(request)->umask);
    caller_act_as(server, request);
    do {
        fd = openat(spot->descriptor->fd, spot->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 07777);
        fd = fd < 0 ? -errno : fd;
    } while (descriptor_spare(&server->descriptors, fd, &tries));
    caller_act_as_self(server, request);
    umask(0);
    return fd;
}

/* Counts a lookup. A file that is there already is not opened, unless a dead worker made it for the same request: the kernel did not know of it and
 * checked nothing. Told that what it knows is stale, it looks up and checks anew. */
static int create(fuse_req_t request, const struct spot *spot, mode_t mode, bool tried, struct statx *stat, uint32_t *inode)
{
    struct server *server = server_of(request);
    int fd = make(request, spot, mode), error = 0;

    if (fd < 0)
        error = fd != -EEXIST ? fd : tried ? 0 : -ESTALE;
    if (error)
        return error;
    atomicity_inherit(spot->descriptor, spot->name);
    error = inode_lookup(&server->inodes, spot->folder, spot->descriptor->fd, spot->name, stat, inode, effects_begin(server));
    if (!error && !S_ISREG(stat->stx_mode))
        error = -EEXIST;
    if (!error && fd >= 0)
        descriptor_adopt(&server->descriptors, *inode, fd);
    else if (fd >= 0)
        close(fd);
    if (!error)
        attribute_changed(server, *inode);
    return error;
}

void request_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *info)
{
    struct server *server = server_of(request);
    struct fuse_entry_param entry;
    struct spot spot;
    struct statx stat;
    uint32_t inode = 0;
    bool tried = false;
    int error = spot_open(server, parent, name, &spot);

    if (!error)
        error = handle_check(server);
    if (!error) {
        if (!spot_look(server, &spot).identity.inode || current_header()->unique & RESENT)
            intent_begin(server, 0, &tried);
        error = create(request, &spot, mode, tried, &stat, &inode);
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
    spot_close(server, &spot);
}
