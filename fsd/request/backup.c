#include "config.h"

#include "request/backup.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "file/commit.h"
#include "file/event.h"
#include "file/hold.h"
#include "file/lists.h"
#include "mapshare-abi.h"
#include "request/current.h"
#include "request/freeze.h"
#include "request/thaw.h"

#define COMMITTED_AT_ONCE 256u

/* The kernel's number of the OPENDIR: the same when it is sent again, and no other's. */
uint64_t backup_descriptor(void)
{
    return current_header()->unique & ~RESENT;
}

void backup_close(struct server *server, uint64_t descriptor)
{
    struct journal_point point;

    if (!descriptor)
        return;
    if (journal_hold_end(server->journal, descriptor)) {
        wish(&server->files.wishes, WISH_CHECKPOINT);
        event_tell(&server->files, MAPSHARE_ABI_BACKUP_ENDED, 0, 0);
    }
    if (!freeze_end(server, descriptor, &point))
        thaw(server);
}

/* ---- what was received is committed ---- */

struct parked_backup {
    fuse_req_t request;
    struct mapshare_abi_backup backup;
    _Atomic uint32_t left; /* commits to come, and one until all are asked for */
    uint32_t count;
    uint32_t files[COMMITTED_AT_ONCE];
    struct commit_waiter waiters[COMMITTED_AT_ONCE];
};

static bool is_changed(const struct files *files, struct file_index *index, int64_t argument)
{
    (void)argument;
    return !(file_truth(files, index)->flags & FILE_ATOMIC) && index->versions.changed_since;
}

/* A file that cannot be committed is in the backup as of its last commit; who syncs it is told. */
static void one_done(struct parked_backup *parked)
{
    struct server *server = server_of(parked->request);

    if (atomic_fetch_sub(&parked->left, 1) != 1)
        return;
    for (uint32_t i = 0; i < parked->count; i++)
        file_put(&server->files, parked->files[i]);
    fuse_reply_ioctl(parked->request, 0, &parked->backup, sizeof parked->backup);
    free(parked);
}

static void committed(struct commit_waiter *waiter, const struct commit_result *result)
{
    (void)result;
    one_done(waiter->context);
}

static void commit_received(fuse_req_t request, struct server *server, const struct mapshare_abi_backup *in)
{
    struct parked_backup *parked = calloc(1, sizeof *parked);

    if (!parked) {
        request_reply(request, -ENOMEM);
        return;
    }
    parked->request = request;
    parked->backup = *in;
    parked->count = list_take(&server->files, LIST_CHANGED, parked->files, COMMITTED_AT_ONCE, is_changed, 0);
    parked->backup.quiet = parked->count < COMMITTED_AT_ONCE;
    parked->left = parked->count + 1;
    for (uint32_t i = 0; i < parked->count; i++)
        parked->waiters[i] =
            (struct commit_waiter){.files = &parked->files[i], .count = 1, .by_timer = true, .done = committed, .context = parked};
    if (parked->count)
        commit_submit(&server->files, parked->waiters, parked->count);
    one_done(parked);
}

/* ---- the steps ---- */

static int step(struct server *server, uint64_t descriptor, struct mapshare_abi_backup *backup, struct journal_point *point)
{
    struct journal_hold hold = {.id = descriptor, .position = backup->head, .heard = clock_nanoseconds()};
    bool quiet = false;
    int error;

    switch (backup->step) {
    case MAPSHARE_ABI_BACKUP_BEGIN:
        error = hold_begin(&server->files, descriptor, point);
        if (!error)
            event_tell(&server->files, MAPSHARE_ABI_BACKUP_BEGUN, 0, 0);
        return error;
    case MAPSHARE_ABI_BACKUP_READ:
        return journal_hold_move(server->journal, &hold, point);
    case MAPSHARE_ABI_BACKUP_FREEZE:
        if (!backup->seconds || backup->seconds > MAPSHARE_ABI_FREEZE_MOST)
            return -EINVAL;
        error = freeze_begin(server, descriptor, backup->seconds, &quiet);
        backup->quiet = quiet;
        journal_where(server->journal, point);
        return error;
    case MAPSHARE_ABI_BACKUP_THAW:
        return freeze_end(server, descriptor, point);
    default:
        return -EINVAL;
    }
}

/* 0, or why the caller may not. */
static int check(struct server *server, uint32_t inode, uint64_t descriptor)
{
    int error = descriptor ? request_may_manage(server, inode) : -ENOTTY;

    return !error && server->options->read_only ? -EROFS : error;
}

void backup_serve(fuse_req_t request, uint32_t inode, uint64_t descriptor, const struct mapshare_abi_backup *in)
{
    struct server *server = server_of(request);
    struct mapshare_abi_backup backup = *in;
    struct journal_point point = {0};
    int error = check(server, inode, descriptor);

    if (!error && backup.step == MAPSHARE_ABI_BACKUP_COMMIT) {
        commit_received(request, server, in);
        return;
    }
    if (!error)
        error = step(server, descriptor, &backup, &point);
    if (error) {
        request_reply(request, error);
        return;
    }
    backup.head = point.head;
    backup.tail = point.tail;
    backup.tail_number = point.tail_number;
    backup.sequence = point.sequence;
    fuse_reply_ioctl(request, 0, &backup, sizeof backup);
    if (backup.step == MAPSHARE_ABI_BACKUP_THAW)
        thaw(server);
}
