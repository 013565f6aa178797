/* Frames: pages of memory, and in what state each is.
 *
 *              publish             collect            publish of the commit
 *   (free) ───────────► RECEIVED ───────────► COMMITTING ───────────► COMMITTED ◄──────┐
 *      ▲                    │  ▲                   │                      │ begin       │ failed
 *      │ replaced, truncated│  └───────────────────┘ commit failed        ▼             │
 *      └────────────────────┴──────────────────────────────────────── WRITEBACK ────────┘
 *                                               checkpointed
 * Besides, a frame in COMMITTED is freed when a later commit replaces it or makes it void, and one in COMMITTING that was replaced when its
 * commit fails. Every arrow is page_move() or page_move_all() in file/page.c; who asks for it: write.c, commit.c, checkpoint.c.
 * A rollback frees what is RECEIVED, and shows again what that had hidden.
 * A frame in COMMITTING, COMMITTED or WRITEBACK never changes its content (invariant 5).
 *
 * Locking: the allocator has its own lock, a leaf. Everything about a frame that is in use is guarded by its file's lock.
 */
#ifndef CACHE_FRAME_H
#define CACHE_FRAME_H

#include <pthread.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include "cache/arena.h"
#include "cache/slots.h"

enum frame_state { FRAME_FREE, FRAME_RECEIVED, FRAME_COMMITTING, FRAME_COMMITTED, FRAME_WRITEBACK, FRAME_STATES };

/* The private half of a frame. */
struct frame_index {
    RB_ENTRY(frame_index) view;    /* the file's pages as readers see them */
    TAILQ_ENTRY(frame_index) link; /* the file's list of its state */
    uint64_t page, version;        /* as in the arena */
    uint32_t older;                /* what this frame replaced and is not in the store yet; 0: none */
    uint8_t state;                 /* enum frame_state */
    bool in_view;
    bool backed;           /* the store's file has blocks for the page */
    int8_t adds;           /* to the blocks that the file takes, in pages: see file/used.h */
    bool listed;           /* on the list of its state */
    bool failed;           /* its last write to the store failed */
    uint32_t stream_epoch; /* journaled ahead of its commit, in this epoch of the journal; 0: not */
};

RB_HEAD(frame_tree, frame_index);
TAILQ_HEAD(frame_list, frame_index);

struct frame_table {
    struct arena *arena;
    struct frame_index *index; /* parallel to arena->frames */
    unsigned char *present;    /* the frame's memory was touched by this worker */

    pthread_mutex_t lock;
    pthread_cond_t freed;
    uint64_t *free; /* a bit a frame in memory. The lowest are taken first, so that memory stays warm; many at once are taken as
                     * neighbours, which make fewer and larger vectors */
    _Atomic uint32_t free_count; /* changed under the lock, glanced at without */
    _Atomic uint32_t limit;      /* those above are neither taken nor counted: when they come free, so does their memory */
    uint32_t free_hint;          /* no word before has a bit */
    uint32_t whole_hint;         /* no word before has all */
    uint32_t waiting;
    uint32_t *spill_free;
    uint32_t spill_free_count;
    int spill; /* the spill file, or -1 */
    long spill_logged;
};

int frame_table_open(struct frame_table *table, struct arena *arena, int spill);
/* Called once by takeover.c: what names a file is in use. */
void frame_table_fill(struct frame_table *table);

static inline uint32_t frame_number(const struct frame_table *table, const struct frame_index *frame)
{
    return frame - table->index;
}
static inline struct frame *frame_truth(const struct frame_table *table, const struct frame_index *frame)
{
    return &table->arena->frames[frame - table->index];
}
static inline void *frame_memory(const struct frame_table *table, const struct frame_index *frame)
{
    return arena_page(table->arena, frame - table->index);
}

/* So many frames in memory may be used from now on. By one thread at a time. */
void frame_table_limit(struct frame_table *table, uint32_t limit);

/* Up to `wanted` free frames in memory, as neighbouring as they come, each present: the kernel's copy into a page that is not there would
 * fail when the worker is killed in the middle. Never waits; returns how many. */
uint32_t frame_take(struct frame_table *table, uint32_t *frames, uint32_t wanted);
/* One frame, without waiting, where it may be: in memory rather than in the spill file. -EAGAIN: none in memory, and it may not be elsewhere;
 * -ENOSPC: the spill file is full, too. */
enum frame_place { FRAME_IN_MEMORY, FRAME_ANYWHERE, FRAME_IN_SPILL };
int frame_take_one(struct frame_table *table, enum frame_place place, uint32_t *frame);
/* Waits a moment until there is a frame in memory; false when none came free. Never with a file's lock held: who frees needs it. */
bool frame_wait(struct frame_table *table);
void frame_give(struct frame_table *table, const uint32_t *frames, uint32_t count);
/* Now and then: some of the spill file's blocks go back to the store while none of its frames is in use. */
void frame_shrink_spill(struct frame_table *table);

/* Publish: the frame's memory holds `page` of `file`. Guarded by the file's lock. */
void frame_publish(struct frame_table *table, uint32_t frame, uint32_t file, uint64_t page, uint32_t flags);
/* End of a frame's life: truth first. It must be on no list and in no tree. */
void frame_free(struct frame_table *table, struct frame_index *frame);

/* Just now; others take and give. */
static inline uint32_t frame_free_count(const struct frame_table *table)
{
    return atomic_load_explicit(&table->free_count, memory_order_relaxed);
}

/* Of a quarter, a third ... of memory that is free. */
static inline bool frame_is_short(const struct frame_table *table, uint32_t part)
{
    return frame_free_count(table) < table->limit / part;
}

int frame_compare(const struct frame_index *a, const struct frame_index *b);
RB_PROTOTYPE(frame_tree, frame_index, view, frame_compare)

#endif
