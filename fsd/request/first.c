#include "config.h"

#include "request/first.h"

#include <stddef.h>

#include "request/current.h"
#include "request/effects.h"
#include "request/freeze.h"

static void go_on(struct first *first, int error)
{
    struct server *server = first->server;
    struct fuse_in_header header = {.unique = first->unique};
    struct current outer;

    effects_lend(&header, &outer);
    first->then(first, error);
    effects_return(server, &outer);
    freeze_release(server);
}

static void committed(struct commit_waiter *waiter, const struct commit_result *result)
{
    go_on((struct first *)((char *)waiter - offsetof(struct first, waiter)), result->error);
}

static uint32_t file_to_commit(struct server *server, uint32_t inode)
{
    uint32_t file = inode ? server->arena.inodes[inode].file : 0;

    return file && commit_changes_contents(&server->files, file) ? file : 0;
}

static bool submit(struct first *first)
{
    uint32_t count = 0;

    for (unsigned i = 0; i < 2; i++) {
        first->files[count] = file_to_commit(first->server, first->inodes[i]);
        count += first->files[count] != 0;
    }
    if (!count)
        return false;
    first->waiter = (struct commit_waiter){.files = first->files, .count = count, .done = committed};
    commit_submit(&first->server->files, &first->waiter, 1);
    return true;
}

static void pulled(struct probe_request *probe);

/* What was stored through a mapping, and the kernel still has. Where it is asked by path it is not: it may have to look a name up in the folder,
 * which this request keeps locked. */
static bool pull(struct first *first)
{
    struct server *server = first->server;

    while (server->inodes.handles && first->pulled < 2) {
        uint32_t inode = first->inodes[first->pulled++];

        first->probe = (struct probe_request){.question = PROBE_PULL, .inode = inode, .done = pulled};
        if (inode && file_may_be_mapped(&server->files, server->arena.inodes[inode].file) &&
            !probe_ask(server->probe, &first->probe, first->user))
            return true;
    }
    return false;
}

static void pulled(struct probe_request *probe)
{
    struct first *first = (struct first *)probe;

    if (!pull(first) && !submit(first))
        go_on(first, 0);
}

bool first_commit(struct server *server, struct first *first, uint32_t inode, uint32_t other)
{
    const struct current *now = current();

    if (now->effects && now->effects->intent.begun)
        return false;
    first->server = server;
    first->unique = now->header->unique;
    first->user = now->header->uid;
    first->inodes[0] = inode;
    first->inodes[1] = other == inode ? 0 : other;
    freeze_hold(server);
    if (pull(first) || submit(first))
        return true;
    freeze_release(server);
    return false;
}
