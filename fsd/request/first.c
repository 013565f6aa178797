#include "config.h"

#include "request/first.h"

#include "request/current.h"
#include "request/effects.h"
#include "request/freeze.h"

static void committed(struct commit_waiter *waiter, const struct commit_result *result)
{
    struct first *first = (struct first *)waiter;
    struct server *server = first->server;
    struct fuse_in_header header = {.unique = first->unique};
    struct current outer;

    effects_lend(&header, &outer);
    first->then(first, result->error);
    effects_return(server, &outer);
    freeze_release(server);
}

static uint32_t file_to_commit(struct server *server, uint32_t inode)
{
    uint32_t file = inode ? server->arena.inodes[inode].file : 0;

    return file && commit_changes_contents(&server->files, file) ? file : 0;
}

bool first_commit(struct server *server, struct first *first, uint32_t inode, uint32_t other)
{
    const struct current *now = current();
    uint32_t count = 0;

    if (now->effects && now->effects->intent.begun)
        return false;
    first->files[0] = file_to_commit(server, inode);
    count += first->files[0] != 0;
    first->files[count] = other == inode ? 0 : file_to_commit(server, other);
    count += first->files[count] != 0;
    if (!count)
        return false;
    first->server = server;
    first->unique = now->header->unique;
    first->waiter = (struct commit_waiter){.files = first->files, .count = count, .done = committed};
    freeze_hold(server);
    commit_submit(&server->files, &first->waiter, 1);
    return true;
}
