#include "config.h"

#include "file/commit.h"

#include <errno.h>
#include <stdlib.h>

#include "alive.h"
#include "clock.h"
#include "file/event.h"
#include "file/metadata.h"
#include "file/record.h"
#include "file/rollback.h"
#include "file/room.h"
#include "file/snapshot.h"
#include "file/transaction.h"
#include "file/version.h"

#define UNDER_WAY 2u /* commits at once: more are smaller, and no faster */
#define SMALL 2u     /* crowd: with more no commit begins beside another */

struct commit_queue {
    pthread_mutex_t lock; /* guards all below; a leaf */
    pthread_cond_t one_ended;
    struct waiter_list waiters;
    bool taking;           /* somebody takes what comes into the next commit, up to its place in the journal */
    bool blocked;          /* the first waiter waits for the end of a commit that is under way */
    uint64_t begun, ended; /* commits */
    uint64_t told;         /* whose waiters were; so many were not: at most UNDER_WAY */
    uint32_t crowd;        /* so many were waiters of one commit lately */
    struct transaction transactions[UNDER_WAY];
    unsigned most; /* of them may be under way: the other threads serve */
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

static bool is_under_way(struct files *files, const struct commit_waiter *waiter)
{
    bool is = false;

    for (uint32_t i = 0; i < waiter->count && !is; i++) {
        struct file_index *index = &files->index[waiter->files[i]];

        file_lock(files, index);
        is = index->versions.committing;
        pthread_mutex_unlock(&index->lock);
    }
    return is;
}

/* While none of their files is in a commit, so that each has all of what is taken back, or nothing; and a snapshot has all of it or nothing. */
static void do_between(struct files *files, struct waiter_list *waiters)
{
    struct commit_waiter *waiter, *next;

    TAILQ_FOREACH_SAFE (waiter, waiters, link, next) {
        if ((!waiter->rolls_back && !waiter->snapshots) || is_under_way(files, waiter))
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

/* Until all commits that began before this one have ended. */
static void wait_for_turn(struct commit_queue *queue, uint64_t turn)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->ended != turn)
        pthread_cond_wait(&queue->one_ended, &queue->lock);
    pthread_mutex_unlock(&queue->lock);
}

/* A change that is too large for the journal waits for a longer one. What is under way ends before: it would lose its place. */
static void take_one(struct files *files, struct transaction *transaction, struct commit_waiter *waiter)
{
    transaction_take(files, transaction, waiter);
    if (waiter->result.error != -EFBIG || transaction->part_count)
        return;
    wait_for_turn(files->commits, files->commits->begun); /* nobody else begins one */
    if (room_wait(files, transaction->refused))
        waiter->result.error = -EAGAIN;
    transaction_begin(files, transaction);
}

/* What the waiters ask for comes into the transaction. One that has to wait for a commit under way stays of the `waiters`, for the next one, and so do
 * all behind it: nobody is passed over again and again. No file comes under way meanwhile but ours. */
static void take(struct files *files, struct transaction *transaction, struct waiter_list *waiters, struct waiter_list *taken)
{
    struct commit_waiter *waiter;
    int error;

    do_between(files, waiters);
    while ((waiter = TAILQ_FIRST(waiters)) && !waiter->rolls_back && !waiter->snapshots && !is_under_way(files, waiter)) {
        TAILQ_REMOVE(waiters, waiter, link);
        TAILQ_INSERT_TAIL(taken, waiter, link);
    }
    transaction_begin(files, transaction);
    error = metadata_flush_together(files, taken);
    TAILQ_FOREACH (waiter, taken, link) {
        if (error)
            refuse(waiter, error);
        else
            take_one(files, transaction, waiter);
    }
}

/* The next one may be taken. `left` go first then, but not before a commit ends that was under way when `ended` was the number of those that had. */
static uint64_t taken(struct commit_queue *queue, struct waiter_list *left, uint64_t ended, uint32_t together)
{
    uint64_t turn;

    pthread_mutex_lock(&queue->lock);
    queue->blocked = !TAILQ_EMPTY(left) && queue->ended == ended;
    TAILQ_CONCAT(left, &queue->waiters, link);
    TAILQ_CONCAT(&queue->waiters, left, link);
    queue->taking = false;
    turn = queue->begun;
    if (together) {
        queue->begun++;
        queue->crowd = together < queue->crowd / 2 ? queue->crowd / 2 : together;
    }
    pthread_mutex_unlock(&queue->lock);
    return turn;
}

/* Not by taking the place of the one before it, which would do the same. */
static int place(struct files *files, struct transaction *transaction)
{
    struct commit_queue *queue = files->commits;
    int error = transaction_place(files, transaction);

    if (error != -ENOSPC)
        return error;
    wait_for_turn(queue, queue->begun); /* nobody else begins one */
    return transaction_place_alone(files, transaction);
}

/* Commits become true in the order of their places, each when the files of those before it know what became of them: what a takeover finds untold
 * is of the last one. */
static int make(struct files *files, struct transaction *transaction, uint64_t turn, int error, struct commit_result *result)
{
    struct commit_queue *queue = files->commits;

    if (!error)
        error = transaction_flush(files, transaction);
    wait_for_turn(queue, turn);
    error = transaction_end(files, transaction, error, result);
    for (uint32_t i = 0; i < transaction->part_count && !error && queue->committed; i++)
        queue->committed(queue->context, transaction->parts[i].file);
    if (!error && queue->committed)
        queue->committed(queue->context, 0);
    pthread_mutex_lock(&queue->lock);
    queue->ended++;
    queue->blocked = false;
    pthread_cond_broadcast(&queue->one_ended);
    pthread_mutex_unlock(&queue->lock);
    return error;
}

static void tell(struct files *files, struct waiter_list *waiters, int error, const struct commit_result *result)
{
    struct commit_waiter *waiter, *next;

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
                waiter->result = *result;
            else
                find_last_commit(files, waiter, &waiter->result);
            waiter->result.error = failed ? failed : kept_error(files, waiter);
        }
        answer(files, waiter);
    }
}

