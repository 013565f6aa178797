/* Where data and holes are: also in stores that wait in the kernel's page cache, so they are pulled first. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "request/current.h"
#include "request/operations.h"

struct parked_seek {
    struct probe_request probe;
    fuse_req_t request;
    uint32_t inode;
    off_t offset;
    int whence;
};

static void pulled(struct probe_request *probe)
{
    struct parked_seek *parked = (struct parked_seek *)probe;
    struct server *server = server_of(parked->request);
    uint32_t file = server->arena.inodes[parked->inode].file;
    off_t at = file_seek(&server->files, parked->inode, file, parked->offset, parked->whence);

    if (at < 0)
        request_reply(parked->request, at);
    else
        fuse_reply_lseek(parked->request, at);
    free(parked);
}

void request_lseek(fuse_req_t request, fuse_ino_t node, off_t offset, int whence, struct fuse_file_info *info)
{
    uint32_t inode = request_inode(request, node);
    struct parked_seek *parked;

    (void)info;
    if (!inode)
        return;
    parked = malloc(sizeof *parked);
    if (!parked) {
        request_reply(request, -ENOMEM);
        return;
    }
    *parked = (struct parked_seek){
        .probe = {.question = PROBE_PULL, .inode = inode, .done = pulled},
        .request = request,
        .inode = inode,
        .offset = offset,
        .whence = whence,
    };
    request_ask(request, &parked->probe);
}
