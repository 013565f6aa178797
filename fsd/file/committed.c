#include "config.h"

#include "file/committed.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "file/page.h"
#include "file/version.h"

/* Committed, or being written to the store, and not cut off by a commit. */
static bool is_committed(const struct files *files, const struct frame_index *frame)
{
    return (frame->state == FRAME_COMMITTED || frame->state == FRAME_WRITEBACK) &&
           !(frame_truth(files->frames, frame)->flags & FRAME_VOID);
}

static struct frame_index *find(struct files *files, struct file_index *index, uint64_t page)
{
    struct frame_index *frame = page_find(index, page);

    while (frame && !is_committed(files, frame))
        frame = page_older(files, index, frame);
    return frame;
}

int committed_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Amid a truncation that is not committed nothing leads to what it hid. */
static void find_hidden(struct files *files, struct file_index *index, const uint64_t *pages, uint32_t count,
                        struct frame_index **frames)
{
    static const enum frame_state states[] = {FRAME_COMMITTED, FRAME_WRITEBACK};
    struct frame_index *frame;

    for (size_t i = 0; i < 2; i++) {
        TAILQ_FOREACH (frame, &index->view.lists[states[i]], link) {
            const uint64_t *page = frame->in_view ? NULL : bsearch(&frame->page, pages, count, sizeof *pages, committed_compare);
            struct frame_index **at = page ? &frames[page - pages] : NULL;

            if (at && is_committed(files, frame) && (!*at || (*at)->version < frame->version))
                *at = frame;
        }
    }
}

/* The lock is held. */
static void find_frames(struct files *files, struct file_index *index, const uint64_t *pages, uint32_t count,
                        struct frame_index **frames)
{
    for (uint32_t i = 0; i < count; i++)
        frames[i] = find(files, index, pages[i]);
    if (pages[count - 1] << PAGE_SHIFT >= version_hidden_from(files, index))
        find_hidden(files, index, pages, count, frames);
}

/* Neighbours from `at` on without a frame: how many. */
static uint32_t run_at(const uint64_t *pages, uint32_t count, struct frame_index *const *frames, uint32_t at)
{
    uint32_t end = at;

    while (end < count && !frames[end] && pages[end] == pages[at] + (end - at))
        end++;
    return end - at;
}

/* What is in no frame. */
static int read_rest(int fd, const uint64_t *pages, uint32_t count, uint64_t valid, unsigned char *to,
                     struct frame_index *const *frames)
{
    int error = 0;

    for (uint32_t i = 0, run; i < count && !error; i += run ? run : 1) {
        run = run_at(pages, count, frames, i);
        if (run)
            error = page_read_store(fd, to + (size_t)i * PAGE_BYTES, (size_t)run * PAGE_BYTES, pages[i] << PAGE_SHIFT, valid);
    }
    return error;
}

/* The disk is told of all before any of it is waited for. */
void committed_expect(struct files *files, struct file_index *index, int fd, const uint64_t *pages, uint32_t count)
{
    struct frame_index *frames[COMMITTED_BATCH];

    file_lock(files, index);
    find_frames(files, index, pages, count, frames);
    pthread_mutex_unlock(&index->lock);
    for (uint32_t i = 0, run; i < count; i += run ? run : 1) {
        run = run_at(pages, count, frames, i);
        if (run)
            posix_fadvise(fd, (off_t)(pages[i] << PAGE_SHIFT), (off_t)run << PAGE_SHIFT, POSIX_FADV_WILLNEED);
    }
}

/* The store is read without the lock: what is in no frame has been there for long, and is changed by nothing but a commit. */
int committed_load(struct files *files, struct file_index *index, int fd, const uint64_t *pages, uint32_t count, unsigned char *to)
{
    struct frame_index *frames[COMMITTED_BATCH];
    uint64_t valid;

    file_lock(files, index);
    valid = file_truth(files, index)->cut;
    find_frames(files, index, pages, count, frames);
    for (uint32_t i = 0; i < count; i++) {
        if (frames[i])
            memcpy(to + (size_t)i * PAGE_BYTES, frame_memory(files->frames, frames[i]), PAGE_BYTES);
    }
    pthread_mutex_unlock(&index->lock);
    return read_rest(fd, pages, count, valid, to, frames);
}
