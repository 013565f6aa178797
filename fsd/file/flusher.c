#include "config.h"

#include "file/flusher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alive.h"
#include "clock.h"
#include "file/carry.h"
#include "file/checkpoint.h"
#include "file/commit.h"
#include "file/event.h"
#include "file/lists.h"
#include "file/record.h"
#include "file/snapshot.h"
#include "priority.h"

#define BATCH 1024u
#define TICK_NANOSECONDS 500000000l
#define NANOSECONDS 1000000000

/* Commits of many files, waited for together. */
struct batch {
    struct commit_waiter waiters[BATCH];
    uint32_t files[BATCH];
    uint32_t count, done;
    int error;
    pthread_mutex_t lock;
    pthread_cond_t all_done;
};

static void one_done(struct commit_waiter *waiter, const struct commit_result *result)
{
    struct batch *batch = waiter->context;

    pthread_mutex_lock(&batch->lock);
    batch->done++;
    if (result->error && !batch->error)
        batch->error = result->error;
    pthread_cond_signal(&batch->all_done);
    pthread_mutex_unlock(&batch->lock);
}

/* Default files whose oldest change is from before `before`. */
static bool is_due(const struct files *files, struct file_index *index, int64_t before)
{
    int64_t since = index->versions.changed_since;

    return !(file_truth(files, index)->flags & FILE_ATOMIC) && since && since <= before;
}

/* Each but once in a pass: one that fails does not keep the others from being committed. */
static bool is_untried(const struct files *files, struct file_index *index, int64_t pass)
{
    if (index->flush_pass == (uint64_t)pass || !is_due(files, index, INT64_MAX))
        return false;
    index->flush_pass = pass;
    return true;
}

static void take_due(struct files *files, struct batch *batch, int64_t before)
{
    batch->count = list_take(files, LIST_CHANGED, batch->files, BATCH, is_due, before);
}

static void commit_batch(struct files *files, struct batch *batch, bool carries)
{
    batch->done = 0;
    for (uint32_t i = 0; i < batch->count; i++)
        batch->waiters[i] = (struct commit_waiter){
            .files = &batch->files[i], .count = 1, .by_timer = !carries, .carries = carries, .done = one_done, .context = batch};
    if (batch->count)
        commit_submit(files, batch->waiters, batch->count);
    pthread_mutex_lock(&batch->lock);
    while (batch->done < batch->count)
        pthread_cond_wait(&batch->all_done, &batch->lock);
    pthread_mutex_unlock(&batch->lock);
    for (uint32_t i = 0; i < batch->count; i++)
        file_put(files, batch->files[i]);
}

static struct batch *new_batch(void)
{
    struct batch *batch = calloc(1, sizeof *batch);

    if (batch) {
        pthread_mutex_init(&batch->lock, NULL);
        pthread_cond_init(&batch->all_done, NULL);
    }
    return batch;
}

int flush_all(struct files *files)
{
    struct batch *batch = new_batch();
    static uint64_t pass;
    bool again;
    int error;

    if (!batch)
        return -ENOMEM;
    do {
        batch->count = list_take(files, LIST_CHANGED, batch->files, BATCH, is_untried, ++pass);
        while (batch->count) {
            commit_batch(files, batch, false);
            batch->count = list_take(files, LIST_CHANGED, batch->files, BATCH, is_untried, pass);
        }
        error = batch->error;
        again = !error && commit_under_way(files); /* somebody else's may fail */
        if (again)
            usleep(1000);
    } while (again);
    free(batch);
    return error;
}

static void tell_spill(struct files *files, uint32_t *told)
{
    uint32_t now = files->arena->header->spilled;

    if (now != *told)
        event_tell(files, MAPSHARE_ABI_SPILL, (uint64_t)now << PAGE_SHIFT, 0);
    *told = now;
}

void *flusher_thread(void *argument)
{
    struct files *files = argument;
    struct batch *batch;
    uint32_t spilled;

    priority_usual();
    while (!(batch = new_batch()))
        sleep(1);
    alive_word = &files->arena->header->flusher_alive;
    spilled = files->arena->header->spilled;
    while (wish_wait(&files->wishes, WISH_FLUSH, TICK_NANOSECONDS)) {
        alive_still();
        if (frame_is_short(files->frames, 4)) {
            take_due(files, batch, INT64_MAX);
            commit_batch(files, batch, false);
            wish(&files->wishes, WISH_CHECKPOINT);
        }
        if (checkpoint_is_due(files)) {
            batch->count =
                list_take(files, LIST_COMMITTED, batch->files, BATCH, carry_is_due, (int64_t)journal_used(files->journal));
            commit_batch(files, batch, true);
        }
        snapshots_sweep(files);
        tell_spill(files, &spilled);
        take_due(files, batch, clock_nanoseconds() - (int64_t)arena_tuning(files->arena->header)->commit_interval * NANOSECONDS);
        commit_batch(files, batch, false);
        frame_shrink_spill(files->frames);
    }
    free(batch);
    return NULL;
}
