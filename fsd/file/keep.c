/* What a commit is about to replace is kept for the snapshots of its files. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file/committed.h"
#include "file/page.h"
#include "file/record.h"
#include "file/snapshot.h"
#include "journal/grow.h"
#include "log.h"

#define ALIGNMENT 4096

/* The pages of one file, and where in the store it is. */
struct keep {
    struct files *files;
    struct file_index *index;
    int fd;
    uint64_t *pages;
    size_t max;
    uint32_t count;
    uint64_t end;   /* no snapshot has anything from here on */
    bool is_needed; /* by any snapshot that is not over */
};

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Behind the file's own end as well: what was cut off was zeros for some, and comes back as something else. */
static void find_end(struct keep *keep)
{
    const struct snapshot *snapshot;

    TAILQ_FOREACH (snapshot, &keep->index->snapshots.list, link) {
        if (!snapshot->is_over && snapshot->size > keep->end)
            keep->end = snapshot->size;
    }
}

static int add_page(struct keep *keep, uint64_t page)
{
    const struct snapshot *newest = kept_newest(keep->index);

    if (page << PAGE_SHIFT >= keep->end || !newest || kept_find(keep->files, keep->index, page, newest->count))
        return 0;
    if (keep->count == keep->files->snapshots.slots.max)
        return -ENOSPC;
    if (!grow(&keep->pages, &keep->max, keep->count + 1, sizeof *keep->pages))
        return -ENOMEM;
    keep->pages[keep->count++] = page;
    return 0;
}

/* The file's lock is held. */
static int add_frames(struct keep *keep, uint64_t void_from)
{
    static const enum frame_state states[] = {FRAME_COMMITTING, FRAME_COMMITTED, FRAME_WRITEBACK};
    const struct frame_index *frame;
    int error = 0;

    for (size_t i = 0; i < (void_from == UINT64_MAX ? 1 : 3); i++) {
        TAILQ_FOREACH (frame, &keep->index->view.lists[states[i]], link) {
            if (!error && (states[i] == FRAME_COMMITTING || frame->page << PAGE_SHIFT >= void_from))
                error = add_page(keep, frame->page);
        }
    }
    return error;
}

/* What the store has of what is cut off: holes were zeros, and are. */
static int add_stored(struct keep *keep, uint64_t from, uint64_t valid)
{
    uint64_t end = earlier(valid, keep->end);
    off_t at = from & ~(PAGE_BYTES - 1ull), hole;
    int error = 0;

    while (!error && (uint64_t)at < end && (at = lseek(keep->fd, at, SEEK_DATA)) >= 0) {
        hole = lseek(keep->fd, at, SEEK_HOLE);
        if (hole < 0)
            return -errno;
        file_lock(keep->files, keep->index);
        for (uint32_t i = 0; i < COMMITTED_BATCH && !error && at < hole && (uint64_t)at < end; i++) {
            error = add_page(keep, PAGE_OF(at));
            at = (PAGE_OF(at) + 1) << PAGE_SHIFT;
        }
        pthread_mutex_unlock(&keep->index->lock);
    }
    return error ? error : at < 0 && errno != ENXIO ? -errno : 0;
}

/* Sorted, each once. */
static int find_pages(struct keep *keep, uint64_t void_from)
{
    struct file *file = file_truth(keep->files, keep->index);
    uint32_t kept = 0;
    uint64_t valid;
    int error;

    keep->count = 0;
    file_lock(keep->files, keep->index);
    find_end(keep);
    valid = earlier(file->cut, file->commits[keep->index->versions.last].size);
    error = add_frames(keep, void_from);
    pthread_mutex_unlock(&keep->index->lock);
    if (!error && void_from < keep->end)
        error = add_stored(keep, void_from, valid);
    if (keep->count)
        qsort(keep->pages, keep->count, sizeof *keep->pages, committed_compare);
    for (uint32_t i = 0; i < keep->count; i++) {
        if (!kept || keep->pages[kept - 1] != keep->pages[i])
            keep->pages[kept++] = keep->pages[i];
    }
    keep->count = kept;
    return error;
}

