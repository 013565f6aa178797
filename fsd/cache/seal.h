/* What records of the arena have beyond what they say, so that damage is told from sense: short sums in bits that nothing else needs. They cost a
 * page a few cycles, a commit nothing for each page.
 *
 * Not sealed is what changes with every store of a client: sizes and times. Of these only the range is known.
 */
#ifndef CACHE_SEAL_H
#define CACHE_SEAL_H

#include <assert.h>

#include "cache/arena.h"

#define FRAME_SEAL 0x0fffff00u /* of the flags; the others are what they are called */

static inline uint64_t seal_mix(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t mix = a * 0x9e3779b97f4a7c15ull ^ b * 0xc2b2ae3d27d4eb4full ^ c * 0x165667b19e3779f9ull;

    return (mix ^ mix >> 29) * 0xff51afd7ed558ccdull;
}

/* Which page of which file it is. Never 0: a word without one is free. */
static inline uint32_t frame_seal(uint32_t file, uint64_t page, uint64_t version)
{
    return (uint32_t)(seal_mix(file, page, version) >> 32 & FRAME_SEAL) | 0x100;
}

/* Truth is one store: a frame is its file's with a seal, or free. */
static inline void frame_use(struct frame *frame, uint32_t file, uint32_t flags)
{
    struct frame whole;

    atomic_init(&whole.file, file);
    atomic_init(&whole.flags, flags);
    atomic_store_explicit(&frame->use, atomic_load_explicit(&whole.use, memory_order_relaxed), memory_order_release);
}

/* Positions of chunks are multiples of the journal's blocks. A sealed one compares with the others as before: it lies within its block. */
#define POSITION_FREE 0xfffull

static inline uint64_t position_seal(uint64_t position)
{
    assert(!(position & POSITION_FREE));
    return position | (1 + (seal_mix(position, 0, 0) >> 32) % POSITION_FREE);
}

static inline bool position_is_sound(uint64_t position)
{
    return !position || (position > POSITION_FREE && position == position_seal(position & ~POSITION_FREE));
}

static inline uint32_t handle_seal(const struct handle *handle, uint32_t inode)
{
    uint64_t mix =
        seal_mix((uint64_t)inode << 32 | handle->generation, (uint64_t)handle->flags << 32 | handle->user, handle->unique);

    return mix >> 32 | 1;
}

#endif
