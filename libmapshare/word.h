/* The words of a lock, as struct mapshare_abi_lock has them, and what ends a holding. locks.h tells how it is meant. */
#ifndef LIBMAPSHARE_WORD_H
#define LIBMAPSHARE_WORD_H

#include <stdatomic.h>
#include <stdint.h>

#include "locks.h"
#include "mapshare-abi.h"

#define THREAD_BITS 22 /* as Linux has at most */
#define PLACE_SHIFT THREAD_BITS
#define PLACE_MASK (MAPSHARE_ABI_PROCESSES - 1ull)
#define NONCE_SHIFT 32
#define WAITERS (1ull << 63)
#define SHARERS (1ull << 62) /* among them some who want a share */
#define IDENTITY (SHARERS - 1)
#define PROCESS (IDENTITY & ~((1ull << THREAD_BITS) - 1))

#define SHARED_WORDS (MAPSHARE_ABI_PROCESSES / 64)
#define LOCK_COUNT (MAPSHARE_LOCK_OF_SIZE + 1)

/* struct mapshare_abi_lock, as it is used. */
struct lock {
    _Atomic uint64_t owner;
    _Atomic uint32_t turn, drained, inconsistent, starving, was_shared;
    uint32_t reserved[9];
    _Atomic uint64_t shared[SHARED_WORDS];
};

_Static_assert(sizeof(struct lock) == sizeof(struct mapshare_abi_lock), "a lock");
_Static_assert(LOCK_COUNT <= MAPSHARE_ABI_LOCK_COUNT, "locks");

static inline uint32_t place_of(uint64_t owner)
{
    return (owner >> PLACE_SHIFT) & PLACE_MASK;
}

/* The owner goes, or a process's share. Who waits is woken. */
void mapshare_lock_free(struct lock *lock);
void mapshare_lock_drop_share(struct lock *lock, uint32_t place);

#endif
