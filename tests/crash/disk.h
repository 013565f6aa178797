/* A disk that may lose what was not flushed.
 *
 * The recorder is a store that does everything to real files and writes down each operation. Afterwards the record is read from its
 * beginning: at each point the disk is known as what is durable plus the operations that are not. From these, states are made that
 * a crash at this point may leave: of writes, any sectors of 512 bytes, in any order; of what is metadata (size, times, name), what
 * the file system has put into its log, a prefix. Each file is on its own in this, but for renames and their count (the size of the journal's
 * file of names): of these the file system keeps the order, and before any of them is durable the disk is flushed, so that what was written
 * to the journal before it is.
 */
#ifndef CRASH_DISK_H
#define CRASH_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "store/store.h"

#define DISK_SLOTS 4 /* the journal is slot 0 */
#define DISK_JOURNAL 0
#define DISK_SECTOR 512
#define JUNK_TIME 424242 /* what a write does to the time of modification */

enum disk_operation {
    DISK_WRITE,
    DISK_TRUNCATE,
    DISK_PUNCH,
    DISK_TIMES,
    DISK_UNLINK,
    DISK_FLUSH,
    DISK_SYNC,
    DISK_CREATE,
    DISK_RENAME,
    DISK_COUNT
};

struct disk_event {
    enum disk_operation operation;
    int slot;
    uint64_t offset, length;
    unsigned char *data;
    struct timespec times[2];
};

struct disk_file {
    bool exists;
    unsigned generation; /* users of this inode number so far */
    uint64_t size;
    struct timespec times[2];
    unsigned char *bytes; /* `limit` of them, zeros beyond the size */
};

/* What files are called; slot 0 is the folder. */
struct disk_names {
    bool moved[DISK_SLOTS];
    uint64_t count;
};

struct disk_record {
    struct disk_event *events;
    size_t count, capacity;
};

/* What can be wrong with a disk or with those who use it, to see that it is noticed. */
struct disk_faults {
    bool lose_journal_flush;    /* a flush of the journal does nothing */
    bool lose_superblock_flush; /* but only of its superblock */
    bool lose_fences;           /* a superblock that moves no tail is not written */
    bool lose_data_sync;        /* sync of a file does nothing */
    int lose_next_flushes;      /* so many flushes of the journal do nothing */
    int fail_after;             /* this many operations of the journal succeed, then some fail; -1: none does */
    int fail_more;              /* how many beside the first */
    bool fail_half;             /* it writes something before */
};

struct recorder {
    struct store store;
    struct disk_record *record;
    struct disk_faults faults;
    bool superblock_was_last;
    unsigned char superblock[256];    /* the last one written */
    uint64_t inodes[DISK_SLOTS];      /* tells the slot */
    void (*meanwhile)(void *context); /* what is done in the next flush of the journal, once */
    void *context;
};

/* Who is told of syncfs, and of the count of renames, which are no operations of a store. */
extern struct recorder *syncing, *counting;

void recorder_init(struct recorder *recorder, struct disk_record *record);
void record_add(struct disk_record *record, struct disk_event event);
void record_clear(struct disk_record *record);

struct disk {
    uint64_t limits[DISK_SLOTS];
    struct disk_file files[DISK_SLOTS]; /* durable */
    const struct disk_event **pending[DISK_SLOTS];
    size_t pending_count[DISK_SLOTS], pending_capacity[DISK_SLOTS];
    struct disk_names names;           /* durable */
    const struct disk_event **renames; /* pending, with their counts */
    size_t rename_count, rename_capacity;
};

void disk_init(struct disk *disk, const uint64_t limits[DISK_SLOTS]);
void disk_copy(struct disk *to, const struct disk *from); /* without what is pending; `to` was initialised */
void disk_free(struct disk *disk);
/* The next event of the record. True if what a crash leaves may differ from what it left before. */
bool disk_step(struct disk *disk, const struct disk_event *event);

/* SPOIL_ONE: a write to the journal arrives with a wrong bit near its beginning. */
enum disk_loss { LOSE_ALL, LOSE_NOTHING, LOSE_ONE, TEAR_ONE, SPOIL_ONE, LOSE_ANY, DISK_LOSSES };
/* One state after a crash now. */
void disk_crash(const struct disk *disk, enum disk_loss loss, uint64_t *random, struct disk *state);

uint64_t random_next(uint64_t *state);
static inline uint64_t random_below(uint64_t *state, uint64_t limit)
{
    return random_next(state) % limit;
}

#endif
