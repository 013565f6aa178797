/* What is not to be kept of files without a name. */
#include "config.h"

#include "file/ahead.h"
#include "file/damage.h"
#include "file/page.h"
#include "file/version.h"

void file_drop(struct files *files, uint32_t number)
{
    static const enum frame_state idle[] = {FRAME_RECEIVED, FRAME_COMMITTED};
    struct file_index *index = &files->index[number];
    struct frame_index *frame, *next;

    ahead_abandon_file(files, index);
    if (!index->snapshots.count && !index->versions.committing && !index->view.counts[FRAME_COMMITTING]) {
        files->tail.dropped = true;
        for (size_t i = 0; i < 2; i++) {
            TAILQ_FOREACH_SAFE (frame, &index->view.lists[idle[i]], link, next)
                page_move(files, index, frame, FRAME_FREE);
        }
        version_drop(files, index);
        damage_forget(files, index);
    }
    pthread_mutex_unlock(&index->lock);
}
