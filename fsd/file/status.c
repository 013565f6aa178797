#include "config.h"

#include "file/status.h"

#include <errno.h>
#include <stdlib.h>

#include "pace.h"

#define PIECE_FRAMES 256u /* are looked at under one hold of the file's lock */

struct run_array {
    struct mapshare_abi_run *runs;
    uint32_t count, max;
    struct page_counts *counts; /* these alone are wanted, no runs */
};

static int append(struct run_array *array, uint64_t first, uint64_t last, uint32_t state)
{
    struct mapshare_abi_run *tail = array->count ? &array->runs[array->count - 1] : NULL;

    if (array->counts) {
        array->counts->of[state] += last - first + 1;
        return 0;
    }

    if (tail && tail->state == state && tail->last + 1 == first) {
        tail->last = last;
        return 0;
    }
    if (array->count == array->max) {
        struct mapshare_abi_run *more = realloc(array->runs, (array->max * 2 + 64) * sizeof *more);

        if (!more)
            return -ENOMEM;
        array->runs = more;
        array->max = array->max * 2 + 64;
    }
    array->runs[array->count++] = (struct mapshare_abi_run){.first = first, .last = last, .state = state};
    return 0;
}

static uint32_t state_on_list(enum frame_state list)
{
    switch (list) {
    case FRAME_COMMITTED:
        return MAPSHARE_ABI_COMMITTED;
    case FRAME_WRITEBACK:
        return MAPSHARE_ABI_WRITEBACK;
    default:
        return MAPSHARE_ABI_RECEIVED;
    }
}

static uint32_t state_of(const struct frame_index *frame)
{
    return frame->failed ? MAPSHARE_ABI_FAILED : state_on_list(frame->state);
}

struct progress {
    uint32_t frames;
    int64_t begun;
};

/* Now and then without the file's lock. */
static struct frame_index *next_frame(struct files *files, struct file_index *index, struct frame_index *frame,
                                      struct progress *progress)
{
    struct frame_index key = {.page = frame->page + 1};

    if (++progress->frames % PIECE_FRAMES)
        return RB_NEXT(frame_tree, &index->view.tree, frame);
    pthread_mutex_unlock(&index->lock);
    pace_rest(&progress->begun);
    file_lock(files, index);
    return RB_NFIND(frame_tree, &index->view.tree, &key);
}

static int look(struct files *files, uint32_t number, uint64_t first, uint32_t limit, const struct probe_run *kernel,
                uint32_t kernel_count, struct run_array *array)
{
    struct file_index *index = &files->index[number];
    const struct probe_run *end = kernel_count ? kernel + kernel_count : NULL;
    struct frame_index key = {.page = first}, *frame;
    uint32_t enough = limit ? limit : UINT32_MAX;
    struct progress progress = {.begun = clock_nanoseconds()};
    int error = 0;

    file_lock(files, index);
    for (frame = RB_NFIND(frame_tree, &index->view.tree, &key); frame && !error && array->count <= enough;
         frame = next_frame(files, index, frame, &progress)) {
        for (; !error && kernel < end && kernel->last < frame->page; kernel++)
            error = append(array, kernel->first, kernel->last, MAPSHARE_ABI_KERNEL);
        if (!error && !(kernel < end && kernel->first <= frame->page))
            error = append(array, frame->page, frame->page, state_of(frame));
    }
    pthread_mutex_unlock(&index->lock);
    for (; !error && kernel < end && array->count <= enough; kernel++)
        error = append(array, kernel->first, kernel->last, MAPSHARE_ABI_KERNEL);
    return error;
}

int status_runs(struct files *files, uint32_t number, uint64_t first, uint32_t limit, const struct probe_run *kernel,
                uint32_t kernel_count, struct mapshare_abi_run **runs, uint32_t *count)
{
    struct run_array array = {0};
    int error = look(files, number, first, limit, kernel, kernel_count, &array);

    *runs = array.runs;
    *count = array.count;
    return error;
}

struct page_counts status_count(struct files *files, uint32_t number, const struct probe_run *kernel, uint32_t kernel_count)
{
    struct page_counts counts = {0};
    struct run_array array = {.counts = &counts};

    look(files, number, 0, 0, kernel, kernel_count, &array);
    return counts;
}

