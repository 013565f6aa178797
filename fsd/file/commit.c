#include "config.h"

#include "file/commit.h"

#include <errno.h>
#include <stdlib.h>

#include "file/event.h"
#include "file/metadata.h"
#include "file/record.h"
#include "file/rollback.h"
#include "file/snapshot.h"
#include "file/transaction.h"
#include "file/version.h"

struct commit_queue {
    pthread_mutex_t lock; /* guards the list, and who leads; a leaf */
    struct waiter_list waiters;
    bool leading;
    struct transaction transaction; /* the leader's */
    void (*committed)(void *context, uint32_t file);
    void *context;
};

/* Of a waiter without changes: the last one that one of its files was in. */
static void find_last_commit(struct files *files, const struct commit_waiter *waiter, struct commit_result *result)
{
    *result = (struct commit_result){0};
    for (uint32_t i = 0; i < waiter->count; i++) {
        struct file_index *index = &files->index[waiter->files[i]];
        const struct file_version *version;

        file_lock(files, index);
        version = &files->arena->files[waiter->files[i]].commits[index->versions.last];
        if (version->sequence >= result->sequence)
            *result = (struct commit_result){.sequence = version->sequence, .time = version->committed_at};
        pthread_mutex_unlock(&index->lock);
    }
}

/* An error that the daemon keeps is told by every sync until the pages are written (invariant 6). */
static int kept_error(struct files *files, const struct commit_waiter *waiter)
{
    for (uint32_t i = 0; i < waiter->count; i++) {
        if (files->arena->files[waiter->files[i]].error)
            return -files->arena->files[waiter->files[i]].error;
    }
    return 0;
}

static void answer(struct files *files, struct commit_waiter *waiter)
{
    if (waiter->since && waiter->joined && !waiter->result.error)
        latency_add(&files->arena->header->commits, waiter->since);
    for (uint32_t i = 0; i < waiter->count; i++)
        file_put(files, waiter->files[i]);
    waiter->done(waiter, &waiter->result);
}

static void refuse(struct commit_waiter *waiter, int error)
{
    waiter->again = waiter->joined = false;
    waiter->result.error = error;
}

static void take_snapshots(struct files *files, struct commit_waiter *waiter)
{
    uint32_t count = 0;
    int error = 0;

    waiter->result.sequence = journal_sequence(files->journal);
    for (; count < waiter->count && !error; count += !error)
        error = snapshot_take(files, waiter->files[count], waiter->user, &waiter->snapshots[count]);
    while (error && count)
        snapshot_close(files, waiter->snapshots[--count]);
    waiter->result.error = error;
}

/* While no commit is being made, so that each has all of what is taken back, or nothing; and a snapshot has all of it or nothing. */
static void do_between(struct files *files, struct waiter_list *waiters)
{
    struct commit_waiter *waiter, *next;

    TAILQ_FOREACH_SAFE (waiter, waiters, link, next) {
        if (!waiter->rolls_back && !waiter->snapshots)
            continue;
        TAILQ_REMOVE(waiters, waiter, link);
        if (waiter->snapshots)
            take_snapshots(files, waiter);
        else
            waiter->result.error = rollback_file(files, waiter->files[0]);
        if (waiter->rolls_back && !waiter->result.error)
            event_tell_file(files, MAPSHARE_ABI_ROLLBACK, files->arena->files[waiter->files[0]].inode);
        answer(files, waiter);
    }
}

