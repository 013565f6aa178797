#include "config.h"

#include "file/committed.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "file/page.h"
#include "file/version.h"

bool committed_is(const struct files *files, const struct frame_index *frame)
{
    return (frame->state == FRAME_COMMITTED || frame->state == FRAME_WRITEBACK) &&
           !(frame_truth(files->frames, frame)->flags & FRAME_VOID);
}

static struct frame_index *find(struct files *files, struct file_index *index, uint64_t page)
{
    struct frame_index *frame = page_find(index, page);

    while (frame && !committed_is(files, frame))
        frame = page_older(files, index, frame);
    return frame;
}

static int by_page(const void *a, const void *b)
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
            const uint64_t *page = frame->in_view ? NULL : bsearch(&frame->page, pages, count, sizeof *pages, by_page);
            struct frame_index **at = page ? &frames[page - pages] : NULL;

            if (at && committed_is(files, frame) && (!*at || (*at)->version < frame->version))
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

/* The disk is told of all that is in no frame, before any of it is waited for. */
static void read_ahead(int fd, const uint64_t *pages, uint32_t count, struct frame_index *const *frames)
{
    for (uint32_t i = 0, run; i < count; i += run ? run : 1) {
        run = run_at(pages, count, frames, i);
        if (run && run < count)
            posix_fadvise(fd, (off_t)(pages[i] << PAGE_SHIFT), (off_t)run << PAGE_SHIFT, POSIX_FADV_WILLNEED);
    }
}

static int read_rest(int fd, const uint64_t *pages, uint32_t count, uint64_t valid, unsigned char *to,
                     struct frame_index *const *frames)
{
    int error = 0;

    read_ahead(fd, pages, count, frames);
    for (uint32_t i = 0, run; i < count && !error; i += run ? run : 1) {
        run = run_at(pages, count, frames, i);
        if (run)
            error = page_read_store(fd, to + (size_t)i * PAGE_BYTES, (size_t)run * PAGE_BYTES, pages[i] << PAGE_SHIFT, valid);
    }
    return error;
}

void committed_expect(struct files *files, struct file_index *index, int fd, const uint64_t *pages, uint32_t count)
{
    struct frame_index *frames[COMMITTED_BATCH];

    file_lock(files, index);
    find_frames(files, index, pages, count, frames);
    pthread_mutex_unlock(&index->lock);
    read_ahead(fd, pages, count, frames);
}

/* The store is read without the lock, and again where a checkpoint freed frames or cut the file meanwhile, as in read.c. */
int committed_load(struct files *files, struct file_index *index, int fd, const uint64_t *pages, uint32_t count, unsigned char *to)
{
    struct frame_index *frames[COMMITTED_BATCH];
    uint64_t valid;
    uint32_t moved;
    int error;

    file_lock(files, index);
    do {
        moved = index->view.moved;
        valid = file_truth(files, index)->cut;
        find_frames(files, index, pages, count, frames);
        for (uint32_t i = 0; i < count; i++) {
            if (frames[i])
                memcpy(to + (size_t)i * PAGE_BYTES, frame_memory(files->frames, frames[i]), PAGE_BYTES);
        }
        pthread_mutex_unlock(&index->lock);
        error = read_rest(fd, pages, count, valid, to, frames);
        file_lock(files, index);
    } while (!error && moved != index->view.moved);
    pthread_mutex_unlock(&index->lock);
    return error;
}
