/* Reading: the store's bytes, with frames laid over them. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "file/damage.h"
#include "file/page.h"
#include "file/version.h"

/* Copies what frames hold of the range over the store's bytes. */
static void overlay(struct files *files, struct file_index *index, unsigned char *buffer, size_t size, uint64_t offset)
{
    struct frame_index key = {.page = PAGE_OF(offset)}, *frame;
    uint64_t end = offset + size;

    for (frame = RB_NFIND(frame_tree, &index->view.tree, &key); frame && frame->page << PAGE_SHIFT < end;
         frame = RB_NEXT(frame_tree, &index->view.tree, frame)) {
        uint64_t start = frame->page << PAGE_SHIFT, from = start < offset ? offset : start;
        uint64_t to = start + PAGE_BYTES < end ? start + PAGE_BYTES : end;

        memcpy(buffer + (from - offset), (unsigned char *)frame_memory(files->frames, frame) + (from - start), to - from);
    }
}

/* Whether frames hold all of the range. */
static bool is_covered(struct file_index *index, size_t size, uint64_t offset)
{
    struct frame_index key = {.page = PAGE_OF(offset)}, *frame = RB_NFIND(frame_tree, &index->view.tree, &key);
    uint64_t page = key.page, last = PAGE_OF(offset + size - 1);

    for (; frame && frame->page == page && page < last; page++)
        frame = RB_NEXT(frame_tree, &index->view.tree, frame);
    return frame && page == last && frame->page == last;
}

/* The store is read without the lock. A page that was in a frame then, and is in the store by the time frames are looked at, would be
 * missed: the checkpoints that freed frames meanwhile are counted, and the read is done again. */
static ssize_t read_file(struct files *files, struct file_index *index, int fd, unsigned char *buffer, size_t size, uint64_t offset)
{
    uint64_t end, valid;
    uint32_t moved;
    int error = 0;

    file_lock(files, index);
    do {
        end = file_truth(files, index)->current.size;
        if (offset >= end || !size)
            break;
        if (size > end - offset)
            size = end - offset;
        moved = index->view.moved;
        valid = version_void_from(files, index);
        if (!is_covered(index, size, offset)) {
            pthread_mutex_unlock(&index->lock);
            error = page_read_store(fd, buffer, size, offset, valid);
            file_lock(files, index);
        }
    } while (!error && moved != index->view.moved);
    if (!error && offset < end)
        overlay(files, index, buffer, size, offset);
    pthread_mutex_unlock(&index->lock);
    return error ? error : offset < end ? (ssize_t)size : 0;
}

ssize_t file_read(struct files *files, uint32_t inode, uint32_t number, void *buffer, size_t size, uint64_t offset)
{
    struct descriptor *descriptor;
    ssize_t n =
        number && file_is_damaged(&files->arena->files[number]) ? -EUCLEAN : descriptor_get(files->descriptors, inode, &descriptor);

    if (n)
        return n;
    if (number) {
        n = read_file(files, &files->index[number], descriptor->fd, buffer, size, offset);
    } else {
        n = store_read(descriptor->fd, buffer, size, offset);
    }
    descriptor_put(files->descriptors, descriptor);
    return n;
}
