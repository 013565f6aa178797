#include "config.h"

#include "file/used.h"

#include <unistd.h>

#include "file/version.h"

#define BLOCKS_PER_PAGE ((blkcnt_t)(PAGE_BYTES / 512))
#define PAGES_OF(bytes) (((bytes) + PAGE_BYTES - 1) >> PAGE_SHIFT)

static uint64_t backed_until(struct files *files, const struct file_index *index)
{
    uint64_t void_from = version_void_from(files, index);

    return index->blocks.until < void_from ? index->blocks.until : void_from;
}

/* Behind the store's first hole nothing is known: there a page that is written anew may be counted twice until its commit. */
void used_enter(struct files *files, struct file_index *index, struct frame_index *frame, const struct frame_index *old)
{
    bool hole = frame_truth(files->frames, frame)->flags & FRAME_HOLE;

    frame->backed = old ? old->backed : (frame->page + 1) << PAGE_SHIFT <= backed_until(files, index);
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
    if (hole < 0)
        return;
    index->blocks.until = hole;
    index->blocks.known = true;
    RB_FOREACH (frame, frame_tree, &index->view.tree) {
        used_leave(index, frame);
        used_enter(files, index, frame, NULL);
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
