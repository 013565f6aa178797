/* A position's place in the file is the position modulo the log's capacity. In an even lap of the log (position / capacity) that is the same with twice the
 * capacity, so nothing needs to be moved. First the file gets longer, where nobody looks yet; then, in a moment when all that is in use lies in one even
 * lap, the superblock says so, in both copies: either finds the whole log. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "journal/extend.h"
#include "journal/writing.h"

#define ROOM 4 /* of what is free, no more than a fourth is taken */

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
    if (result == 0)
        result = superblock_fill(journal->fd, from, size);
    if (result < 0 && ftruncate(journal->fd, (off_t)from) < 0)
        return -errno;
    return result;
}

/* Not while somebody else reads the log, who knows its capacity. With the lock held. */
static bool is_moment(const struct journal *journal)
{
    uint64_t tail = log_point(journal->state)->tail, lap = tail / journal->capacity;
    return journal->state->hold == 0 && lap % 2 == 0 && journal->next_position <= (lap + 1) * journal->capacity;
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

int journal_extend(struct journal *journal, uint64_t limit)
{
    uint64_t capacity = journal->capacity * 2;
    if (capacity + FORMAT_LOG_START > limit)
        return -EFBIG;
    int result = lengthen_file(journal, capacity + FORMAT_LOG_START);
    if (result < 0)
        return result;
    pthread_mutex_lock(&journal->release_lock);
    pthread_mutex_lock(&journal->lock);
    result = journal->rolling_back || journal->poison != 0 || !is_moment(journal) ? -EAGAIN : switch_over(journal, capacity);
    pthread_mutex_unlock(&journal->lock);
    pthread_mutex_unlock(&journal->release_lock);
    return result;
}
