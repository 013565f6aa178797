#include "config.h"

#include "word.h"

#include <limits.h>

#include "futex.h"

static void wake_after(struct lock *lock, uint64_t owner)
{
    if (owner & (WAITERS | SHARERS)) {
        atomic_fetch_add(&lock->turn, 1);
        futex_wake(&lock->turn, owner & SHARERS ? INT_MAX : 1);
    }
}

void mapshare_lock_free(struct lock *lock)
{
    wake_after(lock, atomic_exchange(&lock->owner, 0));
}

void mapshare_lock_drop_share(struct lock *lock, uint32_t place)
{
    atomic_fetch_and(&lock->shared[place / 64], ~(1ull << place % 64));
    if (atomic_load(&lock->owner)) {
        atomic_fetch_add(&lock->drained, 1);
        futex_wake(&lock->drained, INT_MAX);
    }
}
