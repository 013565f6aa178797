/* Writing: pages come in (invariant 1), and the file's end moves. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "alive.h"
#include "clock.h"
#include "file/damage.h"
#include "file/page.h"
#include "file/version.h"
#include "log.h"

#define RETRY_MICROSECONDS 200000

void file_copy_received(const struct files *files, unsigned char *to, const struct received *data, size_t from, size_t size)
{
    while (size) {
        size_t slot = from >> PAGE_SHIFT, n = PAGE_BYTES - WITHIN(from);

        if (n > size)
            n = size;
        if (slot < data->frame_count)
            memcpy(to, (unsigned char *)arena_page(files->arena, data->frames[slot]) + WITHIN(from), n);
        else
            memcpy(to, data->rest + (from - ((size_t)data->frame_count << PAGE_SHIFT)), n);
        to += n, from += n, size -= n;
    }
}

/* One page's part of a WRITE: `size` bytes at `within` the page, which lie at `from` in the data. */
static int take_page(struct files *files, struct file_index *index, struct received *data, uint64_t page, size_t within,
                     size_t from, size_t size, bool may_spill)
{
    uint64_t end = file_truth(files, index)->current.size;
    bool whole = within == 0 && (size == PAGE_BYTES || (page << PAGE_SHIFT) + size >= end);
    size_t slot = from >> PAGE_SHIFT;
    uint32_t number;
    bool fresh = true;
    int error;

    /* The bytes are in a frame already: no copy. Only the first frames are taken so (replace_frames()), however the share changes amid them. */
    if (whole && WITHIN(from) == 0 && slot < data->frame_count && (slot == 0 || !data->frames[slot - 1]) &&
        share_check(files, index) == 0) {
        number = data->frames[slot];
        memset((unsigned char *)arena_page(files->arena, number) + size, 0, PAGE_BYTES - size);
        data->frames[slot] = 0;
        page_publish(files, index, number, page, 0);
        return 0;
    }
    if (whole) {
        error = page_take_frame(files, index, may_spill, &number);
        if (!error)
            memset((unsigned char *)arena_page(files->arena, number) + size, 0, PAGE_BYTES - size);
    } else {
        error = page_change(files, index, page, may_spill, &number, &fresh);
    }
    if (error)
        return error;
    file_copy_received(files, (unsigned char *)arena_page(files->arena, number) + within, data, from, size);
    if (fresh)
        page_publish(files, index, number, page, 0);
    return 0;
}

/* For frames, which commits and checkpoints free, or for the store to be readable again. False when a moment was not enough. */
static bool wait_to_try_again(struct files *files, int error)
{
    uint64_t begun;
    bool found;

    alive_still();
    if (error != -EAGAIN && error != -ENOSPC && error != -EDQUOT) {
        log_limited(&files->error_logged,
                    "the rest of a changed page cannot be read from the store (%s): a flush waits until it can", strerror(-error));
        usleep(RETRY_MICROSECONDS);
        return true;
    }
    if (error != -EAGAIN)
        log_limited(&files->error_logged, "no room for changed pages (%s): a flush waits until the store takes some",
                    strerror(-error));
    wish(&files->wishes, WISH_FLUSH | WISH_CHECKPOINT);
    begun = clock_nanoseconds();
    found = frame_wait(files->frames);
    latency_add(&files->arena->header->stalls, begun);
    return found;
}

void file_tear(struct files *files, uint32_t number)
{
    struct file *file = &files->arena->files[number];
    char text[INODE_TEXT_BYTES];

    atomic_store(&file->error, ENOSPC);
    if (file->flags & FILE_ATOMIC)
        atomic_fetch_or(&file->flags, FILE_TORN);
    log_limited(&files->error_logged, "%s: stores were dropped, since neither cache_size nor the spill file has room for them",
                inode_text(files->inodes, file->inode, text));
}

/* Takes page by page; *error when it ends early. The file's lock is held, but while it waits. */
static size_t take_pages(struct files *files, uint32_t number, struct received *data, size_t size, uint64_t offset,
                         enum write_kind kind, int *error)
{
    struct file_index *index = &files->index[number];
    struct file *file = &files->arena->files[number];
    bool may_spill = file->flags & FILE_ATOMIC; /* of an atomic file nothing is committed for the sake of memory */
    bool waited = kind == WRITE_PARKED;
    size_t done = 0;

