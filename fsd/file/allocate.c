/* Blocks and holes: fallocate(2) and lseek(2) with SEEK_DATA and SEEK_HOLE, over data that is still only in frames. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "file/damage.h"
#include "file/page.h"
#include "file/used.h"
#include "file/version.h"

#define BATCH_PAGES 256u /* zeroed under one hold of the lock, so that commits can free frames in between */

bool file_room_is_scarce(const struct files *files)
{
    struct statvfs stat;

    return fstatvfs(files->inodes->store, &stat) || stat.f_bavail * stat.f_frsize < 2 * journal_size(files->journal);
}

/* One run of pages gets blocks; the file's size stays. Where the store cannot reserve, its own errors come at the checkpoint. */
static int reserve_run(int fd, uint64_t start, uint64_t end, bool *reserved)
{
    if (end > start && fallocate(fd, FALLOC_FL_KEEP_SIZE, start, end - start) && errno != EOPNOTSUPP)
        return -errno;
    *reserved |= end > start;
    return 0;
}

int file_reserve_blocks(struct files *files, struct file_index *index, int fd, enum frame_state state, bool *reserved)
{
    struct frame_index key = {.page = UINT64_MAX}, *frame;
    uint64_t start = 0, end = 0;
    int error = 0;

    used_learn(files, index, fd);
    TAILQ_FOREACH (frame, &index->view.lists[state], link) {
        if (frame->page < key.page && (frame->page + 1) << PAGE_SHIFT > index->blocks.until)
            key.page = frame->page;
    }
    if (key.page == UINT64_MAX)
        return 0;
    /* In page order, so that neighbours make one call. */
    for (frame = RB_NFIND(frame_tree, &index->view.tree, &key); frame && !error;
         frame = RB_NEXT(frame_tree, &index->view.tree, frame)) {
        if (frame->state != state || frame_truth(files->frames, frame)->flags & FRAME_HOLE)
            continue;
        if (frame->page << PAGE_SHIFT != end) {
            error = reserve_run(fd, start, end, reserved);
            start = frame->page << PAGE_SHIFT;
        }
        end = (frame->page + 1) << PAGE_SHIFT;
    }
    if (!error)
        error = reserve_run(fd, start, end, reserved);
    TAILQ_FOREACH (frame, &index->view.lists[state], link) { /* replaced meanwhile: they are few */
        if (!error && !frame->in_view && !(frame_truth(files->frames, frame)->flags & FRAME_HOLE) && frame->page >= key.page)
            error = reserve_run(fd, frame->page << PAGE_SHIFT, (frame->page + 1) << PAGE_SHIFT, reserved);
    }
    if (!error && start <= index->blocks.until && end > index->blocks.until)
        index->blocks.until = end;
    TAILQ_FOREACH (frame, &index->view.lists[state], link) {
        if (!error && frame->in_view && frame->adds > 0)
            used_reserved(index, frame);
    }
    atomic_fetch_add(&files->settled, 1);
    return error;
}

/* Whether a page without a frame has bytes in the store. */
static bool store_has(int fd, uint64_t page, uint64_t valid)
{
    off_t data;

    if (page << PAGE_SHIFT >= valid)
        return false;
    data = lseek(fd, page << PAGE_SHIFT, SEEK_DATA);
    return data >= 0 ? (uint64_t)data < (page + 1) << PAGE_SHIFT : errno != ENXIO;
}

static int zero_part(struct files *files, struct file_index *index, uint64_t from, uint64_t to)
{
    uint32_t number;
    bool fresh;
    int error = page_change(files, index, PAGE_OF(from), true, &number, &fresh);

    if (error)
        return error;
    memset((unsigned char *)arena_page(files->arena, number) + WITHIN(from), 0, to - from);
    if (fresh)
        page_publish(files, index, number, PAGE_OF(from), 0);
    return 0;
}

static int zero_page(struct files *files, struct file_index *index, int fd, uint64_t page, uint32_t flags)
{
    uint32_t number;
    int error;

    if (!page_find(index, page) && !store_has(fd, page, version_void_from(files, index)))
        return 0;
    error = page_take_frame(files, index, true, &number);
    if (error)
        return error;
    memset(arena_page(files->arena, number), 0, PAGE_BYTES);
    page_publish(files, index, number, page, flags);
    return 0;
}

/* Where the next page begins that has bytes, from `from` on: large holes are passed over in one step. */
static uint64_t next_content(struct files *files, struct file_index *index, int fd, uint64_t from)
{
    struct frame_index key = {.page = PAGE_OF(from)}, *frame = RB_NFIND(frame_tree, &index->view.tree, &key);
    uint64_t next = frame ? frame->page << PAGE_SHIFT : UINT64_MAX, valid = version_void_from(files, index);
    off_t data = from < valid ? lseek(fd, from, SEEK_DATA) : -1;

    if (from < valid && data < 0 && errno != ENXIO)
        return from;
    if (data >= 0 && (uint64_t)data < valid && (uint64_t)data < next)
        next = (uint64_t)data & ~(PAGE_BYTES - 1ull);
    return next > from ? next : from;
}

