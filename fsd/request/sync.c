/* fsync: parked until its commit is durable. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "file/commit.h"
#include "request/current.h"
#include "request/operations.h"

/* A sync that waits for its commit. */
struct parked_sync {
    struct commit_waiter waiter;
    fuse_req_t request;
    uint32_t file;
};

static void synced(struct commit_waiter *waiter, const struct commit_result *result)
{
    struct parked_sync *parked = (struct parked_sync *)waiter;

    request_reply(parked->request, result->error == -EFBIG ? -ENOSPC : result->error);
    free(parked);
}

static void park_sync(fuse_req_t request, uint32_t file, uint32_t folder)
{
    struct parked_sync *parked = malloc(sizeof *parked);

    if (!parked) {
        request_reply(request, -ENOMEM);
        return;
    }
    *parked = (struct parked_sync){
        .waiter = {.files = &parked->file, .count = file != 0, .flush_inode = folder, .done = synced},
        .request = request,
        .file = file,
    };
    commit_submit(&server_of(request)->files, &parked->waiter, 1);
}

void request_fsync(fuse_req_t request, fuse_ino_t node, int data_only, struct fuse_file_info *info)
{
    struct server *server = server_of(request);
    uint32_t inode = request_inode(request, node), file;

    (void)data_only, (void)info;
    if (!inode)
        return;
    file = server->arena.inodes[inode].file;
    if (commit_needless(&server->files, inode, file))
        request_reply(request, 0);
    else
        park_sync(request, file, file ? 0 : inode);
}

void request_fsyncdir(fuse_req_t request, fuse_ino_t node, int data_only, struct fuse_file_info *info)
{
    uint32_t inode = request_inode(request, node);

    (void)data_only, (void)info;
    if (inode)
        park_sync(request, 0, inode);
}
