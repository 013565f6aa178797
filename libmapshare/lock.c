/* The robust lock. A dead owner is reported until somebody calls mapshare_consistent; unlocking without it keeps the lock usable, which
 * a plain robust mutex does not (ENOTRECOVERABLE for ever). So the mutex itself is made consistent at once, and the area remembers. */
#include "config.h"

#include "internal.h"

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

int mapshare_lock(struct mapshare *ms)
{
    struct mapshare_area *area;
    int error = find_area(ms, &area);

    if (error)
        return mapshare_result(error);
    error = pthread_mutex_trylock(&area->mutex);
    for (int i = 0; error == EBUSY && i < SPINS; i++) {
        pause_processor();
        error = pthread_mutex_trylock(&area->mutex);
    }
    if (error == EBUSY)
        error = pthread_mutex_lock(&area->mutex);
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
