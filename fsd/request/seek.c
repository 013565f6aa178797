/* Where data and holes are: also in stores that wait in the kernel's page cache, so they are pulled first. */
#include "config.h"

#include <stdlib.h>

#include "probe/probe.h"
#include "request/current.h"
#include "request/operations.h"

struct parked_seek {
    struct probe_request probe;
    fuse_req_t request;
    uint32_t inode;
    off_t offset;
    int whence;
};

static void seek(fuse_req_t request, uint32_t inode, off_t offset, int whence)
{
    struct server *server = server_of(request);
    off_t at = file_seek(&server->files, inode, server->arena.inodes[inode].file, offset, whence);

    if (at < 0)
        request_reply(request, at);
    else
        fuse_reply_lseek(request, at);
}

static void pulled(struct probe_request *probe)
{
    struct parked_seek *parked = (struct parked_seek *)probe;

    seek(parked->request, parked->inode, parked->offset, parked->whence);
    free(parked);
}

/* True when it is parked, or answered. */
static bool park_seek(fuse_req_t request, uint32_t inode, off_t offset, int whence)
{
    struct server *server = server_of(request);
    struct parked_seek *parked;
    int error;

    if (!file_may_be_mapped(&server->files, server->arena.inodes[inode].file))
        return false;
    parked = malloc(sizeof *parked);
    if (!parked)
        return false;
    *parked = (struct parked_seek){
        .probe = {.question = PROBE_PULL, .inode = inode, .done = pulled},
        .request = request,
        .inode = inode,
        .offset = offset,
        .whence = whence,
    };
    error = probe_ask(server->probe, &parked->probe, current_header()->uid);
    if (error == -EDQUOT)
        request_reply(request, error);
    if (error)
        free(parked);
    return !error || error == -EDQUOT;
}

void request_lseek(fuse_req_t request, fuse_ino_t node, off_t offset, int whence, struct fuse_file_info *info)
{
    uint32_t inode = request_inode(request, node);

    (void)info;
    if (inode && !park_seek(request, inode, offset, whence))
        seek(request, inode, offset, whence);
}
