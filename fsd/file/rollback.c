#include "config.h"

#include "file/rollback.h"

#include <errno.h>

#include "file/ahead.h"
#include "file/damage.h"
#include "file/page.h"
#include "file/version.h"

/* What is committed, and not in the store yet, is seen again. */
static void show_committed(struct files *files, struct file_index *index)
{
    static const enum frame_state committed[] = {FRAME_COMMITTED, FRAME_WRITEBACK};
    struct frame_index *frame;

    for (size_t i = 0; i < 2; i++) {
        TAILQ_FOREACH (frame, &index->view.lists[committed[i]], link)
            page_show(files, index, frame);
    }
}

/* Each step may be done again. */
static void go_back(struct files *files, struct file_index *index)
{
    struct file *file = file_truth(files, index);
    struct frame_index *frame, *next;

    version_rollback(files, index);
    TAILQ_FOREACH_SAFE (frame, &index->view.lists[FRAME_RECEIVED], link, next)
        page_move(files, index, frame, FRAME_FREE);
    show_committed(files, index);
    version_settle(files, index);
    index->view.moved++; /* who reads the store meanwhile reads it again */
    atomic_fetch_add(&files->settled, 1);
    if (!index->view.failed && !file_is_damaged(file))
        file->error = 0;
    atomic_fetch_and(&file->flags, ~(FILE_ROLLING | FILE_TORN));
}

static bool has_changed(struct files *files, const struct file_index *index)
{
    const struct file *file = file_truth(files, index);

    return version_has_changes(index) || file->flags & (FILE_STALE | FILE_TORN) || (file->error && !index->view.failed);
}

int rollback_file(struct files *files, uint32_t number)
{
    struct file_index *index = &files->index[number];
    int error = 0;

    ahead_abandon_file(files, index); /* it would hold the journal's tail */
    if (has_changed(files, index)) {
        atomic_fetch_or(&file_truth(files, index)->flags, FILE_ROLLING | FILE_STALE);
        go_back(files, index);
    } else {
        error = -EALREADY;
    }
    pthread_mutex_unlock(&index->lock);
    return error;
}

void rollback_seen(struct files *files, uint32_t number)
{
    atomic_fetch_and(&files->arena->files[number].flags, ~FILE_STALE);
}

void rollback_go_on(struct files *files, struct file_index *index)
{
    if (file_truth(files, index)->flags & FILE_ROLLING)
        go_back(files, index);
}
