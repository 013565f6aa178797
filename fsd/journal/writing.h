/* The log being written, for those who write to it: commits and pages in journal.c, changes of names in change.c; extend.c makes it longer. */
#ifndef JOURNAL_WRITING_H
#define JOURNAL_WRITING_H

#include <pthread.h>
#include <stdatomic.h>

#include "journal/span.h"
#include "journal/superblock.h"
#include "journal/writer.h"

/* What is known of a reserved chunk. It is settled when all that is to be done with it is done: of a COMMIT, that it is published. */
enum { CHUNK_WRITTEN = 1 << 0, CHUNK_SETTLED = 1 << 1 };

struct journal {
    struct store *store;
    struct journal_state *state;
    int folder; /* the private one: the caller's */
    int fd;
    int names_fd; /* its size is the number of the last change made */
    size_t slots;
    _Atomic uint64_t capacity; /* changed with both locks */
    struct writer writer;

    pthread_rwlock_t names_lock;  /* taken before all others; alone by who changes names */
    pthread_mutex_t release_lock; /* taken before `lock` */
    struct superblock superblock; /* as on disk */
    _Atomic bool unfenced; /* what was given up may still be taken for a commit; changed with the release lock, or the lock */
    bool died_changing;    /* the process before us died over a change of names; guarded by the names lock */
    bool direct;           /* writes go past the page cache */
    void (*lost)(void);    /* or NULL */

    pthread_mutex_t lock; /* all below, and the state but for its reading */
    pthread_cond_t changed;
    uint64_t next_position; /* of the next chunk reserved */
    uint64_t next_number;
    uint64_t epoch_number;   /* of the first chunk of this epoch */
    uint64_t next_sequence;  /* of the next COMMIT reserved */
    uint64_t committing;     /* position after the last COMMIT reserved; 0: published, or given up */
    uint64_t written_number; /* all chunks before it are written */
    uint64_t settled_number; /* all chunks before it are settled */
    unsigned char *marks;    /* CHUNK_..., by number % slots, from settled_number on */
    unsigned writing;        /* chunks between log_begin and log_end */
    int poison;              /* -errno of a write that failed */
    bool rolling_back;
    struct spans spans;
};

/* What was published last. */
static inline struct journal_point *log_point(struct journal_state *state)
{
    return &state->points[atomic_load_explicit(&state->current, memory_order_acquire) & 1];
}

#define LOG_LAPS 256 /* a log that begins in a lap which is a multiple of this can become so many times as long at once */

/* The first such position behind this one. */
static inline uint64_t log_next_start(uint64_t position, uint64_t capacity)
{
    uint64_t laps = capacity * LOG_LAPS;
    return (position / laps + 1) * laps;
}

/* The other point is written, then one store makes it the current one: a reader in any process sees one or the other. */
void log_move(struct journal_state *state, struct journal_point point);
/* Nothing is reserved but what is published. With the lock held, or alone. */
void log_start_at_head(struct journal *journal);
/* An empty log goes on there. What is committed stays: no commit becomes true by it. With the lock held. */
void log_go_on_at(struct journal_state *state, uint64_t position);
/* In the place of journal->superblock, which it becomes. With the release lock held. */
int log_write_superblock(struct journal *journal, struct superblock *superblock);
/* The superblock with this tail, and with what is known now of all chunks that are not published yet. Durable on return. With the release
 * lock held. */
int log_write_tail(struct journal *journal, uint64_t tail, uint64_t tail_number);
/* What was written beyond the head but not published can no longer be taken for a commit. Until that is durable there is no next one. */
int log_fence(struct journal *journal);
int log_fence_if_needed(struct journal *journal);

/* -EFBIG: the log could not hold it were it empty. */
int log_check_size(const struct journal *journal, const struct journal_chunk *chunk);
/* journal_reserve(), when no change of a name is open that the chunk would settle. */
int log_reserve(struct journal *journal, struct journal_chunk *chunk);
/* Around the write of a reserved chunk. -ECANCELED: its place was rolled back. `end` marks it as CHUNK_..., or poisons the log. */
int log_begin(struct journal *journal, const struct journal_chunk *chunk);
void log_end(struct journal *journal, const struct journal_chunk *chunk, int marks, int result);
/* CHUNK_... of a chunk, by its number. With the lock held, as the next. */
void log_mark(struct journal *journal, uint64_t number, int marks);
/* Until the number that is `reached` is the chunk's, or the first error. */
int log_wait(struct journal *journal, const struct journal_chunk *chunk, const uint64_t *reached);
/* Until all chunks before this one are settled, or the first error. */
int log_wait_for_earlier(struct journal *journal, const struct journal_chunk *chunk);
/* With the lock held. */
void log_publish(struct journal *journal, const struct journal_chunk *chunk);
/* Whether somebody has yet to read something of what is published. With the lock held. */
bool log_is_held(const struct journal *journal);

#endif
