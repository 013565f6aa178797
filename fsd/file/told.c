#include "config.h"

#include "file/told.h"

#include "file/used.h"

enum { TOLD_ANYTHING, TOLD_NOTHING, TOLD_BLOCKS }; /* from there on: so many blocks */

#define QUIET 1000000000ll

/* The kernel sets one attribute after the other, and who looks at what it keeps meanwhile sees some of each. So what it may keep are the attributes that
 * it has: a thread that asks again has heard the first answer since the last change. */
static bool is_heard(struct file_index *index, const struct file_question *question)
{
    bool again = question->thread && question->thread == index->asker;

    index->asker = question->thread;
    return again || time_coarse() - index->versions.last_change > QUIET;
}

bool told_may_keep(struct files *files, struct file_index *index, blkcnt_t blocks, const struct file_question *question)
{
    int64_t told = blocks + TOLD_BLOCKS, before = index->told;

    index->told = before == TOLD_NOTHING || before == told ? told : TOLD_ANYTHING;
    return is_heard(index, question) && !index->changing && index->blocks.known && question->settled == files->settled;
}

void file_change_begin(struct files *files, uint32_t number)
{
    atomic_fetch_add(&files->index[number].changing, 1);
}

void file_change_end(struct files *files, uint32_t number)
{
    atomic_fetch_sub(&files->index[number].changing, 1);
}

bool file_untell(struct files *files, uint32_t number)
{
    _Atomic int64_t *told = &files->index[number].told;

    return *told != TOLD_NOTHING && atomic_exchange(told, TOLD_NOTHING) != TOLD_NOTHING;
}

void told_settle(struct files *files, struct file_index *index, int fd)
{
    struct stat stat;
    blkcnt_t blocks = -1;

    atomic_fetch_add(&files->settled, 1);
    if (index->told == TOLD_NOTHING)
        return;
    if (!fstat(fd, &stat)) {
        file_lock(files, index);
        blocks = used_blocks(files, index, &stat);
        pthread_mutex_unlock(&index->lock);
    }
    if (index->told != blocks + TOLD_BLOCKS && files->attributes_changed)
        files->attributes_changed(files, file_truth(files, index)->inode);
}