/* `flags`: FRAME_HOLE to give the blocks back, 0 to keep them. The range ends within the file. */
static int zero_range(struct files *files, struct file_index *index, int fd, uint64_t from, uint64_t to, uint32_t flags)
{
    int error = 0;

    while (from < to && !error) {
        file_lock(files, index);
        from = next_content(files, index, fd, from);
        for (uint32_t i = 0; i < BATCH_PAGES && from < to && !error; i++) {
            uint64_t end = (PAGE_OF(from) + 1) << PAGE_SHIFT;

            if (end > to)
                end = to;
            if (end - from == PAGE_BYTES)
                error = zero_page(files, index, fd, PAGE_OF(from), flags);
            else
                error = zero_part(files, index, from, end);
            from = end;
        }
        pthread_mutex_unlock(&index->lock);
    }
    return error;
}

static void mark_changed(struct files *files, struct file_index *index, uint64_t size, uint64_t reserved)
{
    struct file_version *current = &file_truth(files, index)->current;

    file_lock(files, index);
    if (size > current->size)
        current->size = size;
    if (reserved > current->reserved)
        current->reserved = reserved;
    current->mtime = current->ctime = time_mark(current->ctime);
    version_changed(files, index);
    pthread_mutex_unlock(&index->lock);
}

int file_allocate(struct files *files, uint32_t number, int mode, uint64_t offset, uint64_t length)
{
    struct file_index *index = &files->index[number];
    uint64_t end = offset + length, size = files->arena->files[number].current.size;
    struct descriptor *descriptor;
    int error;

    if (file_is_damaged(&files->arena->files[number]))
        return -EUCLEAN;
    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        return -EOPNOTSUPP;
    if (!(mode & FALLOC_FL_PUNCH_HOLE) && end > files->arena->header->size_max)
        return -EFBIG;
    error = descriptor_get_writable(files->descriptors, files->arena->files[number].inode, &descriptor);
    if (error)
        return error;
    if (!(mode & FALLOC_FL_PUNCH_HOLE) && fallocate(descriptor->fd, FALLOC_FL_KEEP_SIZE, offset, length))
        error = -errno;                      /* blocks only: the store's size is the commit's to change */
    else if (!(mode & FALLOC_FL_PUNCH_HOLE)) /* the next commit flushes them */
        atomic_fetch_or(&files->arena->inodes[files->arena->files[number].inode].flags, INODE_UNSYNCED);
    if (!error && mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        error =
            zero_range(files, index, descriptor->fd, offset, end < size ? end : size, mode & FALLOC_FL_PUNCH_HOLE ? FRAME_HOLE : 0);
    descriptor_put(files->descriptors, descriptor);
    if (!error)
        mark_changed(files, index, mode & FALLOC_FL_KEEP_SIZE ? 0 : end, mode & FALLOC_FL_PUNCH_HOLE ? 0 : end);
    return error;
}

/* What is at `at`, and where the answer may change next. */
static bool is_data(struct files *files, struct file_index *index, int fd, uint64_t at, uint64_t *next)
{
    struct frame_index key = {.page = PAGE_OF(at)}, *frame = RB_NFIND(frame_tree, &index->view.tree, &key);
    uint64_t valid = version_void_from(files, index), page_end = (PAGE_OF(at) + 1) << PAGE_SHIFT;
    off_t there;
    bool data;

    if (frame && frame->page == PAGE_OF(at)) {
        *next = page_end;
        return !(frame_truth(files->frames, frame)->flags & FRAME_HOLE);
    }
    *next = frame ? frame->page << PAGE_SHIFT : UINT64_MAX;
    if (at >= valid)
        return false;
    there = lseek(fd, at, SEEK_DATA);
    data = there >= 0 && (uint64_t)there < page_end && (uint64_t)there < valid;
    there = data ? lseek(fd, there, SEEK_HOLE) : there;
    if (there < 0)
        return data;
    if (data && (uint64_t)there > valid)
        there = valid;
    if ((uint64_t)there < *next)
        *next = (uint64_t)there > at ? (uint64_t)there : page_end;
    return data;
}

off_t file_seek(struct files *files, uint32_t inode, uint32_t number, off_t offset, int whence)
{
    struct descriptor *descriptor;
    uint64_t at = offset, size, next = 0;
    bool found = false;
    int error =
        number && file_is_damaged(&files->arena->files[number]) ? -EUCLEAN : descriptor_get(files->descriptors, inode, &descriptor);

    if (error)
        return error;
    if (!number) {
        offset = lseek(descriptor->fd, offset, whence);
        if (offset < 0)
            offset = -errno;
        descriptor_put(files->descriptors, descriptor);
        return offset;
    }
    file_lock(files, &files->index[number]);
    size = files->arena->files[number].current.size;
    while (at < size && !found) {
        found = is_data(files, &files->index[number], descriptor->fd, at, &next) == (whence == SEEK_DATA);
        if (!found)
            at = next;
    }
    pthread_mutex_unlock(&files->index[number].lock);
    descriptor_put(files->descriptors, descriptor);
    if ((uint64_t)offset >= size)
        return -ENXIO;
    if (at >= size)
        return whence == SEEK_DATA ? -ENXIO : (off_t)size;
    return at;
}
