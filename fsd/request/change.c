#include "config.h"

#include "request/change.h"

#include <errno.h>

static int record(struct server *server, const struct journal_name *name)
{
    int error;

    while ((error = journal_change_begin(server->journal, name)) == -ENOSPC) {
        error = wish_round(&server->files.wishes, WISH_CHECKPOINT | WISH_NO_STREAMS);
        if (error)
            break;
    }
    return error;
}

/* Without a path, as in a folder that a client found by a handle or whose path is too long, the journal has none of its files either, or one
 * that has become stale: recovery goes by their identities. */
int change_begin(struct server *server, struct change *change)
{
    char old_path[4096], new_path[4096];
    struct journal_name name = {.change = change->what,
                                .old_path = old_path,
                                .new_path = change->to ? new_path : NULL,
                                .owner = change->what == JOURNAL_OWNER ? change->owner : JOURNAL_NO_OWNER};
    int error = 0;

    change->recorded = spot_path(server, change->from, old_path) && (!change->to || spot_path(server, change->to, new_path));
    if (change->recorded)
        error = record(server, &name);
    if (!error)
        pthread_rwlock_wrlock(&server->inodes.moving);
    return error;
}

void change_end(struct server *server, const struct change *change, bool made)
{
    pthread_rwlock_unlock(&server->inodes.moving);
    if (change->recorded)
        journal_change_end(server->journal, made);
}
