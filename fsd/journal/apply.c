#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "journal/apply.h"
#include "journal/find.h"
#include "journal/scan.h"

#ifndef BUFFER_BYTES /* fuzzing has small ones */
#define BUFFER_BYTES ((size_t)4 << 20)
#endif
#define BATCH_WRITES 256
#define OPEN_FILES 64 /* written one after the other, then synced: what they share in the file system is synced once */
#define SYNC_EACH 256 /* with more files than this the whole file system is synced instead: one flush, not one for each */

struct apply {
    struct store *store;
    const struct apply_log *log;
    unsigned char *buffer;
    size_t used; /* of the buffer, by the batch */
    size_t count;
    struct store_write writes[BATCH_WRITES];
    struct iovec iov[BATCH_WRITES];
    int open[OPEN_FILES];
    size_t open_count;
    bool sync_each;
    uint64_t done, all; /* bytes of the log */
};

static int write_batch(struct apply *apply)
{
    int result = apply->count == 0 ? 0 : apply->store->operations->write(apply->store, apply->writes, apply->count);
    apply->done += apply->used;
    progress_made(apply->log->progress, "writing the store's files", apply->done, apply->all);
    apply->count = 0;
    apply->used = 0;
    return result;
}

/* The buffer's next bytes go to this place of the file; they take `room` of it. */
static void add_write(struct apply *apply, int fd, uint64_t offset, size_t length, size_t room)
{
    struct store_write *last = apply->count > 0 ? &apply->writes[apply->count - 1] : NULL;
    if (last != NULL && last->fd == fd && (uint64_t)last->offset + last->iov->iov_len == offset) {
        last->iov->iov_len += length;
    } else {
        struct iovec *iov = &apply->iov[apply->count];
        *iov = (struct iovec){.iov_base = apply->buffer + apply->used, .iov_len = length};
        apply->writes[apply->count++] = (struct store_write){.fd = fd, .offset = (off_t)offset, .iov = iov, .iovcnt = 1};
    }
    apply->used += room;
}

static int make_room(struct apply *apply)
{
    return apply->count == BATCH_WRITES || apply->used == BUFFER_BYTES ? write_batch(apply) : 0;
}

/* Nothing is written beyond the file's size: cutting it off again would free what is reserved there. */
static int copy_from_log(struct apply *apply, int fd, const struct segment *segment, uint64_t size)
{
    uint64_t offset = segment->first * FORMAT_BLOCK;
    uint64_t position = segment->position;
    uint64_t left = segment->count * FORMAT_BLOCK;
    while (left > 0) {
        int result = make_room(apply);
        if (result < 0)
            return result;
        size_t length = BUFFER_BYTES - apply->used < left ? BUFFER_BYTES - apply->used : (size_t)left;
        unsigned char *bytes = apply->buffer + apply->used;
        result = scan_read(apply->log->fd, apply->log->capacity, position, bytes, length);
        if (result < 0)
            return result;
        left -= length;
        if (left == 0)
            memset(bytes + length - (FORMAT_BLOCK - segment->keep), 0, FORMAT_BLOCK - segment->keep);
        add_write(apply, fd, offset, offset + length > size ? size - offset : length, length);
        offset += length;
        position += length;
    }
    return 0;
}

/* Where the file system cannot punch: zeros over whatever is not a hole already. */
static int write_zeros(struct apply *apply, int fd, uint64_t offset, uint64_t end)
{
    while (offset < end) {
        off_t data = lseek(fd, (off_t)offset, SEEK_DATA);
        if (data < 0)
            return errno == ENXIO ? 0 : -errno;
        if ((uint64_t)data >= end)
            return 0;
        int result = make_room(apply);
        if (result < 0)
            return result;
        size_t length = BUFFER_BYTES - apply->used;
        if (end - (uint64_t)data < length)
            length = end - (uint64_t)data;
        memset(apply->buffer + apply->used, 0, length);
        add_write(apply, fd, (uint64_t)data, length, length);
        offset = (uint64_t)data + length;
        result = write_batch(apply);
        if (result < 0)
            return result;
    }
    return 0;
}

/* What is no hole. Blocks that are reserved but not written read as zeros, and stay. */
static int punch_data(struct apply *apply, int fd, uint64_t offset, uint64_t end)
{
    while (offset < end) {
        off_t data = lseek(fd, (off_t)offset, SEEK_DATA);
        if (data < 0)
            return errno == ENXIO ? 0 : -errno;
        off_t hole = (uint64_t)data < end ? lseek(fd, data, SEEK_HOLE) : data;
        if (hole < 0)
            return -errno;
        offset = (uint64_t)hole < end ? (uint64_t)hole : end;
        if ((uint64_t)data >= end)
            return 0;
        int result = apply->store->operations->punch(apply->store, fd, data, (off_t)(offset - (uint64_t)data));
        if (result < 0)
            return result;
    }
    return 0;
}

/* `current` is the file's size: beyond it all is zeros already. */
static int zero(struct apply *apply, int fd, uint64_t offset, uint64_t end, uint64_t current)
{
    if (end > current)
        end = current;
    if (offset >= end)
        return 0;
    int result = punch_data(apply, fd, offset, end);
    return result == -EOPNOTSUPP || result == -ENOSYS ? write_zeros(apply, fd, offset, end) : result;
}

