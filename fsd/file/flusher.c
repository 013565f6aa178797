#include "config.h"

#include "file/flusher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file/commit.h"
#include "file/record.h"

#define BATCH 1024u
#define TICK_NANOSECONDS 500000000l

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
static void choose(struct files *files, struct batch *batch, int64_t before)
{
    struct file_index *index;

    batch->count = batch->done = 0;
    pthread_mutex_lock(&files->lock);
    TAILQ_FOREACH (index, &files->changed, changed_link) {
        if (file_truth(files, index)->flags & FILE_ATOMIC || !index->received_since || index->received_since > before)
            continue;
        file_hold(files, index - files->index);
        batch->files[batch->count++] = index - files->index;
        if (batch->count == BATCH)
            break;
    }
    pthread_mutex_unlock(&files->lock);
}

static void commit_batch(struct files *files, struct batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++)
        batch->waiters[i] =
            (struct commit_waiter){.files = &batch->files[i], .count = 1, .by_timer = true, .done = one_done, .context = batch};
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

/* Somebody else's commit is being made: it may fail, and then there is something to commit again. */
static bool is_committing(struct files *files)
{
    bool leading;

    pthread_mutex_lock(&files->commit_lock);
    leading = files->commit_leading;
    pthread_mutex_unlock(&files->commit_lock);
    if (leading)
        usleep(1000);
    return leading;
}

int flush_all(struct files *files)
{
    struct batch *batch = new_batch();
    int error = 0;

    if (!batch)
        return -ENOMEM;
    do {
        choose(files, batch, INT64_MAX);
        commit_batch(files, batch);
        error = batch->error;
    } while ((batch->count || is_committing(files)) && !error);
    free(batch);
    return error;
}

void *flusher_thread(void *argument)
{
    struct files *files = argument;
    struct batch *batch = new_batch();
    int64_t interval = (int64_t)files->options->commit_interval * 1000000000;

    while (batch && files_wait(files, &files->flush_wanted, TICK_NANOSECONDS)) {
        if (frame_free_count(files->frames) < files->arena->header->frame_max / 4) {
            choose(files, batch, INT64_MAX);
            commit_batch(files, batch);
            files_want(files, false, true);
        }
        choose(files, batch, time_monotonic() - interval);
        commit_batch(files, batch);
    }
    free(batch);
    return NULL;
}
