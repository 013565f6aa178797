/* Size and times as clients see them. */
#include "config.h"

#include "file/file.h"
#include "file/told.h"
#include "file/used.h"
#include "file/version.h"

#define DAY 86400

bool file_attributes(struct files *files, uint32_t number, struct stat *stat, const struct file_question *question)
{
    struct file_index *index = &files->index[number];
    const struct file_version *current = &files->arena->files[number].current;
    blkcnt_t blocks;
    bool may_keep;

    file_lock(files, index);
    blocks = used_blocks(files, index, stat);
    stat->st_size = current->size;
    stat->st_atim = time_unpack(current->atime);
    stat->st_mtim = time_unpack(current->mtime);
    stat->st_ctim = time_unpack(current->ctime);
    stat->st_blocks = blocks;
    may_keep = question && told_may_keep(files, index, blocks, question);
    pthread_mutex_unlock(&index->lock);
    return may_keep;
}

void file_set_times(struct files *files, uint32_t number, int which, struct timespec atime, struct timespec mtime)
{
    struct file_index *index = &files->index[number];
    struct file_version *current = &files->arena->files[number].current;

    file_lock(files, index);
    current->ctime = time_mark(current->ctime);
    if (which & FILE_ATIME)
        current->atime = which & FILE_ATIME_NOW ? current->ctime : time_pack(atime);
    if (which & FILE_ATIME)
        version_atime_changed(files, index);
    if (which & FILE_MTIME)
        current->mtime = which & FILE_MTIME_NOW ? current->ctime : time_pack(mtime);
    version_changed(files, index);
    pthread_mutex_unlock(&index->lock);
}

/* relatime as in mount(8): not later than the last change, or a day old */
bool file_atime_is_due(int64_t atime, int64_t mtime, int64_t ctime, bool strict)
{
    return strict || atime <= mtime || atime <= ctime || time_unpack(time_now()).tv_sec - time_unpack(atime).tv_sec >= DAY;
}

void file_mark_atime(struct files *files, uint32_t number, bool strict)
{
    struct file_index *index = &files->index[number];
    struct file_version *current = &files->arena->files[number].current;

    file_lock(files, index);
    if (file_atime_is_due(current->atime, current->mtime, current->ctime, strict)) {
        current->atime = time_mark(0);
        version_atime_changed(files, index);
    }
    pthread_mutex_unlock(&index->lock);
}

void file_set_atomic(struct files *files, uint32_t number, bool atomic)
{
    struct file_index *index = &files->index[number];
    _Atomic uint32_t *flags = &files->arena->files[number].flags;
    bool was;

    file_lock(files, index);
    was = *flags & FILE_ATOMIC;
    if (atomic)
        atomic_fetch_or(flags, FILE_ATOMIC);
    else
        atomic_fetch_and(flags, ~(FILE_ATOMIC | FILE_TORN));
    if (was != atomic)
        share_count_all(files, index, atomic ? 1 : -1);
    pthread_mutex_unlock(&index->lock);
}
