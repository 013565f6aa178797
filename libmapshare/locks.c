#include "config.h"

#include "locks.h"

#include <limits.h>

#include "deadline.h"
#include "futex.h"
#include "place.h"

#define PATIENCE 10000000 /* nanoseconds: some rounds of the scheduler */
#define SPINS 200         /* about the time of a short critical section; less than one round through the kernel */

static inline void pause_processor(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int owner_lives(const struct mapshare_locks *locks, uint64_t owner)
{
    if (place_of(owner) == place_of(locks->process))
        return (owner & PROCESS) == locks->process;
    return mapshare_place_lives(locks, place_of(owner));
}

/* ---- waiting ---- */

/* One who waits for a lock. */
struct waiter {
    struct mapshare_locks *locks;
    struct lock *lock;
    uint64_t self;
    const struct timespec *deadline;
    bool try, starved;
};

/* Until the futex changes, but no longer than PATIENCE; then who waits counts as starving. -EBUSY, -ETIMEDOUT: it may not wait any more. */
static int wait_a_moment(struct waiter *waiter, _Atomic uint32_t *word, uint32_t value)
{
    struct timespec until = mapshare_deadline_in(&(struct timespec){.tv_nsec = PATIENCE});

    if (waiter->try)
        return -EBUSY;
    if (mapshare_time_left(waiter->deadline) == 0)
        return -ETIMEDOUT;
    until = mapshare_earlier(waiter->deadline, until);
    if (futex_wait(word, value, &until) == -ETIMEDOUT) {
        waiter->starved = true;
        waiter->lock->starving = 1;
    }
    return 0;
}

/* If the starving one died meanwhile, this ends by time. */
static void let_starving_first(struct waiter *waiter)
{
    struct timespec until = mapshare_deadline_in(&(struct timespec){.tv_nsec = PATIENCE});

    until = mapshare_earlier(waiter->deadline, until);
    if (!waiter->try && futex_wait(&waiter->lock->starving, 1, &until) == -ETIMEDOUT)
        waiter->lock->starving = 0;
}

static void end_waiting(struct waiter *waiter)
{
    if (waiter->starved) {
        waiter->lock->starving = 0;
        futex_wake(&waiter->lock->starving, INT_MAX);
    }
}

/* Until the owner that was seen is gone. */
static int wait_for_owner(struct waiter *waiter, uint64_t owner, uint64_t flags)
{
    uint32_t turn = atomic_load(&waiter->lock->turn);

    if (!waiter->try && (owner & flags) != flags && !atomic_compare_exchange_strong(&waiter->lock->owner, &owner, owner | flags))
        return 0;
    if (!waiter->try && atomic_load(&waiter->lock->owner) != (owner | flags))
        return 0;
    return wait_a_moment(waiter, &waiter->lock->turn, turn);
}

/* ---- alone ---- */

/* 1: it is ours now; 0: not, look again; -errno. */
static int take_over_dead(struct waiter *waiter, uint64_t owner)
{
    int result = owner_lives(waiter->locks, owner);

    if (result)
        return result < 0 ? result : 0;
    if (!atomic_compare_exchange_strong(&waiter->lock->owner, &owner, waiter->self | (owner & ~IDENTITY)))
        return 0;
    waiter->lock->inconsistent = 1;
    return 1;
}

static int become_owner(struct waiter *waiter)
{
    struct lock *lock = waiter->lock;
    uint64_t waited = 0; /* others may sleep, too, who woke us in their stead */

    for (int spins = waiter->try ? SPINS : 0;; spins++) {
        uint64_t owner = atomic_load(&lock->owner);
        int result;

        if ((owner & IDENTITY) == waiter->self)
            return -EDEADLK;
        if (owner == 0) {
            if (atomic_compare_exchange_strong(&lock->owner, &owner, waiter->self | waited))
                return 0;
            continue;
        }
        if (spins < SPINS) {
            pause_processor();
            continue;
        }
        result = take_over_dead(waiter, owner);
        if (result)
            return result < 0 ? result : 0;
        if (atomic_load(&lock->owner) != owner)
            continue;
        result = wait_for_owner(waiter, owner, WAITERS);
        if (result)
            return result;
        waited = WAITERS | (owner & SHARERS);
    }
}

/* Whether another thread of ours, or another process, has a share. What the dead had is taken away. 1, 0 or -errno. */
static int others_share(struct waiter *waiter, uint32_t number)
{
    struct mapshare_locks *locks = waiter->locks;
    int result = 0;

    for (uint32_t word = 0; word < SHARED_WORDS; word++) {
        for (uint64_t bits = atomic_load(&waiter->lock->shared[word]); bits; bits &= bits - 1) {
            uint32_t place = word * 64 + (uint32_t)__builtin_ctzll(bits);
            int alive;

            if (place == place_of(locks->process)) {
                pthread_mutex_lock(&locks->guard);
                alive = locks->shares[number] > 0;
                pthread_mutex_unlock(&locks->guard);
            } else {
                alive = mapshare_place_lives(locks, place);
            }
            if (alive < 0)
                return alive;
            if (alive)
                result = 1;
            else
                atomic_fetch_and(&waiter->lock->shared[word], ~(bits & -bits));
        }
    }
    return result;
}

static int wait_until_drained(struct waiter *waiter, uint32_t number)
{
    for (;;) {
        uint32_t drained = atomic_load(&waiter->lock->drained);
        int result = others_share(waiter, number);

        if (result == 1)
            result = wait_a_moment(waiter, &waiter->lock->drained, drained);
        else if (result == 0)
            return 0;
        if (result)
            return result;
    }
}

static int take_alone(struct waiter *waiter, uint32_t number)
{
    struct lock *lock = waiter->lock;
    uint64_t nobody = 0;
    int error = 0;

    if (__builtin_expect(!atomic_compare_exchange_strong(&lock->owner, &nobody, waiter->self), 0))
        error = become_owner(waiter);
    if (error == 0 && __builtin_expect(atomic_load(&lock->was_shared), 0)) {
        error = wait_until_drained(waiter, number);
        if (error)
            mapshare_lock_free(lock);
    }
    return error;
}

/* ---- shared ---- */

/* 1: it has a share; 0: there is an owner. */
static int try_share(struct waiter *waiter, uint32_t number)
{
    struct mapshare_locks *locks = waiter->locks;
    struct lock *lock = waiter->lock;
    uint32_t place = place_of(waiter->self);
    _Atomic uint64_t *word = &lock->shared[place / 64];
    uint64_t bit = 1ull << place % 64;
    int result = 0;

    pthread_mutex_lock(&locks->guard);
    if (!lock->was_shared)
        lock->was_shared = 1;
    if (locks->shares[number] == 0)
        atomic_fetch_or(word, bit);
    /* The bit may have been taken away for that of a dead process in our place, by an owner that is gone by now. */
    if (atomic_load(&lock->owner) == 0 && atomic_load(word) & bit) {
        locks->shares[number]++;
        result = 1;
    } else if (locks->shares[number] == 0) {
        mapshare_lock_drop_share(lock, place);
    }
    pthread_mutex_unlock(&locks->guard);
    return result;
}

static int take_share(struct waiter *waiter, uint32_t number)
{
    struct lock *lock = waiter->lock;

    for (;;) {
        uint64_t owner = atomic_load(&lock->owner);
        int result;

        if ((owner & IDENTITY) == waiter->self)
            return -EDEADLK;
        if (owner == 0) {
            if (try_share(waiter, number))
                return 0;
            continue;
        }
        result = take_over_dead(waiter, owner);
        if (result == 1)
            mapshare_lock_free(lock); /* for all to share */
        else if (result == 0)
            result = wait_for_owner(waiter, owner, WAITERS | SHARERS);
        if (result < 0)
            return result;
    }
}

/* ---- for the rest of the library ---- */

int mapshare_locks_take(struct mapshare_locks *locks, uint32_t number, bool shared, bool try, const struct timespec *deadline)
{
    struct lock *lock = &locks->locks[number];
    struct waiter waiter = {.locks = locks, .lock = lock, .deadline = deadline, .try = try};
    int error = self_of(locks, &waiter.self);

    if (error)
        return error;
    if (__builtin_expect(atomic_load_explicit(&lock->starving, memory_order_relaxed), 0))
        let_starving_first(&waiter);
    error = shared ? take_share(&waiter, number) : take_alone(&waiter, number);
    end_waiting(&waiter);
    if (error)
        return error;
    return atomic_load_explicit(&lock->inconsistent, memory_order_relaxed) != 0;
}

int mapshare_locks_give(struct mapshare_locks *locks, uint32_t number)
{
    struct lock *lock = &locks->locks[number];
    uint64_t self;
    int error = self_of(locks, &self);

    if (error)
        return error;
    if (__builtin_expect((atomic_load_explicit(&lock->owner, memory_order_relaxed) & IDENTITY) == self, 1)) {
        mapshare_lock_free(lock);
        return 0;
    }
    pthread_mutex_lock(&locks->guard);
    if (locks->shares[number] == 0)
        error = -EPERM;
    else if (--locks->shares[number] == 0)
        mapshare_lock_drop_share(lock, place_of(self));
    pthread_mutex_unlock(&locks->guard);
    return error;
}

int mapshare_locks_repair(struct mapshare_locks *locks, uint32_t number)
{
    struct lock *lock = &locks->locks[number];
    uint64_t self;
    int error = self_of(locks, &self);

    if (error == 0 && (lock->owner & IDENTITY) != self)
        error = -EPERM;
    if (error == 0 && !lock->inconsistent)
        error = -EINVAL;
    if (error == 0)
        lock->inconsistent = 0;
    return error;
}
