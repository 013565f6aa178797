/* How the kernel comes to know inodes. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "request/attribute.h"
#include "request/current.h"
#include "request/effects.h"
#include "request/entry.h"
#include "request/operations.h"
#include "request/path.h"

/* A handle that a client kept: the node may be unknown to us. */
static void lookup_self(fuse_req_t request, fuse_ino_t node)
{
    struct server *server = server_of(request);
    struct statx stat;
    uint32_t inode;
    int error = inode_lookup_number(&server->inodes, node, &stat, &inode, effects_begin(server));

    if (error) {
        entry_take_back(server);
        request_reply(request, error);
    } else {
        entry_reply(request, inode, &stat);
    }
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
        error = path_is_reserved(name) ? -ENOENT
                                       : inode_lookup(&server->inodes, strcmp(name, "..") ? folder : 0, descriptor->fd, name, &stat,
                                                      &inode, effects_begin(server));
        descriptor_put(&server->descriptors, descriptor);
    }
    if (error == -ENOENT)
        fuse_reply_entry(request, &none); /* the kernel may remember that there is nothing */
    else if (error)
        request_reply(request, error);
    else
        entry_reply(request, inode, &stat);
}