static uint32_t count(const struct waiter_list *waiters)
{
    const struct commit_waiter *waiter;
    uint32_t count = 0;

    TAILQ_FOREACH (waiter, waiters, link)
        count++;
    return count;
}

/* Returns whether that was a commit. */
static bool lead(struct files *files, struct transaction *transaction, struct waiter_list *waiters, uint64_t ended)
{
    struct waiter_list mine = TAILQ_HEAD_INITIALIZER(mine);
    struct commit_result result = {0};
    uint64_t turn;
    bool begins;
    int error = 0;

    take(files, transaction, waiters, &mine);
    begins = transaction->part_count; /* if not, it is another leader's at once */
    if (begins)
        error = place(files, transaction);
    turn = taken(files->commits, waiters, ended, begins ? count(&mine) : 0);
    if (begins)
        error = make(files, transaction, turn, error, &result);
    tell(files, &mine, error, &result);
    return begins;
}

/* A waiter is taken by who brings it, or by a thread whose commit was told. Where few ask, a commit begins beside another, for as many as that one may
 * have. Where many do, that would only make smaller commits. The queue's lock is held. */
static bool may_lead(const struct commit_queue *queue)
{
    bool alone = queue->begun == queue->told;
    const struct commit_waiter *waiter;
    uint32_t waiting = 0, enough = alone ? 1 : queue->crowd;

    if (queue->taking || queue->blocked || queue->begun - queue->told == queue->most || (!alone && queue->crowd > SMALL))
        return false;
    TAILQ_FOREACH (waiter, &queue->waiters, link) {
        if (++waiting == enough)
            return true;
    }
    return false;
}

void commit_submit(struct files *files, struct commit_waiter *array, size_t count)
{
    struct commit_queue *queue = files->commits;
    struct waiter_list waiters;

    for (size_t i = 0; i < count; i++) {
        array[i].since = array[i].by_timer || array[i].carries ? 0 : clock_nanoseconds();
        for (uint32_t j = 0; j < array[i].count; j++)
            file_hold(files, array[i].files[j]);
    }
    pthread_mutex_lock(&queue->lock);
    for (size_t i = 0; i < count; i++)
        TAILQ_INSERT_TAIL(&queue->waiters, &array[i], link);
    while (may_lead(queue)) {
        struct transaction *transaction = &queue->transactions[queue->begun % UNDER_WAY];
        uint64_t ended = queue->ended;
        bool told;

        queue->taking = true;
        TAILQ_INIT(&waiters);
        TAILQ_CONCAT(&waiters, &queue->waiters, link);
        pthread_mutex_unlock(&queue->lock);
        told = lead(files, transaction, &waiters, ended);
        alive_still();
        pthread_mutex_lock(&queue->lock);
        queue->told += told;
    }
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
    struct commit_queue *queue = files->commits;
    bool is;

    pthread_mutex_lock(&queue->lock);
    is = queue->taking || queue->begun != queue->told;
    pthread_mutex_unlock(&queue->lock);
    return is;
}

int commit_open(struct files *files, void (*committed)(void *context, uint32_t file), void *context)
{
    struct commit_queue *queue = calloc(1, sizeof *queue);

    if (!queue)
        return -ENOMEM;
    TAILQ_INIT(&queue->waiters);
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->one_ended, NULL);
    queue->most = files->options->threads < 2 * UNDER_WAY ? 1 : UNDER_WAY;
    queue->committed = committed;
    queue->context = context;
    files->commits = queue;
    return 0;
}
