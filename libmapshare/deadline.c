#include "config.h"

#include "deadline.h"

#include <limits.h>

#define SECOND 1000000000

int mapshare_check_time(const struct timespec *time)
{
    return time && (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= SECOND) ? -EINVAL : 0;
}

struct timespec mapshare_deadline_in(const struct timespec *timeout)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (__builtin_add_overflow(now.tv_sec, timeout->tv_sec, &now.tv_sec))
        now.tv_sec = LONG_MAX - 1;
    now.tv_nsec += timeout->tv_nsec;
    if (now.tv_nsec >= SECOND) {
        now.tv_nsec -= SECOND;
        now.tv_sec++;
    }
    return now;
}

struct timespec mapshare_earlier(const struct timespec *deadline, struct timespec other)
{
    if (!deadline || deadline->tv_sec > other.tv_sec || (deadline->tv_sec == other.tv_sec && deadline->tv_nsec > other.tv_nsec))
        return other;
    return *deadline;
}

int64_t mapshare_time_left(const struct timespec *deadline)
{
    struct timespec now;
    int64_t left;

    if (!deadline)
        return INT64_MAX;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (__builtin_mul_overflow((int64_t)(deadline->tv_sec - now.tv_sec), (int64_t)SECOND, &left) ||
        __builtin_add_overflow(left, (int64_t)(deadline->tv_nsec - now.tv_nsec), &left))
        return deadline->tv_sec > now.tv_sec ? INT64_MAX : 0;
    return left > 0 ? left : 0;
}