static void lead(struct files *files, struct transaction *transaction, struct waiter_list *waiters)
{
    struct commit_waiter *waiter, *next;
    struct commit_result result = {0};
    int error = 0;

    do_between(files, waiters);
    transaction_begin(transaction);
    error = metadata_flush_together(files, waiters);
    TAILQ_FOREACH (waiter, waiters, link) {
        if (error)
            refuse(waiter, error);
        else
            transaction_take(files, transaction, waiter);
    }
    error = 0;
    if (transaction->part_count)
        error = transaction_commit(files, transaction, &result);
    for (uint32_t i = 0; i < transaction->part_count && !error && files->commits->committed; i++)
        files->commits->committed(files->commits->context, transaction->parts[i].file);
    if (transaction->part_count && !error && files->commits->committed)
        files->commits->committed(files->commits->context, 0);
    TAILQ_FOREACH_SAFE (waiter, waiters, link, next) {
        int failed = waiter->joined ? error : 0;
        bool again = failed ? failed == -EAGAIN : waiter->again;

        if (waiter->result.error == -EAGAIN || (again && !waiter->result.error)) {
            pthread_mutex_lock(&files->commits->lock);
            TAILQ_INSERT_TAIL(&files->commits->waiters, waiter, link);
            pthread_mutex_unlock(&files->commits->lock);
            continue;
        }
        if (!waiter->result.error) {
            if (waiter->joined)
                waiter->result = result;
            else
                find_last_commit(files, waiter, &waiter->result);
            waiter->result.error = failed ? failed : kept_error(files, waiter);
        }
        answer(files, waiter);
    }
}

void commit_submit(struct files *files, struct commit_waiter *array, size_t count)
{
    struct commit_queue *queue = files->commits;
    struct waiter_list waiters;

    for (size_t i = 0; i < count; i++) {
        array[i].since = array[i].by_timer || array[i].carries ? 0 : latency_now();
        for (uint32_t j = 0; j < array[i].count; j++)
            file_hold(files, array[i].files[j]);
    }
    pthread_mutex_lock(&queue->lock);
    for (size_t i = 0; i < count; i++)
        TAILQ_INSERT_TAIL(&queue->waiters, &array[i], link);
    if (queue->leading) {
        pthread_mutex_unlock(&queue->lock);
        return;
    }
    queue->leading = true;
    while (!TAILQ_EMPTY(&queue->waiters)) {
        TAILQ_INIT(&waiters);
        TAILQ_CONCAT(&waiters, &queue->waiters, link);
        pthread_mutex_unlock(&queue->lock);
        lead(files, &queue->transaction, &waiters);
        pthread_mutex_lock(&queue->lock);
    }
    queue->leading = false;
    pthread_mutex_unlock(&queue->lock);
}

bool commit_changes_contents(struct files *files, uint32_t number)
{
    struct file_index *index = &files->index[number];
    const struct file *file = &files->arena->files[number];
    bool changes;

    file_lock(files, index);
    changes = index->versions.committing || index->view.counts[FRAME_RECEIVED] || index->view.counts[FRAME_COMMITTING] ||
              file->current.void_from != UINT64_MAX || file->current.size != file->commits[index->versions.last].size;
    pthread_mutex_unlock(&index->lock);
    return changes;
}

bool commit_needless(struct files *files, uint32_t inode, uint32_t number)
{
    struct file_index *index = &files->index[number];
    bool needless;

    if (metadata_is_unsynced(files, inode) || metadata_of_store_is_unsynced(files))
        return false;
    if (!number)
        return true;
    file_lock(files, index);
    needless = !index->versions.committing && !index->versions.changed && !index->view.counts[FRAME_RECEIVED] &&
               !index->view.counts[FRAME_COMMITTING] && !files->arena->files[number].error;
    pthread_mutex_unlock(&index->lock);
    return needless;
}

bool commit_under_way(struct files *files)
{
    bool leading;

    pthread_mutex_lock(&files->commits->lock);
    leading = files->commits->leading;
    pthread_mutex_unlock(&files->commits->lock);
    return leading;
}

int commit_open(struct files *files, void (*committed)(void *context, uint32_t file), void *context)
{
    struct commit_queue *queue = calloc(1, sizeof *queue);

    if (!queue)
        return -ENOMEM;
    TAILQ_INIT(&queue->waiters);
    pthread_mutex_init(&queue->lock, NULL);
    queue->committed = committed;
    queue->context = context;
    files->commits = queue;
    return 0;
}