    *error = file_is_damaged(file) ? -EUCLEAN : 0;
    if (*error)
        return 0;
    while (done < size) {
        uint64_t at = offset + done;
        size_t n = PAGE_BYTES - WITHIN(at);

        if (n > size - done)
            n = size - done;
        *error = take_page(files, index, data, PAGE_OF(at), WITHIN(at), done, n, may_spill || kind == WRITE_PARKED);
        if (*error == -EAGAIN || (*error && kind == WRITE_MAPPED && !waited)) {
            waited = *error != -EAGAIN;
            pthread_mutex_unlock(&index->lock);
            may_spill = !wait_to_try_again(files, *error);
            file_lock(files, index);
            continue;
        }
        if (*error)
            break;
        done += n;
        if (kind == WRITE_PLAIN && offset + done > file->current.size)
            file->current.size = offset + done;
    }
    return done;
}

/* How much of a WRITE lies behind the file's end, where the kernel's page is from before a rollback: such bytes are gone. */
static size_t bytes_behind(const struct file_version *current, uint64_t offset, size_t size)
{
    uint64_t end = current->size > offset ? current->size : offset;

    return offset + size > end ? offset + size - end : 0;
}

ssize_t file_write(struct files *files, uint32_t number, struct received *data, size_t size, uint64_t offset, enum write_kind kind)
{
    struct file_index *index = &files->index[number];
    struct file_version *current = &files->arena->files[number].current;
    uint64_t max = files->arena->header->size_max;
    size_t done, behind;
    int error = 0;

    if (kind == WRITE_PLAIN && offset >= max)
        return -EFBIG;
    if (kind == WRITE_PLAIN && size > max - offset)
        size = max - offset;
    file_lock(files, index);
    share_charge_to(files, index, data->user);
    behind = kind == WRITE_PLAIN ? 0 : bytes_behind(current, offset, size);
    done = take_pages(files, number, data, size - behind, offset, kind, &error);
    if (done || (!size && !error)) {
        if (KEEP_TIMES)
            current->mtime = current->ctime = time_mark(current->ctime);
        version_changed(files, index);
    }
    pthread_mutex_unlock(&index->lock);
    if (frame_is_short(files->frames, 8))
        wish(&files->wishes, WISH_FLUSH);
    atomic_fetch_add_explicit(&files->arena->header->counters.pages_received, (done + PAGE_BYTES - 1) >> PAGE_SHIFT,
                              memory_order_relaxed);
    if (!error)
        done += behind;
    return done || (kind != WRITE_PLAIN && error != -EUCLEAN) ? (ssize_t)done : error;
}

/* The part of the last page that is cut off reads as zeros when the file grows again. */
static int cut_page(struct files *files, struct file_index *index, uint64_t size)
{
    struct frame_index *frame = page_find(index, PAGE_OF(size));
    uint32_t number;
    bool fresh;
    int error;

    if (!WITHIN(size) || !frame)
        return 0;
    error = page_change(files, index, PAGE_OF(size), true, &number, &fresh);
    if (error)
        return error;
    memset((unsigned char *)arena_page(files->arena, number) + WITHIN(size), 0, PAGE_BYTES - WITHIN(size));
    if (fresh)
        page_publish(files, index, number, PAGE_OF(size), 0);
    return 0;
}

int file_truncate(struct files *files, uint32_t number, uint64_t size)
{
    struct file_index *index = &files->index[number];
    struct file *file = &files->arena->files[number];
    int error = 0;

    if (size > files->arena->header->size_max)
        return -EFBIG;
    file_lock(files, index);
    error = file_is_damaged(file) ? -EUCLEAN : 0;
    if (error)
        goto out;
    if (size < file->current.size) {
        struct frame_index key = {.page = PAGE_OF(size + PAGE_BYTES - 1)}, *frame, *next;

        error = cut_page(files, index, size);
        if (error)
            goto out;
        if (!index->versions.committing && index->view.counts[FRAME_COMMITTING])
            index->stream.is_void = true;     /* invariant 8: in the journal the pages would come after the truncation */
        version_truncate(files, index, size); /* before the frames go: a worker that dies amid them has truncated the file */
        for (frame = RB_NFIND(frame_tree, &index->view.tree, &key); frame; frame = next) {
            next = RB_NEXT(frame_tree, &index->view.tree, frame);
            page_cut(files, index, frame);
        }
    } else {
        version_truncate(files, index, size);
    }
    if (!size)
        atomic_fetch_and(&file->flags, ~FILE_TORN);
    file->current.mtime = file->current.ctime = time_mark(file->current.ctime);
    version_changed(files, index);
out:
    pthread_mutex_unlock(&index->lock);
    return error;
}
