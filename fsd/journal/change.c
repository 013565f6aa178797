#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "journal/change.h"
#include "journal/writing.h"
#include "log.h"
#include "store/trust.h"

#define WRITE_TRIES 3 /* when others' writes fail */

/* Numbers begin anew with a fresh log. */
int change_open(struct journal *journal, int private_folder, bool fresh)
{
    journal->names_fd = openat(private_folder, JOURNAL_NAMES_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (journal->names_fd < 0)
        return -errno;
    if (trust_doubt(journal->names_fd, S_IFREG) != NULL)
        return -EPERM;
    return fresh && (ftruncate(journal->names_fd, 0) < 0 || fsync(journal->names_fd) < 0) ? -errno : 0;
}

/* Changes of names that the log does not tell of must be durable. In most file systems' logs the count, touched, is behind them, and syncing it
 * brings them along; btrfs syncs a file beside its log. */
static int sync_names(const struct journal *journal)
{
    struct statfs system;
    bool by_itself = fstatfs(journal->names_fd, &system) == 0 && system.f_type == BTRFS_SUPER_MAGIC;
    futimens(journal->names_fd, NULL);
    int result = by_itself ? syncfs(journal->names_fd) : fsync(journal->names_fd);
    return result < 0 ? -errno : 0;
}

int change_sync_untold(struct journal *journal)
{
    uint64_t untold = journal->state->untold;
    int result = untold == 0 ? 0 : sync_names(journal);
    if (result == 0) /* not before: another commit may ask meanwhile */
        atomic_compare_exchange_strong(&journal->state->untold, &untold, 0);
    return result;
}

int change_sync_told(struct journal *journal)
{
    uint64_t last = journal->state->last_names;
    int result = last == 0 ? 0 : sync_names(journal);
    if (result == 0)
        atomic_compare_exchange_strong(&journal->state->last_names, &last, 0);
    return result;
}

/* A NAMES chunk of one change: written, and published after all before it. Without a flush, where writes go past the page cache: see
 * format.h. */
static int write_names(struct journal *journal, struct journal_chunk *chunk)
{
    int result = log_reserve(journal, chunk);
    if (result < 0)
        return result;
    result = log_begin(journal, chunk);
    if (result == 0) {
        result = writer_write(&journal->writer, chunk, journal->epoch_number);
        if (result == 0)
            result = log_wait_for_earlier(journal, chunk);
        if (result == 0 && !journal->direct)
            result = journal->store->operations->flush(journal->store, journal->fd);
        if (result == 0) {
            journal->state->changing = chunk->names->change >= JOURNAL_UNDONE ? 0 : chunk->number;
            pthread_mutex_lock(&journal->lock);
            log_publish(journal, chunk);
            pthread_mutex_unlock(&journal->lock);
        }
        log_end(journal, chunk, CHUNK_WRITTEN | CHUNK_SETTLED, result);
    }
    if (result < 0 && result != -ECANCELED)
        journal_rollback(journal);
    return result;
}

/* Once more where another's write failed and took the place with it. */
static int record_change(struct journal *journal, const struct journal_name *change)
{
    int result = -ECANCELED;
    for (int i = 0; i < WRITE_TRIES && result < 0 && result != -ENOSPC; i++) {
        struct journal_chunk chunk = {.type = JOURNAL_CHUNK_NAMES, .names = change, .name_count = 1};
        clock_gettime(CLOCK_REALTIME, &chunk.time);
        result = write_names(journal, &chunk);
    }
    return result;
}

int change_settle(struct journal *journal)
{
    const struct journal_name name = {.change = journal->died_changing ? JOURNAL_DOUBTED : JOURNAL_UNDONE};
    int result = journal->state->changing == 0 ? 0 : record_change(journal, &name);
    if (result == 0)
        journal->died_changing = false;
    return result;
}

/* Whether a path in the log may become stale: in a commit, in one that has its place there, or in one that was given up and may still come back. */
static bool holds_paths(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    const struct journal_point *point = log_point(journal->state);
    bool holds = point->committed > point->tail || journal->committing > point->tail || journal->unfenced;
    pthread_mutex_unlock(&journal->lock);
    return holds;
}

int journal_change_begin(struct journal *journal, const struct journal_name *change)
{
    pthread_rwlock_wrlock(&journal->names_lock);
    int result = change_settle(journal);
    if (result == 0 && holds_paths(journal))
        result = record_change(journal, change);
    else
        journal->state->untold++;
    if (result < 0)
        pthread_rwlock_unlock(&journal->names_lock);
    return result;
}

/* Where it cannot be written now that the change was not made, it is written before the next chunk that counts. */
void journal_change_end(struct journal *journal, bool made)
{
    if (!made) {
        change_settle(journal);
    } else if (journal->state->changing != 0) {
        /* Where this fails, a copy after a power cut is believed to have less than it has, and refused. */
        if (ftruncate(journal->names_fd, (off_t)journal->state->changing) < 0)
            log_line(LOG_NOTE, "a change of names cannot be counted: %s", strerror(errno));
        journal->state->changing = 0;
    }
    pthread_rwlock_unlock(&journal->names_lock);
}

void journal_paths_begin(struct journal *journal)
{
    pthread_rwlock_rdlock(&journal->names_lock);
}

void journal_paths_end(struct journal *journal)
{
    pthread_rwlock_unlock(&journal->names_lock);
}
