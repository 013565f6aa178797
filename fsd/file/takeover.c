#include "config.h"

#include "file/takeover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "file/commit.h"
#include "file/page.h"
#include "file/record.h"
#include "log.h"

static bool is_committed(const struct files *files, uint64_t position)
{
    return position && journal_published(&files->arena->header->journal, position);
}

/* Which commit of the file holds; and if the worker died between making it durable and telling the file, the rest of commit.c's
 * publish(). */
static void take_file(struct files *files, uint32_t number)
{
    struct file *file = &files->arena->files[number];
    struct file_index *index = &files->index[number];
    const struct journal_state *state = &files->arena->header->journal;
    const struct journal_point *point = &state->points[state->current % 2];

    file_index_start(index);
    index->held = file->commits[1].sequence > file->commits[0].sequence;
    for (int i = 0; i < 2; i++) {
        struct file_version *version = &file->commits[i];

        if (!version->position || version->position == file->published)
            continue;
        if (!is_committed(files, version->position)) { /* never became durable: its truncation is to be committed */
            if (version->valid < file->current.valid)
                file->current.valid = version->valid;
            version->position = 0;
        } else if (version->position < file->published) { /* an older one */
            version->position = 0;
        } else { /* durable, but the file was not told: the last commit of all */
            version->sequence = point->sequence;
            index->held = i;
        }
    }
    index->oldest = file->commits[index->held].position ? 1 : 0;
    index->changed = true; /* a commit too many is harmless */
    index->received_since = time_monotonic();
}

/* The rest of publish(), after the frames that the commit's truncation voids were left out. */
static void tell_file(struct files *files, uint32_t number)
{
    struct file *file = &files->arena->files[number];
    const struct file_version *held = &file->commits[files->index[number].held];

    if (held->position > file->published) {
        if (held->valid < file->cut)
            atomic_store(&file->cut, held->valid);
        atomic_store(&file->published, held->position);
    }
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

/* Invariant 8: what publish() had not yet dropped. */
static bool is_void(const struct file *file, const struct file_version *held, const struct frame *frame, bool committed)
{
    return committed && held->position > file->published && frame->position < held->position &&
           frame->page << PAGE_SHIFT >= held->valid;
}

static void take_frame(struct files *files, struct frame *truth)
{
    struct file *file = &files->arena->files[truth->file];
    struct file_index *index = &files->index[truth->file];
    struct frame_index *frame = &files->frames->index[truth - files->arena->frames], *seen;
    const struct file_version *held = &file->commits[index->held];
    bool committed = is_committed(files, truth->position);

    *frame = (struct frame_index){.page = truth->page, .version = truth->version};
    if (!committed)
        truth->position = 0;
    if (truth->flags & FRAME_VOID || is_void(file, held, truth, committed)) {
        frame->state = FRAME_RECEIVED;
        page_move(files, index, frame, FRAME_FREE);
        return;
    }
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
        RB_INSERT(frame_tree, &index->view, frame);
        frame->in_view = true;
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

int files_open(struct files *files)
{
    struct arena_header *header = files->arena->header;
    const struct journal_point *point;
    pthread_rwlockattr_t attributes;
    uint32_t dropped;
    int error;

    pthread_mutex_init(&files->lock, NULL);
    pthread_mutex_init(&files->work_lock, NULL);
    pthread_rwlockattr_init(&attributes); /* or who lets a stream go might wait as long as pages come */
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&files->ahead_lock, &attributes);
    pthread_cond_init(&files->work, NULL);
    pthread_cond_init(&files->room, NULL);
    TAILQ_INIT(&files->changed);
    TAILQ_INIT(&files->checkpoint);
    files->index = mmap(NULL, (header->file_max + 1ul) * sizeof *files->index, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (files->index == MAP_FAILED)
        return -errno;
    error = slots_open(&files->slots, &header->file_used, header->file_max);
    if (!error)
        error = commit_open(files);
    if (error)
        return error;
    point = &header->journal.points[header->journal.current % 2];
    files->places[files->place_end++] = (struct commit_place){point->tail, point->tail_number};
    if (point->head != point->tail)
        files->places[files->place_end++] = (struct commit_place){point->head, point->next_number};
    files->released = point->tail;
    files->dropped = header->file_used > 0;                     /* a dead worker's: not remembered */
    files->next_stream = (uint64_t)header->journal.epoch << 32; /* no stream of a dead worker's is ever named again */
    dropped = records_take_over(files);
    if (dropped)
        log_line(LOG_NOTE, "takeover: %" PRIu32 " files' records that a dead worker left half made or half ended are dropped",
                 dropped);
    for (uint32_t i = 1; i <= header->file_used; i++) {
        if (files->arena->files[i].inode)
            take_file(files, i);
    }
    error = take_frames(files);
    take_handles(files);
    for (uint32_t i = 1; i <= header->file_used && !error; i++) {
        if (files->arena->files[i].inode) {
            tell_file(files, i);
            file_settle(files, &files->index[i]);
        }
    }
    return error;
}
