/* The life of a file's record, its attributes, and what readers' view is made of. */
#include "config.h"

#include "file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "file/ahead.h"
#include "file/page.h"
#include "file/record.h"

#define DAY (86400ll * 1000000000)
#define QUIET 1000000000ll

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return time_pack(now);
}

int64_t time_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t time_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* To a few milliseconds, but cheap enough for each WRITE. */
static int64_t time_coarse(void)
{
    return read_clock(CLOCK_MONOTONIC_COARSE);
}

void files_want(struct files *files, bool flush, bool checkpoint)
{
    pthread_mutex_lock(&files->work_lock);
    files->flush_wanted |= flush;
    files->checkpoint_wanted |= checkpoint;
    pthread_cond_broadcast(&files->work);
    pthread_mutex_unlock(&files->work_lock);
}

bool files_wait(struct files *files, bool *wish, int64_t nanoseconds)
{
    struct timespec until = clock_after(nanoseconds);
    bool go_on;
    int error = 0;

    pthread_mutex_lock(&files->work_lock);
    while (!*wish && !files->stopping && !error)
        error = clock_wait(&files->work, &files->work_lock, &until);
    *wish = false;
    go_on = !files->stopping;
    pthread_mutex_unlock(&files->work_lock);
    return go_on;
}

uint64_t file_valid(struct files *files, const struct file_index *index)
{
    const struct file *file = file_truth(files, index);
    uint64_t valid = file->current.valid, next = file->commits[!index->held].valid;

    if (file->cut < valid)
        valid = file->cut;
    return index->committing_file && next < valid ? next : valid;
}

/* A list holds what is on it. Who takes a file off has a reference of its own. */
static void list_changed(struct files *files, struct file_index *index, bool on)
{
    if (on == index->on_changed)
        return;
    if (on)
        file_hold(files, index - files->index);
    pthread_mutex_lock(&files->lock);
    index->on_changed = on;
    if (on)
        TAILQ_INSERT_TAIL(&files->changed, index, changed_link);
    else
        TAILQ_REMOVE(&files->changed, index, changed_link);
    pthread_mutex_unlock(&files->lock);
    if (!on)
        file_put(files, index - files->index);
}

static void list_checkpoint(struct files *files, struct file_index *index, bool on)
{
    if (on == index->on_checkpoint)
        return;
    if (on)
        file_hold(files, index - files->index);
    pthread_mutex_lock(&files->lock);
    index->on_checkpoint = on;
    if (on)
        TAILQ_INSERT_TAIL(&files->checkpoint, index, checkpoint_link);
    else
        TAILQ_REMOVE(&files->checkpoint, index, checkpoint_link);
    pthread_mutex_unlock(&files->lock);
    if (!on)
        file_put(files, index - files->index);
}

void file_touch(struct files *files, struct file_index *index)
{
    index->last_change = time_coarse();
    if (!index->received_since)
        index->received_since = index->last_change;
    list_changed(files, index, true);
}

/* The last commit has size and times; earlier ones are needed for their truncation only. */
static uint64_t needed_for_versions(const struct file *file, const struct file_index *index)
{
    return index->oldest > 1 && file->cut == UINT64_MAX ? file->commits[index->held].position : index->oldest;
}

void file_settle(struct files *files, struct file_index *index)
{
    bool changed = index->changed || index->atime_changed || index->committing_file || index->counts[FRAME_RECEIVED] ||
                   index->counts[FRAME_COMMITTING];
    bool committed =
        index->counts[FRAME_COMMITTED] || index->counts[FRAME_WRITEBACK] || file_truth(files, index)->commits[index->held].position;
    const struct frame_index *first = TAILQ_FIRST(&index->lists[FRAME_COMMITTED]);
    uint64_t versions = needed_for_versions(file_truth(files, index), index);

    index->needed = first ? frame_truth(files->frames, first)->position : UINT64_MAX;
    if (index->writing && index->writing < index->needed)
        index->needed = index->writing;
    if (versions && versions < index->needed)
        index->needed = versions;
    if (!index->counts[FRAME_RECEIVED] && !index->changed && !index->atime_changed)
        index->received_since = 0;
    list_changed(files, index, changed);
    list_checkpoint(files, index, committed);
}

void file_attributes(struct files *files, uint32_t number, struct stat *stat)
{
    struct file_index *index = &files->index[number];
    const struct file_version *current = &files->arena->files[number].current;
    blkcnt_t held;

    pthread_mutex_lock(&index->lock);
    stat->st_size = current->size;
    stat->st_atim = time_unpack(current->atime);
    stat->st_mtim = time_unpack(current->mtime);
    stat->st_ctim = time_unpack(current->ctime);
    held = (index->counts[FRAME_RECEIVED] + index->counts[FRAME_COMMITTING] + index->counts[FRAME_COMMITTED]) *
           (blkcnt_t)(PAGE_BYTES / 512);
    if (stat->st_blocks < held)
        stat->st_blocks = held;
    pthread_mutex_unlock(&index->lock);
}

