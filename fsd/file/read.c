/* Reading: the store's bytes, with frames laid over them. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "file/file.h"
#include "file/page.h"

int page_read_store(int fd, unsigned char *buffer, size_t size, uint64_t offset, uint64_t valid)
{
    size_t want = offset >= valid ? 0 : valid - offset < size ? valid - offset : size, done = 0;

    while (done < want) {
        ssize_t n = pread(fd, buffer + done, want - done, offset + done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += n;
    }
    memset(buffer + done, 0, size - done);
    return 0;
}

/* Copies what frames hold of the range, and notes in `gaps` (a bit a page) what they do not. Returns whether there are gaps. */
static bool overlay(struct files *files, struct file_index *index, unsigned char *buffer, size_t size, uint64_t offset,
                    uint64_t *gaps)
{
    uint64_t first = PAGE_OF(offset), last = PAGE_OF(offset + size - 1);
    struct frame_index key = {.page = first}, *frame = RB_NFIND(frame_tree, &index->view, &key);
    bool any = false;

    for (uint64_t page = first; page <= last; page++) {
        size_t start = page == first ? WITHIN(offset) : 0;
        size_t end = page == last ? WITHIN(offset + size - 1) + 1 : PAGE_BYTES;

        if (frame && frame->page == page) {
            memcpy(buffer + (page << PAGE_SHIFT) + start - offset, (char *)frame_memory(files->frames, frame) + start, end - start);
            frame = RB_NEXT(frame_tree, &index->view, frame);
        } else {
            gaps[(page - first) / 64] |= 1ull << (page - first) % 64;
            any = true;
        }
    }
    return any;
}

static int fill_gaps(int fd, unsigned char *buffer, size_t size, uint64_t offset, const uint64_t *gaps, uint64_t valid)
{
    uint64_t first = PAGE_OF(offset), count = PAGE_OF(offset + size - 1) - first + 1;
    int error = 0;

    for (uint64_t i = 0; i < count && !error; i++) {
        uint64_t from, to, run = i;

        if (!(gaps[i / 64] >> i % 64 & 1))
            continue;
        while (run + 1 < count && gaps[(run + 1) / 64] >> (run + 1) % 64 & 1)
            run++;
        from = i ? (first + i) << PAGE_SHIFT : offset;
        to = run + 1 == count ? offset + size : (first + run + 1) << PAGE_SHIFT;
        error = page_read_store(fd, buffer + (from - offset), to - from, from, valid);
        i = run;
    }
    return error;
}

#define GAP_WORDS 17 /* pages that a read of 4 MiB may touch, unaligned */

ssize_t file_read(struct files *files, uint32_t inode, uint32_t number, void *buffer, size_t size, uint64_t offset)
{
    uint64_t gaps[GAP_WORDS] = {0}, valid = UINT64_MAX;
    struct descriptor *descriptor;
    bool from_store = true;
    int error;

    if (number) {
        struct file_index *index = &files->index[number];
        uint64_t end = files->arena->files[number].current.size;

        pthread_mutex_lock(&index->lock);
        end = files->arena->files[number].current.size;
        if (offset >= end || !size) {
            pthread_mutex_unlock(&index->lock);
            return 0;
        }
        if (size > end - offset)
            size = end - offset;
        valid = file_valid(files, index);
        if (RB_EMPTY(&index->view))
            memset(gaps, 0xff, sizeof gaps);
        else
            from_store = overlay(files, index, buffer, size, offset, gaps);
        pthread_mutex_unlock(&index->lock);
        if (!from_store)
            return size;
    }
    error = descriptor_get(files->descriptors, inode, &descriptor);
    if (error)
        return error;
    if (number) {
        error = fill_gaps(descriptor->fd, buffer, size, offset, gaps, valid);
    } else {
        ssize_t n = pread(descriptor->fd, buffer, size, offset);

        error = n < 0 ? -errno : 0;
        size = n < 0 ? 0 : n;
    }
    descriptor_put(files->descriptors, descriptor);
    return error ? error : (ssize_t)size;
}
