/* The robust lock.
 *
 * A dead owner is reported until somebody calls mapshare_consistent; unlocking without it keeps the lock usable, which a plain
 * robust mutex does not (ENOTRECOVERABLE for ever). So the mutex itself is made consistent at once, and the area remembers.
 *
 * Whoever runs may take a free lock before those who sleep for it are awake, which is fast, but not fair. So a sleeper that has
 * waited for PATIENCE says so, and who comes then sleeps, too, until the lock was taken once. If the starving one dies meanwhile,
 * that sleep ends by time.
 */
#include "config.h"

#include <linux/futex.h>
#include <limits.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define PATIENCE 10000000 /* nanoseconds: some rounds of the scheduler */

#define SPINS 200 /* about the time of a short critical section; less than one round through the kernel */

static inline void pause_processor(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static inline int find_area(struct mapshare *ms, struct mapshare_area **area)
{
    if (__builtin_expect(!atomic_load_explicit(&ms->lockable, memory_order_acquire), 0)) {
        int error = mapshare_area_prepare_lock(ms);
        if (error)
            return error;
    }
    *area = atomic_load_explicit(&ms->area, memory_order_relaxed);
    return 0;
}

/* What pthread_mutex_lock or trylock returned, with a dead owner's mutex taken over. */
static inline int take_over(struct mapshare_area *area, int error)
{
    if (__builtin_expect(error == EOWNERDEAD, 0)) {
        atomic_store_explicit(&area->inconsistent, 1, memory_order_relaxed);
        error = pthread_mutex_consistent(&area->mutex);
    }
    return error;
}

static inline int report(struct mapshare_area *area, int error)
{
    if (error)
        return mapshare_result(-error);
    if (__builtin_expect(atomic_load_explicit(&area->inconsistent, memory_order_relaxed), 0))
        return mapshare_result(-EOWNERDEAD);
    return 0;
}

int mapshare_area_trylock(struct mapshare_area *area)
{
    return take_over(area, pthread_mutex_trylock(&area->mutex));
}

bool mapshare_lock_is_mine(struct mapshare *ms)
{
    int error;

    if (!ms->lockable)
        return false;
    error = mapshare_area_trylock(ms->area);
    if (error == 0)
        pthread_mutex_unlock(&ms->area->mutex);
    return error == EDEADLK;
}

static void let_go_first(struct mapshare_area *area)
{
    struct timespec patience = {.tv_nsec = PATIENCE};

    if (syscall(SYS_futex, &area->starving, FUTEX_WAIT, 1, &patience, NULL, 0) && errno == ETIMEDOUT)
        area->starving = 0;
}

static int wait_for_lock(struct mapshare_area *area)
{
    bool starved = false;
    int error;

    for (;; starved = true) {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += PATIENCE;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        error = pthread_mutex_timedlock(&area->mutex, &until);
        if (error != ETIMEDOUT)
            break;
        area->starving = 1;
    }
    if (starved) {
        area->starving = 0;
        syscall(SYS_futex, &area->starving, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    }
    return error;
}

int mapshare_lock(struct mapshare *ms)
{
    struct mapshare_area *area;
    int error = find_area(ms, &area);

    if (error)
        return mapshare_result(error);
    if (__builtin_expect(atomic_load_explicit(&area->starving, memory_order_relaxed), 0))
        let_go_first(area);
    error = pthread_mutex_trylock(&area->mutex);
    for (int i = 0; error == EBUSY && i < SPINS; i++) {
        pause_processor();
        error = pthread_mutex_trylock(&area->mutex);
    }
    if (error == EBUSY)
        error = wait_for_lock(area);
    return report(area, take_over(area, error));
}

int mapshare_trylock(struct mapshare *ms)
{
    struct mapshare_area *area;
    int error = find_area(ms, &area);

    return error ? mapshare_result(error) : report(area, mapshare_area_trylock(area));
}

int mapshare_unlock(struct mapshare *ms)
{
    struct mapshare_area *area;
    int error = find_area(ms, &area);

    return mapshare_result(error ? error : -pthread_mutex_unlock(&area->mutex));
}

int mapshare_consistent(struct mapshare *ms)
{
    if (!mapshare_lock_is_mine(ms))
        return mapshare_result(-EPERM);
    if (!ms->area->inconsistent)
        return mapshare_result(-EINVAL);
    ms->area->inconsistent = 0;
    return 0;
}
