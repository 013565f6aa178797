/* The locks of a file, by number. */
#include "config.h"

#include "deadline.h"
#include "internal.h"
#include "locks.h"

static int take(struct mapshare *ms, uint32_t number, uint32_t flags, const struct timespec *deadline)
{
    struct mapshare_locks *locks;
    int error =
        number >= MAPSHARE_LOCKS || flags & ~(MAPSHARE_LOCK_SHARED | MAPSHARE_LOCK_TRY) ? -EINVAL : mapshare_check_time(deadline);

    if (error == 0)
        error = mapshare_locks_get(ms, &locks);
    if (error == 0)
        error = mapshare_locks_take(locks, number, flags & MAPSHARE_LOCK_SHARED, flags & MAPSHARE_LOCK_TRY, deadline);
    return error > 0 ? error : mapshare_result(error);
}

int mapshare_lock_at(struct mapshare *ms, uint32_t number, uint32_t flags, const struct timespec *deadline)
{
    return take(ms, number, flags, deadline);
}

int mapshare_lock(struct mapshare *ms)
{
    return take(ms, 0, 0, NULL);
}

int mapshare_trylock(struct mapshare *ms)
{
    return take(ms, 0, MAPSHARE_LOCK_TRY, NULL);
}

int mapshare_timedlock(struct mapshare *ms, const struct timespec *deadline)
{
    return take(ms, 0, 0, deadline);
}

int mapshare_lock_shared(struct mapshare *ms)
{
    return take(ms, 0, MAPSHARE_LOCK_SHARED, NULL);
}

int mapshare_unlock_at(struct mapshare *ms, uint32_t number)
{
    struct mapshare_locks *locks;
    int error = number < MAPSHARE_LOCKS ? mapshare_locks_get(ms, &locks) : -EINVAL;

    return mapshare_result(error ? error : mapshare_locks_give(locks, number));
}

int mapshare_unlock(struct mapshare *ms)
{
    return mapshare_unlock_at(ms, 0);
}

int mapshare_consistent_at(struct mapshare *ms, uint32_t number)
{
    struct mapshare_locks *locks;
    int error = number < MAPSHARE_LOCKS ? mapshare_locks_get(ms, &locks) : -EINVAL;

    return mapshare_result(error ? error : mapshare_locks_repair(locks, number));
}

int mapshare_consistent(struct mapshare *ms)
{
    return mapshare_consistent_at(ms, 0);
}
