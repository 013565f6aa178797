#include "config.h"

#include "file/unchanged.h"

#include <string.h>

#include "file/page.h"

#define DIFFERENT_ROW 8u /* so many in a row: the others are not looked at */

/* The committed frame that the received one replaced; NULL: there is none in memory. What a truncation took out of view was replaced by none. */
static struct frame_index *committed_one(struct files *files, struct file_index *index, const struct frame_index *frame)
{
    struct frame_index *older = page_older(files, index, frame);

    if (!older || (older->state != FRAME_COMMITTED && older->state != FRAME_WRITEBACK) || older->failed || frame->failed ||
        (frame_truth(files->frames, older)->flags | frame_truth(files->frames, frame)->flags) & (FRAME_HOLE | FRAME_VOID))
        return NULL;
    return older;
}

void unchanged_drop(struct files *files, struct file_index *index)
{
    struct frame_index *frame, *next, *older;
    uint32_t dropped = 0, different = 0;

    if (index->versions.carried || index->stream.number)
        return;
    TAILQ_FOREACH_SAFE (frame, &index->view.lists[FRAME_RECEIVED], link, next) {
        older = committed_one(files, index, frame);
        if (older && !memcmp(frame_memory(files->frames, older), frame_memory(files->frames, frame), PAGE_BYTES)) {
            page_move(files, index, frame, FRAME_FREE);
            page_show(files, index, older);
            dropped++;
            different = 0;
        } else if (++different == DIFFERENT_ROW) {
            break;
        }
    }
    atomic_fetch_add_explicit(&files->arena->header->counters.pages_committed, dropped, memory_order_relaxed);
}
