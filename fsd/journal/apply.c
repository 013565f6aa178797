#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/apply.h"
#include "journal/find.h"
#include "journal/scan.h"

#define BUFFER_BYTES ((size_t)4 << 20)
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
};

static int write_batch(struct apply *apply)
{
    int result = apply->count == 0 ? 0 : apply->store->operations->write(apply->store, apply->writes, apply->count);
    apply->count = 0;
    apply->used = 0;
    return result;
}

/* The buffer's next bytes go to this place of the file. */
static void add_write(struct apply *apply, int fd, uint64_t offset, size_t length)
{
    struct store_write *last = apply->count > 0 ? &apply->writes[apply->count - 1] : NULL;
    if (last != NULL && last->fd == fd && (uint64_t)last->offset + last->iov->iov_len == offset) {
        last->iov->iov_len += length;
    } else {
        struct iovec *iov = &apply->iov[apply->count];
        *iov = (struct iovec){.iov_base = apply->buffer + apply->used, .iov_len = length};
        apply->writes[apply->count++] = (struct store_write){.fd = fd, .offset = (off_t)offset, .iov = iov, .iovcnt = 1};
    }
    apply->used += length;
}

static int make_room(struct apply *apply)
{
    return apply->count == BATCH_WRITES || apply->used == BUFFER_BYTES ? write_batch(apply) : 0;
}

static int copy_from_log(struct apply *apply, int fd, const struct segment *segment)
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
        add_write(apply, fd, offset, length);
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
        add_write(apply, fd, (uint64_t)data, length);
        offset = (uint64_t)data + length;
        result = write_batch(apply);
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
    int result = apply->store->operations->punch(apply->store, fd, (off_t)offset, (off_t)(end - offset));
    return result == -EOPNOTSUPP || result == -ENOSYS ? write_zeros(apply, fd, offset, end) : result;
}

static int apply_segment(struct apply *apply, int fd, const struct segment *segment, uint64_t current)
{
    uint64_t offset = segment->first * FORMAT_BLOCK;
    uint64_t end = offset + segment->count * FORMAT_BLOCK;
    if (segment->kind == SEGMENT_LOG)
        return copy_from_log(apply, fd, segment);
    if (segment->kind == SEGMENT_KEEP)
        return zero(apply, fd, offset + segment->keep, end, current);
    if (segment->first + segment->count < SEGMENT_END)
        return zero(apply, fd, offset, end, current);
    return offset < current ? apply->store->operations->truncate(apply->store, fd, (off_t)offset) : 0; /* the last one */
}

static int apply_file(struct apply *apply, int fd, struct image_file *file, struct recover_report *report)
{
    const struct store_operations *operations = apply->store->operations;
    struct segment *segment;
    struct stat status;
    int result = fstat(fd, &status) < 0 ? -errno : 0;
    RB_FOREACH (segment, segment_tree, &file->segments) {
        if (result == 0)
            result = apply_segment(apply, fd, segment, (uint64_t)status.st_size);
        report->pages += segment->kind == SEGMENT_LOG ? segment->count : 0;
    }
    if (result == 0)
        result = write_batch(apply);
    if (result == 0)
        result = operations->truncate(apply->store, fd, (off_t)file->size);
    if (result == 0)
        result = operations->set_times(apply->store, fd, file->times);
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

static uint64_t count_files(struct image *image)
{
    struct image_file *file;
    uint64_t count = 0;
    RB_FOREACH (file, image_files, &image->files) {
        count += file->takes_part && !file->missing;
    }
    return count;
}

int apply_image(struct store *store, int store_folder, const struct apply_log *log, struct image *image,
                struct recover_report *report)
{
    struct apply *apply = calloc(1, sizeof(*apply));
    int result = -ENOMEM;
    if (apply == NULL)
        return result;
    apply->store = store;
    apply->log = log;
    apply->sync_each = count_files(image) <= SYNC_EACH;
    apply->buffer = aligned_alloc(FORMAT_BLOCK, BUFFER_BYTES);
    if (apply->buffer != NULL)
        result = 0;
    struct image_file *file;
    RB_FOREACH (file, image_files, &image->files) {
        int fd;
        if (!file->takes_part || result < 0)
            continue;
        int found = file->missing ? -ENOENT : find_open(store_folder, file, &fd);
        if (found == -ENOENT) {
            report->files_missing++;
            continue;
        }
        result = found;
        if (result < 0)
            break;
        report->files++;
        apply->open[apply->open_count++] = fd;
        result = apply_file(apply, fd, file, report);
        if (apply->open_count == OPEN_FILES)
            result = sync_open_files(apply, result);
    }
    result = sync_open_files(apply, result);
    if (result == 0 && !apply->sync_each && syncfs(store_folder) < 0)
        result = -errno;
    free(apply->buffer);
    free(apply);
    return result;
}
