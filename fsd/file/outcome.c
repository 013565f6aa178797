#include "config.h"

#include "file/outcome.h"

#include <errno.h>
#include <string.h>

#include "cache/seal.h"
#include "file/ahead.h"
#include "file/damage.h"
#include "file/page.h"
#include "file/version.h"
#include "log.h"

/* ---- it failed ---- */

static void mark_failed(struct files *files, struct file_index *index, int error)
{
    char text[INODE_TEXT_BYTES];

    if (!file_is_damaged(file_truth(files, index)))
        file_truth(files, index)->error = -error;
    atomic_fetch_add(&files->arena->header->counters.write_errors, 1);
    log_limited(&files->error_logged, "%s: cannot be committed: %s; its pages are kept, and every sync of it fails until it can",
                inode_text(files->inodes, file_truth(files, index)->inode, text), strerror(-error));
}

void outcome_take_back(struct files *files, const struct part *part, int error)
{
    struct file_index *index = &files->index[part->file];
    struct frame_index *frame, *next;

    ahead_alone(files);
    file_lock(files, index);
    TAILQ_FOREACH_SAFE (frame, &index->view.lists[FRAME_COMMITTING], link, next) {
        frame->stream_epoch = 0;
        atomic_store(&frame_truth(files->frames, frame)->position, 0); /* or a later commit's publishing would publish it */
        if (error != -EAGAIN)
            page_set_failed(index, frame, true);
        page_move(files, index, frame, frame->in_view ? FRAME_RECEIVED : FRAME_FREE);
    }
    version_abort(files, index, part->void_from);
    ahead_end(index);
    if (error != -EAGAIN)
        mark_failed(files, index, error);
    pthread_mutex_unlock(&index->lock);
    ahead_not_alone(files);
}

/* ---- it is durable ---- */

void outcome_prepare(struct files *files, struct transaction *transaction)
{
    const struct journal_chunk *chunk = &transaction->chunk;
    uint64_t position = position_seal(chunk->position);
    struct changes *changes = &transaction->changes;

    changes_begin(changes, files->arena, chunk);
    for (uint32_t i = 0; i < transaction->part_count; i++) {
        struct file_index *index = &files->index[transaction->parts[i].file];
        const struct file *file = file_truth(files, index);
        struct frame_index *frame;
        uint64_t before;

        file_lock(files, index);
        TAILQ_FOREACH (frame, &index->view.lists[FRAME_COMMITTING], link) {
            struct frame *truth = frame_truth(files->frames, frame);

            atomic_store_explicit(&truth->position, position, memory_order_relaxed);
            changes_page(changes, frame->page, truth->flags & FRAME_HOLE);
        }
        before = file->commits[index->versions.last].size;
        version_place(files, index, chunk);
        pthread_mutex_unlock(&index->lock);
        changes_file(changes, &transaction->files[i], files->arena->inodes[file->inode].generation, before);
    }
    changes_end(changes, chunk);
}

/* What this commit replaced need not be written to the store any more: its journal copy is newer. */
static void drop_older(struct files *files, struct file_index *index, struct frame_index *frame)
{
    struct frame_index *older = page_older(files, index, frame);

    if (older && older->state == FRAME_COMMITTED)
        page_move(files, index, older, FRAME_FREE);
    frame->older = 0;
}

/* Invariant 8: what the commit's truncation cut off. */
static void drop_void(struct files *files, struct file_index *index, uint64_t void_from)
{
    struct frame_index *frame, *next;

    TAILQ_FOREACH_SAFE (frame, &index->view.lists[FRAME_COMMITTED], link, next) {
        if (frame->page << PAGE_SHIFT >= void_from)
            page_move(files, index, frame, FRAME_FREE);
    }
    TAILQ_FOREACH (frame, &index->view.lists[FRAME_WRITEBACK], link) {
        if (frame->page << PAGE_SHIFT >= void_from)
            atomic_fetch_or(&frame_truth(files->frames, frame)->flags, FRAME_VOID);
    }
    if (index->blocks.until > void_from)
        index->blocks.until = void_from;
}

void outcome_publish(struct files *files, const struct part *part, const struct journal_chunk *chunk)
{
    struct file_index *index = &files->index[part->file];
    struct file *file = &files->arena->files[part->file];
    struct frame_index *frame;
    uint64_t pages;

    file_lock(files, index);
    pages = index->view.counts[FRAME_COMMITTING];
    if (part->void_from != UINT64_MAX)
        drop_void(files, index, part->void_from);
    TAILQ_FOREACH (frame, &index->view.lists[FRAME_COMMITTING], link) {
        if (frame->older)
            drop_older(files, index, frame);
        if (frame->failed && !index->versions.carried)
            page_set_failed(index, frame, false);
    }
    page_move_all(files, index, FRAME_COMMITTING, FRAME_COMMITTED);
    if (!index->view.failed && !file_is_damaged(file))
        file->error = 0;
    version_publish(files, index, part->void_from, chunk);
    ahead_end(index); /* not before `needed` holds the journal's tail in its place */
    pthread_mutex_unlock(&index->lock);
    atomic_fetch_add_explicit(&files->arena->header->counters.pages_committed, pages, memory_order_relaxed);
}