/* Failed frames are on the list of their state, too. The file's lock is held. */
static void move_failed(struct file_index *index, struct page_counts *counts, bool hidden_too)
{
    struct frame_index *frame;

    for (int state = FRAME_RECEIVED; state < FRAME_STATES; state++) {
        TAILQ_FOREACH (frame, &index->view.lists[state], link) {
            if (frame->failed && (hidden_too || frame->in_view)) {
                counts->of[MAPSHARE_ABI_FAILED]++;
                counts->of[state_on_list(state)]--;
            }
        }
    }
}

/* Pages as readers see them, without a look at each: a client may ask often. The file's lock is held. */
static struct page_counts count_seen(struct file_index *index)
{
    struct page_counts counts = {0};

    for (int state = FRAME_RECEIVED; state < FRAME_STATES; state++)
        counts.of[state_on_list(state)] += index->view.counts[state] - index->view.hidden[state];
    if (index->view.failed)
        move_failed(index, &counts, false);
    return counts;
}

void status_info(struct files *files, uint32_t number, struct mapshare_abi_info *info)
{
    struct file_index *index = &files->index[number];
    const struct file *file = &files->arena->files[number];
    const struct file_version *held;
    struct page_counts counts;

    *info = (struct mapshare_abi_info){.version = MAPSHARE_ABI_VERSION};
    file_lock(files, index);
    held = &file->commits[index->versions.last];
    info->flags = MAPSHARE_ABI_ROLLS_BACK | (file->flags & FILE_ATOMIC ? MAPSHARE_ABI_ATOMIC : 0);
    info->sequence = held->sequence;
    info->commit_seconds = time_unpack(held->committed_at).tv_sec;
    info->commit_nanoseconds = time_unpack(held->committed_at).tv_nsec;
    info->error = file->error;
    info->committed_size = held->size;
    counts = count_seen(index);
    pthread_mutex_unlock(&index->lock);
    info->received = counts.of[MAPSHARE_ABI_RECEIVED];
    info->committed = counts.of[MAPSHARE_ABI_COMMITTED];
    info->writeback = counts.of[MAPSHARE_ABI_WRITEBACK];
    info->failed = counts.of[MAPSHARE_ABI_FAILED];
}

uint64_t status_sequence(struct files *files, uint32_t number)
{
    struct file_index *index = &files->index[number];
    uint64_t sequence;

    file_lock(files, index);
    sequence = files->arena->files[number].commits[index->versions.last].sequence;
    pthread_mutex_unlock(&index->lock);
    return sequence > files->arena->files[number].before ? sequence : files->arena->files[number].before;
}

/* What a dead worker left of a file that nobody has asked for since. The file's lock is held. */
static void count_untaken(const struct files *files, const struct file_index *index, struct page_counts *counts)
{
    const uint32_t *numbers = files->untaken + index->untaken_first;

    for (uint32_t i = 0; i < index->untaken_count; i++) {
        const struct frame *frame = &files->arena->frames[numbers[i]];

        if (frame->position)
            counts->of[MAPSHARE_ABI_COMMITTED]++;
        else if (!(frame->flags & FRAME_HIDDEN))
            counts->of[MAPSHARE_ABI_RECEIVED]++;
    }
}

struct page_counts status_pages(struct files *files, struct file_index *index)
{
    struct page_counts counts = {0};

    if (index->untaken)
        count_untaken(files, index, &counts);
    for (int state = FRAME_RECEIVED; !index->untaken && state < FRAME_STATES; state++)
        counts.of[state_on_list(state)] += index->view.counts[state];
    if (index->view.failed)
        move_failed(index, &counts, true);
    return counts;
}

void status_frames(struct files *files, struct page_counts *counts)
{
    *counts = (struct page_counts){0};
    for (uint32_t i = 1; i <= files->arena->header->file_used; i++) {
        struct file_index *index = &files->index[i];
        struct page_counts pages;

        if (!files->arena->files[i].inode)
            continue;
        pthread_mutex_lock(&index->lock);
        pages = status_pages(files, index);
        pthread_mutex_unlock(&index->lock);
        for (int state = 0; state <= MAPSHARE_ABI_FAILED; state++)
            counts->of[state] += pages.of[state];
    }
}
