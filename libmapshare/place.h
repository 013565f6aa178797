/* A process's place among those that use the locks of a file, and the memory that the locks are in. For locks.c, which tells how it is meant. */
#ifndef LIBMAPSHARE_PLACE_H
#define LIBMAPSHARE_PLACE_H

#include "area.h"
#include "locks.h"
#include "process.h"

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

struct mapshare_locks {
    struct mapshare_locks *next;
    uint32_t users; /* opens of the file in this process */
    int fd;
    struct lock *locks;
    /* `guard` is held while the rest changes. */
    pthread_mutex_t guard;
    _Atomic uint64_t epoch; /* of the process that the rest is of */
    uint64_t process;       /* place and random number, as in an owner */
    uint32_t shares[LOCK_COUNT];
    char key[MAPSHARE_AREA_KEY];
};

static inline uint32_t place_of(uint64_t owner)
{
    return (owner >> PLACE_SHIFT) & PLACE_MASK;
}

/* 1, 0 or -errno: whether there is a process in the place, other than this one. */
int mapshare_place_lives(const struct mapshare_locks *locks, uint32_t place);

/* At the first use in this process, or thread. 0 or -errno. */
int mapshare_locks_find_self(struct mapshare_locks *locks);

/* What the calling thread writes into an owner. */
static inline int self_of(struct mapshare_locks *locks, uint64_t *self)
{
    uint64_t epoch = mapshare_epoch();

    if (__builtin_expect(epoch == 0 || mapshare_thread.epoch != epoch ||
                             atomic_load_explicit(&locks->epoch, memory_order_acquire) != epoch,
                         0)) {
        int error = mapshare_locks_find_self(locks);
        if (error)
            return error;
    }
    *self = locks->process | mapshare_thread.number;
    return 0;
}

/* locks.c: what ends a lock of this process's, or a dead one's. Who waits is woken. */
void mapshare_lock_free(struct lock *lock);
void mapshare_lock_drop_share(struct lock *lock, uint32_t place);

#endif