static int write_slots(struct keep *keep, const uint32_t *slots, uint32_t count)
{
    struct snapshots *all = &keep->files->snapshots;
    struct store_write writes[COMMITTED_BATCH];
    struct iovec iov[COMMITTED_BATCH];
    uint32_t runs = 0;

    for (uint32_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && slots[end] == slots[end - 1] + 1; end++)
            ;
        iov[runs] = (struct iovec){all->buffer + (size_t)i * PAGE_BYTES, (size_t)(end - i) * PAGE_BYTES};
        writes[runs] = (struct store_write){.fd = all->fd, .offset = kept_offset(slots[i]), .iov = &iov[runs], .iovcnt = 1};
        runs++;
    }
    return keep->files->store->operations->write(keep->files->store, writes, runs);
}

static int keep_batch(struct keep *keep, const uint64_t *pages, uint32_t count)
{
    struct files *files = keep->files;
    uint32_t slots[COMMITTED_BATCH], unused = 0;
    int error = committed_load(files, keep->index, keep->fd, pages, count, files->snapshots.buffer);

    if (!error)
        error = kept_take_slots(files, slots, count);
    if (error)
        return error;
    error = write_slots(keep, slots, count);
    file_lock(files, keep->index);
    for (uint32_t i = 0; i < count; i++) {
        if (error || !kept_add(files, keep->index, slots[i], pages[i]))
            slots[unused++] = slots[i];
    }
    keep->is_needed = kept_newest(keep->index);
    pthread_mutex_unlock(&keep->index->lock);
    kept_give_slots(files, slots, unused);
    return error;
}

static uint32_t batch_at(const struct keep *keep, uint32_t at)
{
    return keep->count - at < COMMITTED_BATCH ? keep->count - at : COMMITTED_BATCH;
}

static int keep_pages(struct keep *keep, uint64_t void_from)
{
    struct snapshots *all = &keep->files->snapshots;
    int error = find_pages(keep, void_from);

    if (!error && keep->count && file_room_is_scarce(keep->files)) /* what is left is for commits */
        error = -ENOSPC;
    if (!error && keep->count && !all->buffer)
        all->buffer = aligned_alloc(ALIGNMENT, (size_t)COMMITTED_BATCH << PAGE_SHIFT);
    if (!error && keep->count && !all->buffer)
        error = -ENOMEM;
    keep->is_needed = true;
    for (uint32_t i = 0; i < keep->count && keep->is_needed && !error; i += COMMITTED_BATCH)
        error = keep_batch(keep, keep->pages + i, batch_at(keep, i));
    return error;
}

/* What cannot be had now is had, or told, when it is to be kept. */
static int expect_pages(struct keep *keep, uint64_t void_from)
{
    find_pages(keep, void_from);
    for (uint32_t i = 0; i < keep->count; i += COMMITTED_BATCH)
        committed_expect(keep->files, keep->index, keep->fd, keep->pages + i, batch_at(keep, i));
    return 0;
}

/* No part of the commit is in view yet: none of them may see it. */
static void end_all(struct keep *keep, int error)
{
    struct files *files = keep->files;
    struct snapshot *snapshot;
    char text[INODE_TEXT_BYTES];

    file_lock(files, keep->index);
    TAILQ_FOREACH (snapshot, &keep->index->snapshots.list, link)
        kept_end(files, snapshot);
    pthread_mutex_unlock(&keep->index->lock);
    log_limited(&files->snapshots.error_logged, "%s: its snapshots ended: what they need cannot be kept: %s%s",
                inode_text(files->inodes, file_truth(files, keep->index)->inode, text), strerror(-error),
                error == -ENOSPC ? "; a larger snapshot_size= helps, where the store has room" : "");
}

static void with_file(struct files *files, uint32_t number, int (*act)(struct keep *keep, uint64_t void_from), uint64_t void_from)
{
    struct keep keep = {.files = files, .index = &files->index[number]};
    struct descriptor *descriptor;
    int error;

    if (!keep.index->snapshots.count)
        return;
    error = descriptor_get(files->descriptors, files->arena->files[number].inode, &descriptor);
    if (!error) {
        keep.fd = descriptor->fd;
        error = act(&keep, void_from);
        descriptor_put(files->descriptors, descriptor);
    }
    if (error)
        end_all(&keep, error);
    free(keep.pages);
}

void snapshot_expect(struct files *files, uint32_t number)
{
    with_file(files, number, expect_pages, UINT64_MAX);
}

void snapshot_keep(struct files *files, uint32_t number, uint64_t void_from)
{
    with_file(files, number, keep_pages, void_from);
}
