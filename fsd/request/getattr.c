/* Attributes of what is asked for: the blocks, too, that pages will take which wait in the kernel's page cache. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "probe/probe.h"
#include "request/attribute.h"
#include "request/current.h"
#include "request/operations.h"

#define RUNS_COUNTED 4096 /* of a file that is scattered more, fewer blocks are told until its pages come */

struct parked_attributes {
    struct probe_request probe;
    fuse_req_t request;
    uint32_t inode;
};

static void pages_known(struct probe_request *probe)
{
    struct parked_attributes *parked = (struct parked_attributes *)probe;
    struct server *server = server_of(parked->request);
    uint32_t file = server->arena.inodes[parked->inode].file;
    struct descriptor *descriptor;
    struct stat stat;
    double seconds;
    int error = attribute_get(server, parked->inode, &stat, &seconds);

    if (!error && file && probe->run_count && !descriptor_get(&server->descriptors, parked->inode, &descriptor)) {
        stat.st_blocks += file_blocks_missing(&server->files, file, descriptor->fd, probe->runs, probe->run_count);
        descriptor_put(&server->descriptors, descriptor);
    }
    if (error)
        request_reply(parked->request, error);
    else
        fuse_reply_attr(parked->request, &stat, 0);
    free(parked);
}

/* The kernel's pages count only where a file has holes. While it is asked, the probe itself may need attributes to open what it is to look at:
 * nobody's wait for it then. */
static bool park_attributes(fuse_req_t request, uint32_t inode)
{
    struct server *server = server_of(request);
    struct parked_attributes *parked;
    struct stat stat;

    if (server->arena.inodes[inode].type != S_IFREG || !probe_is_idle(server->probe) || attribute_get(server, inode, &stat, NULL) ||
        !attribute_may_lack_blocks(server, inode, &stat))
        return false;
    parked = malloc(sizeof *parked);
    if (!parked)
        return false;
    *parked = (struct parked_attributes){
        .probe = {.question = PROBE_DIRTY, .inode = inode, .limit = RUNS_COUNTED, .done = pages_known},
        .request = request,
        .inode = inode,
    };
    if (!probe_ask(server->probe, &parked->probe, current_header()->uid))
        return true;
    free(parked);
    return false;
}

void request_getattr(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
    uint32_t inode = request_inode(request, node);

    (void)info;
    if (inode && !park_attributes(request, inode))
        attribute_reply(request, inode, 0);
}
