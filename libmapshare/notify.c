/* Change notices: a count in the area, whose lower half is a futex. */
#include "config.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

int mapshare_check_timeout(const struct timespec *timeout)
{
    return timeout && (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000) ? -EINVAL : 0;
}

/* Little-endian or big: the half that changes with every notice. */
static uint32_t *lower_half(struct mapshare_area *area)
{
    uint32_t *halves = (uint32_t *)&area->notices;

    return &halves[__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__];
}

static int find_area(struct mapshare *ms, struct mapshare_area **area)
{
    if (!ms->area) {
        int error = mapshare_area_map(ms);
        if (error)
            return error;
    }
    *area = ms->area;
    return 0;
}

/* Whoever may only read the file can watch it, but not count itself as a watcher; so each notice asks the kernel to wake. */
int mapshare_notify(struct mapshare *ms)
{
    struct mapshare_area *area;
    int error = find_area(ms, &area);

    if (error == 0 && !ms->area_writable)
        error = -EACCES;
    if (error)
        return mapshare_result(error);
    atomic_fetch_add(&area->notices, 1);
    syscall(SYS_futex, lower_half(area), FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    return 0;
}

static struct timespec deadline_of(const struct timespec *timeout)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (__builtin_add_overflow(now.tv_sec, timeout->tv_sec, &now.tv_sec))
        now.tv_sec = LONG_MAX - 1;
    now.tv_nsec += timeout->tv_nsec;
    if (now.tv_nsec >= 1000000000) {
        now.tv_nsec -= 1000000000;
        now.tv_sec++;
    }
    return now;
}

int mapshare_watch(struct mapshare *ms, uint64_t *seen, const struct timespec *timeout)
{
    struct timespec deadline = {0};
    struct mapshare_area *area;
    int error = seen ? mapshare_check_timeout(timeout) : -EINVAL;

    if (error == 0)
        error = find_area(ms, &area);
    if (error)
        return mapshare_result(error);
    for (bool first = true;; first = false) {
        uint64_t now = atomic_load(&area->notices);

        if (now != *seen) {
            *seen = now;
            return 0;
        }
        if (first && timeout)
            deadline = deadline_of(timeout);
        /* By this operation alone is a deadline, not a duration, given to a futex. */
        if (syscall(SYS_futex, lower_half(area), FUTEX_WAIT_BITSET, (uint32_t)now, timeout ? &deadline : NULL, NULL,
                    FUTEX_BITSET_MATCH_ANY) &&
            errno != EAGAIN)
            return -1;
    }
}
