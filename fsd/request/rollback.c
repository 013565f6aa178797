#include "config.h"

#include "request/rollback.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "file/commit.h"
#include "file/damage.h"
#include "file/rollback.h"
#include "mapshare-abi.h"
#include "probe/probe.h"
#include "request/attribute.h"
#include "request/current.h"

struct parked_rollback {
    struct commit_waiter waiter;
    fuse_req_t request;
    uint32_t file;
};

struct parked_drop {
    struct probe_request probe;
    struct server *server;
    uint32_t file;
};

bool rollback_is(int mode, off_t offset, off_t length)
{
    return mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) && offset == 0 && length == MAPSHARE_ABI_ROLLBACK_LENGTH;
}

/* ---- pages that nobody waits to be rid of ---- */

static void dropped(struct probe_request *probe)
{
    struct parked_drop *parked = (struct parked_drop *)probe;

    if (!probe->error) /* else each open goes on dropping them */
        rollback_seen(&parked->server->files, parked->file);
    file_put(&parked->server->files, parked->file);
    free(parked);
}

/* That the probe opens the file is all; it has no pages there. */
static void drop_pages(struct server *server, uint32_t file)
{
    struct parked_drop *parked = malloc(sizeof *parked);

    if (!parked)
        return;
    *parked = (struct parked_drop){
        .probe = {.question = PROBE_DIRTY, .inode = server->arena.files[file].inode, .first = UINT64_MAX, .done = dropped},
        .server = server,
        .file = file,
    };
    file_hold(&server->files, file);
    if (!probe_ask(server->probe, &parked->probe, 0))
        return;
    file_put(&server->files, file);
    free(parked);
}

void rollback_take_over(struct server *server)
{
    for (uint32_t i = 1; i <= server->arena.header->file_used; i++) {
        if (server->arena.files[i].inode && server->arena.files[i].flags & FILE_STALE)
            drop_pages(server, i);
    }
}

/* ---- the request ---- */

static void rolled_back(struct commit_waiter *waiter, const struct commit_result *result)
{
    struct parked_rollback *parked = (struct parked_rollback *)waiter;
    struct server *server = server_of(parked->request);

    attribute_change_end(server, server->arena.files[parked->file].inode, parked->file);
    if (result->error)
        request_reply(parked->request, result->error);
    else if (fuse_reply_err(parked->request, 0))
        drop_pages(server, parked->file);
    else
        rollback_seen(&server->files, parked->file);
    file_put(&server->files, parked->file);
    free(parked);
}

void rollback_serve(fuse_req_t request, uint32_t file)
{
    struct server *server = server_of(request);
    struct parked_rollback *parked = malloc(sizeof *parked);

    if (!parked || file_is_damaged(&server->arena.files[file])) {
        request_reply(request, parked ? -EUCLEAN : -ENOMEM);
        free(parked);
        return;
    }
    *parked = (struct parked_rollback){
        .waiter = {.files = &parked->file, .count = 1, .rolls_back = true, .done = rolled_back},
        .request = request,
        .file = file,
    };
    file_hold(&server->files, file);
    attribute_change_begin(server, server->arena.files[file].inode);
    commit_submit(&server->files, &parked->waiter, 1);
}