void file_set_times(struct files *files, uint32_t number, int which, int64_t atime, int64_t mtime, int64_t ctime)
{
    struct file_index *index = &files->index[number];
    struct file_version *current = &files->arena->files[number].current;

    pthread_mutex_lock(&index->lock);
    if (which & FILE_ATIME) {
        current->atime = atime;
        index->atime_changed = true;
    }
    if (which & FILE_MTIME) {
        current->mtime = mtime;
        index->changed = true;
    }
    if (which & FILE_CTIME) {
        current->ctime = ctime;
        index->changed = true;
    }
    file_touch(files, index);
    pthread_mutex_unlock(&index->lock);
}

bool file_is_quiet(struct files *files, uint32_t number)
{
    return !number || time_coarse() - files->index[number].last_change > QUIET;
}

void file_count_handle(struct files *files, uint32_t number, const struct handle *handle, int change)
{
    struct file_index *index = &files->index[number];
    int mode = handle->flags & O_ACCMODE;

    pthread_mutex_lock(&files->lock);
    index->writers += mode == O_RDONLY ? 0 : change;
    index->mappers += mode == O_RDWR ? change : 0;
    index->deniers += handle->deny ? change : 0;
    pthread_mutex_unlock(&files->lock);
}

/* relatime as in mount(8): not later than the last change, or a day old */
bool file_atime_is_due(int64_t atime, int64_t mtime, int64_t ctime, bool strict)
{
    return strict || atime <= mtime || atime <= ctime || time_now() - atime >= DAY;
}

void file_mark_atime(struct files *files, uint32_t number, bool strict)
{
    struct file_index *index = &files->index[number];
    struct file_version *current = &files->arena->files[number].current;

    pthread_mutex_lock(&index->lock);
    if (file_atime_is_due(current->atime, current->mtime, current->ctime, strict)) {
        current->atime = time_now();
        index->atime_changed = true;
        file_touch(files, index);
    }
    pthread_mutex_unlock(&index->lock);
}

int file_deny(struct files *files, uint32_t number, struct handle *handle, bool deny)
{
    struct file_index *index = &files->index[number];
    uint32_t own = (handle->flags & O_ACCMODE) != O_RDONLY;
    int error = 0;

    pthread_mutex_lock(&files->lock);
    if (deny && index->writers > own) /* the asking one does not count */
        error = -ETXTBSY;
    if (!error && deny != (bool)handle->deny) {
        handle->deny = deny;
        index->deniers += deny ? 1 : -1;
    }
    pthread_mutex_unlock(&files->lock);
    return error;
}

bool file_denies(struct files *files, uint32_t number)
{
    bool denies;

    pthread_mutex_lock(&files->lock);
    denies = files->index[number].deniers > 0;
    pthread_mutex_unlock(&files->lock);
    return denies;
}

void file_set_atomic(struct files *files, uint32_t number, bool atomic)
{
    _Atomic uint32_t *flags = &files->arena->files[number].flags;

    if (atomic)
        atomic_fetch_or(flags, FILE_ATOMIC);
    else
        atomic_fetch_and(flags, ~FILE_ATOMIC);
}

bool file_may_be_mapped(struct files *files, uint32_t number)
{
    bool may;

    if (!number)
        return false;
    pthread_mutex_lock(&files->lock);
    may = files->index[number].mappers > 0;
    pthread_mutex_unlock(&files->lock);
    return may;
}

void file_drop(struct files *files, uint32_t number)
{
    static const enum frame_state idle[] = {FRAME_RECEIVED, FRAME_COMMITTED};
    struct file_index *index = &files->index[number];
    struct frame_index *frame, *next;
    bool locked = ahead_lock_file(files, index);

    ahead_abandon(files, index);
    if (locked)
        pthread_rwlock_unlock(&files->ahead_lock);
    if (!index->committing_file && !index->counts[FRAME_COMMITTING]) {
        files->dropped = true;
        for (size_t i = 0; i < 2; i++) {
            TAILQ_FOREACH_SAFE (frame, &index->lists[idle[i]], link, next)
                page_move(files, index, frame, FRAME_FREE);
        }
        index->changed = index->atime_changed = false;
        if (!index->counts[FRAME_WRITEBACK]) {
            file_truth(files, index)->commits[index->held].position = 0;
            index->oldest = 0;
        }
        file_settle(files, index);
    }
    pthread_mutex_unlock(&index->lock);
}

void file_discard(struct files *files, uint32_t number)
{
    struct file_index *index = &files->index[number];
    struct file *file = &files->arena->files[number];
    struct frame_index *frame, *next;

    pthread_rwlock_wrlock(&files->ahead_lock);
    pthread_mutex_lock(&index->lock);
    ahead_abandon(files, index); /* it would hold the journal's tail */
    TAILQ_FOREACH_SAFE (frame, &index->lists[FRAME_RECEIVED], link, next)
        page_move(files, index, frame, FRAME_FREE);
    file->current.size = file->commits[index->held].size;
    index->changed = index->atime_changed = false;
    file_settle(files, index);
    pthread_mutex_unlock(&index->lock);
    pthread_rwlock_unlock(&files->ahead_lock);
}
