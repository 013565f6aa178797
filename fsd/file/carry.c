#include "config.h"

#include "file/carry.h"

#include <string.h>

#include "file/page.h"
#include "file/version.h"

bool carry_is_due(const struct files *files, struct file_index *index, int64_t used)
{
    return index->versions.floor && index->versions.needed < files->tail.released + used / 2;
}

static int carry_page(struct files *files, struct file_index *index, struct frame_index *old)
{
    bool failed = old->failed;
    uint32_t number;
    int error = frame_take_one(files->frames, FRAME_ANYWHERE, &number);

    if (error)
        return error;
    memcpy(arena_page(files->arena, number), frame_memory(files->frames, old), PAGE_BYTES);
    page_publish(files, index, number, old->page, frame_truth(files->frames, old)->flags & FRAME_HOLE);
    page_set_failed(index, &files->frames->index[number], failed); /* every sync goes on telling */
    return 0;
}

/* A page with a newer frame is carried by that one. Half carried is harmless: it is committed, and tried again. */
void carry_pages(struct files *files, struct file_index *index)
{
    uint64_t bytes = (uint64_t)index->view.counts[FRAME_COMMITTED] * (PAGE_BYTES + 64);
    struct frame_index *frame, *next;

    if (index->view.counts[FRAME_WRITEBACK] || bytes > (journal_size(files->journal) - journal_used(files->journal)) / 2 ||
        (file_truth(files, index)->flags & FILE_ATOMIC && version_has_changes(index)))
        return;
    TAILQ_FOREACH_SAFE (frame, &index->view.lists[FRAME_COMMITTED], link, next) {
        if (frame->in_view && carry_page(files, index, frame))
            return;
    }
    version_carry(files, index);
}
