/* The journal's tail: before which commit nothing is needed any more (invariant 4). */
#ifndef FILE_TAIL_H
#define FILE_TAIL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct files;
struct journal_chunk;
struct journal_state;

/* Where a commit in the journal ends, while the journal still has it. */
struct commit_place {
    uint64_t position, number;
};

#define COMMIT_PLACES 65536u

struct tail {
    pthread_mutex_t lock;                      /* guards the places; a leaf */
    struct commit_place places[COMMIT_PLACES]; /* ring: the ends of commits that their files know of, in order */
    uint64_t first, end;
    _Atomic uint64_t released; /* where the tail is */
    _Atomic uint64_t ended;    /* what has a place before this one may be of files whose records have ended */
    _Atomic bool dropped;      /* files with commits in the journal were unlinked and dropped: the store may not know of it yet */
};

/* From where the journal's state says that it is. `dropped`: a dead worker may have. */
void tail_open(struct tail *tail, const struct journal_state *state, bool dropped);
/* After a commit's files know of it: from now on the tail may move to its end. */
void tail_remember(struct tail *tail, const struct journal_chunk *chunk);
/* The end of the last commit that its files know of. */
uint64_t tail_head(struct tail *tail);
/* Moves the tail to the last commit before which nothing is needed: what it had is in the store, or was committed again. For the one thread
 * that does rounds. 0 or -errno. */
int tail_move(struct files *files);

#endif
