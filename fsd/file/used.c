#include "config.h"

#include "file/used.h"

#include <errno.h>
#include <unistd.h>

#include "file/version.h"
#include "probe/probe.h"

#define BLOCKS_PER_PAGE ((blkcnt_t)(PAGE_BYTES / 512))
#define PAGES_OF(bytes) (((bytes) + PAGE_BYTES - 1) >> PAGE_SHIFT)

static uint64_t backed_until(struct files *files, const struct file_index *index)
{
    uint64_t void_from = version_void_from(files, index);

    return index->blocks.until < void_from ? index->blocks.until : void_from;
}

/* Behind the store's first hole nothing is known: there a page that is written anew may be counted twice until its commit. */
void used_enter(struct files *files, struct file_index *index, struct frame_index *frame, bool backed)
{
    bool hole = frame_truth(files->frames, frame)->flags & FRAME_HOLE, reserved = !hole && frame->state >= FRAME_COMMITTED;

    frame->backed = backed || reserved || (frame->page + 1) << PAGE_SHIFT <= backed_until(files, index);
    frame->adds = hole ? -frame->backed : !frame->backed;
    index->blocks.added += frame->adds;
}

void used_leave(struct file_index *index, struct frame_index *frame)
{
    index->blocks.added -= frame->adds;
    frame->adds = 0;
}

void used_reserved(struct file_index *index, struct frame_index *frame)
{
    used_leave(index, frame);
    frame->backed = true;
}

void used_learn(struct files *files, struct file_index *index, int fd)
{
    struct frame_index *frame;
    off_t hole;

    if (index->blocks.known)
        return;
    hole = lseek(fd, 0, SEEK_HOLE);
    if (hole < 0 && errno != ENXIO) /* that: it is empty */
        return;
    index->blocks.until = hole < 0 ? 0 : hole;
    index->blocks.known = true;
    RB_FOREACH (frame, frame_tree, &index->view.tree) {
        used_leave(index, frame);
        used_enter(files, index, frame, frame->backed);
    }
}

/* Never more than the whole file, unless the store has reserved more: what was reserved looks like a hole. */
blkcnt_t used_blocks(struct files *files, struct file_index *index, const struct stat *store)
{
    uint64_t size = file_truth(files, index)->current.size, void_from = version_void_from(files, index);
    blkcnt_t all = (blkcnt_t)PAGES_OF(size) * BLOCKS_PER_PAGE, most = store->st_blocks > all ? store->st_blocks : all;
    blkcnt_t blocks = store->st_blocks + index->blocks.added * BLOCKS_PER_PAGE;

    if (void_from < (uint64_t)store->st_size) /* cut off, but not yet in the store */
        blocks -= (blkcnt_t)(PAGES_OF((uint64_t)store->st_size) - PAGES_OF(void_from)) * BLOCKS_PER_PAGE;
    return blocks < 0 ? 0 : blocks > most ? most : blocks;
}

/* Pages from `first` to before `end`, which the store's file has nothing of, without those that have a frame. */
static uint64_t count_frameless(struct file_index *index, uint64_t first, uint64_t end)
{
    struct frame_index key = {.page = first}, *frame = RB_NFIND(frame_tree, &index->view.tree, &key);
    uint64_t count = end - first;

    for (; frame && frame->page < end; frame = RB_NEXT(frame_tree, &index->view.tree, frame))
        count--;
    return count;
}

static uint64_t count_missing(struct files *files, struct file_index *index, int fd, uint64_t first, uint64_t end)
{
    uint64_t void_from = version_void_from(files, index), missing = 0;

    while (first < end) {
        uint64_t at = first << PAGE_SHIFT, hole_end;
        off_t data = at < void_from ? lseek(fd, (off_t)at, SEEK_DATA) : -1;
        off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);

        hole_end = data < 0 || (uint64_t)data >= void_from ? end : (uint64_t)data >> PAGE_SHIFT;
        if (hole_end > end)
            hole_end = end;
        if (hole_end > first)
            missing += count_frameless(index, first, hole_end);
        first = hole < 0 || hole_end == end ? end : PAGES_OF((uint64_t)hole);
    }
    return missing;
}

void file_learn_blocks(struct files *files, uint32_t number, int fd)
{
    struct file_index *index = &files->index[number];

    file_lock(files, index);
    used_learn(files, index, fd);
    pthread_mutex_unlock(&index->lock);
}

blkcnt_t file_blocks_missing(struct files *files, uint32_t number, int fd, const struct probe_run *runs, uint32_t count)
{
    struct file_index *index = &files->index[number];
    uint64_t missing = 0;

    file_lock(files, index);
    for (uint32_t i = 0; i < count; i++)
        missing += count_missing(files, index, fd, runs[i].first, runs[i].last + 1);
    pthread_mutex_unlock(&index->lock);
    return (blkcnt_t)missing * BLOCKS_PER_PAGE;
}
