#include "config.h"

#include "file/takeover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "file/ahead.h"
#include "file/commit.h"
#include "file/lists.h"
#include "file/page.h"
#include "file/record.h"
#include "file/used.h"
#include "file/sweep.h"
#include "file/version.h"
#include "log.h"

static bool is_committed(const struct files *files, uint64_t position)
{
    return position && journal_published(&files->arena->header->journal, position);
}

/* Frames of one page follow each other, the newest last; the oldest commit of all comes first for a file's list. */
static int by_file_and_age(const void *a, const void *b)
{
    const struct frame *x = *(struct frame *const *)a, *y = *(struct frame *const *)b;

    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    if (x->position != y->position)
        return x->position < y->position ? -1 : 1;
    return x->version < y->version ? -1 : x->version > y->version;
}

static void take_frame(struct files *files, struct frame *truth)
{
    struct file_index *index = &files->index[truth->file];
    const struct file_version *current = &file_truth(files, index)->current;
    struct frame_index *frame = &files->frames->index[truth - files->arena->frames], *seen;
    bool committed = is_committed(files, truth->position);

    *frame = (struct frame_index){.page = truth->page, .version = truth->version};
    if (!committed)
        truth->position = 0;
    if (truth->flags & FRAME_VOID || version_voids(files, index, truth, committed) ||
        (!committed &&
         truth->page << PAGE_SHIFT >= current->size)) { /* beyond the end: amid a truncation, or a WRITE that is sent again */
        frame->state = FRAME_RECEIVED;
        page_move(files, index, frame, FRAME_FREE);
        return;
    }
    if (committed && truth->page << PAGE_SHIFT >= current->void_from)
        truth->flags |= FRAME_HIDDEN;
    seen = page_find(index, truth->page);
    if (seen && !(truth->flags & FRAME_HIDDEN) && seen->version < frame->version) {
        if (seen->state == FRAME_RECEIVED)
            page_move(files, index, seen, FRAME_FREE);
        else
            page_hide(files, index, seen);
        seen = NULL;
    }
    if (!committed && (truth->flags & FRAME_HIDDEN || seen)) { /* replaced, but not yet freed */
        frame->state = FRAME_RECEIVED;
        page_move(files, index, frame, FRAME_FREE);
        return;
    }
    page_move(files, index, frame, FRAME_RECEIVED);
    if (!(truth->flags & FRAME_HIDDEN) && !seen) {
        RB_INSERT(frame_tree, &index->view.tree, frame);
        frame->in_view = true;
        used_enter(files, index, frame, NULL);
    } else {
        atomic_fetch_or(&truth->flags, FRAME_HIDDEN);
    }
    if (committed) {
        page_move(files, index, frame, FRAME_COMMITTING);
        page_move(files, index, frame, FRAME_COMMITTED);
    }
}

static int take_frames(struct files *files)
{
    const struct arena_header *header = files->arena->header;
    uint32_t all = header->frame_max + header->spilled, count = 0;
    struct frame **used = malloc((all + 1ul) * sizeof *used);

    if (!used)
        return -ENOMEM;
    for (uint32_t i = 1; i <= all; i++) {
        if (files->arena->frames[i].file)
            used[count++] = &files->arena->frames[i];
    }
    qsort(used, count, sizeof *used, by_file_and_age);
    for (uint32_t i = 0; i < count; i++)
        take_frame(files, used[i]);
    free(used);
    frame_table_fill(files->frames);
    return 0;
}

static void take_handles(struct files *files)
{
    const struct arena *arena = files->arena;

    for (uint32_t i = 1; i <= arena->header->handle_used; i++) {
        uint32_t inode = arena->handles[i].inode;

        if (inode && arena->inodes[inode].file)
            file_count_handle(files, arena->inodes[inode].file, &arena->handles[i], 1);
    }
}

/* Invariant 13. */
static void take_records(struct files *files)
{
    uint32_t dropped = records_take_over(files);

    if (dropped)
        log_line(LOG_NOTE, "takeover: %" PRIu32 " files' records that a dead worker left half made or half ended are dropped",
                 dropped);
    for (uint32_t i = 1; i <= files->arena->header->file_used; i++) {
        if (files->arena->files[i].inode) {
            file_index_start(&files->index[i]);
            share_charge_to(files, &files->index[i], files->arena->files[i].user);
            version_recover(files, &files->index[i]);
        }
    }
}

static int open_parts(struct files *files)
{
    struct arena_header *header = files->arena->header;
    int error;

    files->index = mmap(NULL, (header->file_max + 1ul) * sizeof *files->index, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (files->index == MAP_FAILED)
        return -errno;
    pthread_mutex_init(&files->opens_lock, NULL);
    lists_open(files);
    wishes_open(&files->wishes);
    shares_open(files, files->options->user_share);
    tail_open(&files->tail, &header->journal, header->file_used > 0);
    error = slots_open(&files->slots, &header->file_used, header->file_max);
    return error ? error : ahead_open(files);
}

int files_open(struct files *files, void (*committed)(void *context), void *context)
{
    int error = open_parts(files);

    if (!error)
        error = commit_open(files, committed, context);
    if (!error)
        error = sweep_open(files);
    if (error)
        return error;
    take_records(files);
    error = take_frames(files);
    if (error)
        return error;
    take_handles(files);
    for (uint32_t i = 1; i <= files->arena->header->file_used; i++) {
        if (files->arena->files[i].inode)
            version_recovered(files, &files->index[i]);
    }
    return 0;
}