static int apply_segment(struct apply *apply, int fd, const struct segment *segment, uint64_t current, uint64_t size)
{
    uint64_t offset = segment->first * FORMAT_BLOCK;
    uint64_t end = offset + segment->count * FORMAT_BLOCK;
    if (segment->kind == SEGMENT_LOG)
        return copy_from_log(apply, fd, segment, size);
    return zero(apply, fd, segment->kind == SEGMENT_KEEP ? offset + segment->keep : offset, end, current < size ? current : size);
}

/* Whether the log changes a byte of the file. */
static bool is_written(struct image_file *file, const struct stat *status)
{
    return image_pages(file) > 0 || file->size != (uint64_t)status->st_size;
}

/* As write(2) does for those who may not set these. */
static int drop_privileges(int fd, const struct stat *status)
{
    mode_t drop = S_ISUID | ((status->st_mode & S_IXGRP) != 0 ? S_ISGID : 0);
    if ((status->st_mode & drop) != 0 && fchmod(fd, (status->st_mode & 07777) & ~drop) < 0)
        return -errno;
    if (fremovexattr(fd, "security.capability") < 0 && errno != ENODATA && errno != EOPNOTSUPP && errno != EPERM)
        return -errno; /* without permission to do it the kernel does it when we write */
    return 0;
}

/* The size last: what a longer file reserved is cut off only where it must become shorter. */
static int set_size(struct apply *apply, int fd, const struct image_file *file)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return -errno;
    int result = 0;
    if (file->size != (uint64_t)status.st_size)
        result = apply->store->operations->truncate(apply->store, fd, (off_t)file->size);
    /* A reservation is a promise of space, no content: where it cannot be had again, writing tells. */
    if (result == 0 && file->reserved > file->size)
        fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)file->size, (off_t)(file->reserved - file->size));
    return result;
}

static int apply_file(struct apply *apply, int fd, struct image_file *file)
{
    struct segment *segment;
    struct stat status;
    int result = fstat(fd, &status) < 0 ? -errno : 0;
    if (result == 0 && is_written(file, &status))
        result = drop_privileges(fd, &status);
    RB_FOREACH (segment, segment_tree, &file->segments) {
        if (result == 0)
            result = apply_segment(apply, fd, segment, (uint64_t)status.st_size, file->size);
    }
    if (result == 0)
        result = write_batch(apply);
    if (result == 0)
        result = set_size(apply, fd, file);
    if (result == 0)
        result = apply->store->operations->set_times(apply->store, fd, file->times);
    return result;
}

/* Files are closed whatever happens. */
static int sync_open_files(struct apply *apply, int result)
{
    for (size_t i = 0; i < apply->open_count; i++) {
        if (result == 0 && apply->sync_each)
            result = apply->store->operations->sync(apply->store, apply->open[i]);
        close(apply->open[i]);
    }
    apply->open_count = 0;
    return result;
}

static uint64_t count_files(struct image *image, uint64_t *bytes)
{
    struct image_file *file;
    uint64_t count = 0;
    RB_FOREACH (file, image_files, &image->files) {
        bool counts = file->takes_part && file->fate == IMAGE_FOUND;
        count += counts;
        *bytes += counts ? image_pages(file) * FORMAT_BLOCK : 0;
    }
    return count;
}

static struct apply *begin(struct store *store, const struct apply_log *log, struct image *image)
{
    struct apply *apply = calloc(1, sizeof(*apply));
    if (apply == NULL)
        return NULL;
    apply->store = store;
    apply->log = log;
    apply->sync_each = count_files(image, &apply->all) <= SYNC_EACH;
    apply->buffer = aligned_alloc(FORMAT_BLOCK, BUFFER_BYTES);
    if (apply->buffer == NULL) {
        free(apply);
        return NULL;
    }
    return apply;
}

/* At each of its names: those of one file in a copy may have become files of their own. */
static int apply_names(struct apply *apply, const struct find *find, struct image_file *file)
{
    const struct name *name;
    int result = 0;
    SLIST_FOREACH (name, &file->names, next) {
        int fd;
        if (result == 0 && apply->open_count == OPEN_FILES)
            result = sync_open_files(apply, result);
        if (result == 0)
            result = find_open(find, file, name->path, &fd);
        if (result < 0)
            break;
        apply->open[apply->open_count++] = fd;
        result = apply_file(apply, fd, file);
    }
    return result;
}

int apply_image(struct store *store, const struct find *find, const struct apply_log *log, struct image *image,
                struct recover_report *report)
{
    struct apply *apply = begin(store, log, image);
    struct image_file *file;
    int result = apply == NULL ? -ENOMEM : 0;
    RB_FOREACH (file, image_files, &image->files) {
        if (result < 0 || !file->takes_part || file->fate != IMAGE_FOUND)
            continue;
        report->files++;
        report->pages += image_pages(file);
        result = apply_names(apply, find, file);
    }
    if (apply == NULL)
        return result;
    result = sync_open_files(apply, result);
    if (result == 0 && !apply->sync_each && syncfs(find->store) < 0)
        result = -errno;
    free(apply->buffer);
    free(apply);
    return result;
}
