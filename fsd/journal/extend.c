/* A position's place in the file is the position modulo the log's capacity. In a lap of the log (position / capacity) whose number is even that is the same with
 * twice the capacity, in one that is a multiple of four with four times of it, and so on: nothing needs to be moved. First the file gets longer, where nobody
 * looks yet; then, in a moment when all that is in use lies in one such lap, the superblock says so, in both copies: either finds the whole log.
 *
 * So that this moment is at once where a large change begins, an empty log goes on in a lap that is a multiple of many. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "journal/extend.h"
#include "journal/reserve.h"
#include "journal/writing.h"

#define ROOM 4  /* of what is free, no more than a fourth is taken */
#define BEGUN 4 /* a log that is empty and beyond this part of its lap begins anew */

/* Blocks are allocated and not written: the first writes to them take a little longer, which no change waits for now. */
static int lengthen_file(struct journal *journal, uint64_t size)
{
    struct stat status;
    struct statvfs disk;
    if (fstat(journal->fd, &status) < 0 || fstatvfs(journal->fd, &disk) < 0)
        return -errno;
    uint64_t from = (uint64_t)status.st_size;
    if (from >= size)
        return 0;
    if (disk.f_bavail * disk.f_frsize / ROOM < size - from)
        return -ENOSPC;
    int result = fallocate(journal->fd, 0, (off_t)from, (off_t)(size - from)) < 0 ? -errno : 0;
    if (result == -EOPNOTSUPP)
        result = superblock_fill(journal->fd, from, size);
    else if (result == 0 && fsync(journal->fd) < 0)
        result = -errno;
    if (result == 0)
        reserve_make(journal->folder, size);
    if (result < 0 && ftruncate(journal->fd, (off_t)from) < 0)
        return -errno;
    return result;
}

/* So many times as long it can be now, `most` at most. With the lock held. */
static unsigned factor_now(const struct journal *journal, unsigned most)
{
    uint64_t lap = log_point(journal->state)->tail / journal->capacity;
    if (journal->rolling_back || journal->poison != 0 || journal->next_position > (lap + 1) * journal->capacity)
        return 1;
    while (lap % most != 0)
        most /= 2;
    return most;
}

/* With the lock held. */
static unsigned char *marks_in(const struct journal *journal, size_t slots)
{
    unsigned char *marks = calloc(slots, sizeof(*marks));
    for (uint64_t number = journal->settled_number; marks != NULL && number < journal->next_number; number++)
        marks[number % slots] = journal->marks[number % journal->slots];
    return marks;
}

/* With both locks held, so that nobody gets a place behind the lap's end meanwhile. Of a write that fails nobody knows what the disk has: the next commit waits
 * until the superblock was written once more. */
static int switch_over(struct journal *journal, uint64_t capacity)
{
    struct superblock superblock = journal->superblock;
    size_t slots = capacity / FORMAT_BLOCK;
    unsigned char *marks = marks_in(journal, slots);
    if (marks == NULL)
        return -ENOMEM;
    superblock.capacity = capacity;
    int result = log_write_superblock(journal, &superblock);
    if (result < 0) {
        journal->unfenced = true;
        free(marks);
        return result;
    }
    if (log_write_superblock(journal, &superblock) < 0)
        journal->unfenced = true;
    journal->capacity = journal->writer.capacity = capacity;
    free(journal->marks);
    journal->marks = marks;
    journal->slots = slots;
    return 0;
}

int journal_extend(struct journal *journal, unsigned most, uint64_t limit)
{
    while (most > 1 && journal->capacity * most + FORMAT_LOG_START > limit)
        most /= 2;
    if (most < 2)
        return -EFBIG;
    pthread_mutex_lock(&journal->lock);
    unsigned factor = factor_now(journal, most);
    pthread_mutex_unlock(&journal->lock);
    uint64_t capacity = journal->capacity * factor;
    int result = factor == 1 ? -EAGAIN : lengthen_file(journal, capacity + FORMAT_LOG_START);
    if (result < 0)
        return result;
    pthread_mutex_lock(&journal->release_lock);
    pthread_mutex_lock(&journal->lock);
    result = factor_now(journal, factor) < factor ? -EAGAIN : switch_over(journal, capacity);
    pthread_mutex_unlock(&journal->lock);
    pthread_mutex_unlock(&journal->release_lock);
    return result;
}

/* Empty, nobody's, and worth a write of the superblock. With the lock held. */
static bool may_rewind(const struct journal *journal)
{
    uint64_t tail = log_point(journal->state)->tail;
    return journal->next_position == tail && journal->state->hold == 0 && !journal->rolling_back && journal->poison == 0 &&
           tail % (journal->capacity * LOG_LAPS) > journal->capacity / BEGUN;
}

/* Of a write that fails nobody knows what the disk has: the next commit waits until the superblock was written once more. */
void journal_rewind(struct journal *journal)
{
    pthread_mutex_lock(&journal->release_lock);
    pthread_mutex_lock(&journal->lock);
    if (may_rewind(journal)) {
        const struct journal_point *point = log_point(journal->state);
        struct superblock superblock = journal->superblock;
        superblock.tail = log_next_start(point->tail, journal->capacity);
        superblock.tail_number = superblock.epoch_number = point->next_number;
        superblock.sequence = point->sequence;
        superblock.epoch = journal->state->epoch;
        if (log_write_superblock(journal, &superblock) == 0) {
            log_go_on_at(journal->state, superblock.tail);
            journal->next_position = superblock.tail;
        } else {
            journal->unfenced = true;
        }
    }
    pthread_mutex_unlock(&journal->lock);
    pthread_mutex_unlock(&journal->release_lock);
}
