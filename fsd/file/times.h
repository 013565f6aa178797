/* Moments, in one word each: nanoseconds since 1970. */
#ifndef FILE_TIMES_H
#define FILE_TIMES_H

#include <stdint.h>
#include <time.h>

int64_t time_now(void); /* CLOCK_REALTIME, nanoseconds */
int64_t time_monotonic(void);
int64_t time_coarse(void); /* monotonic, to a few milliseconds, but cheap enough for each WRITE */

static inline int64_t time_pack(struct timespec at)
{
    int64_t seconds = at.tv_sec;

    if (seconds > INT64_MAX / 1000000000 - 1)
        return INT64_MAX / 1000000000 * 1000000000;
    if (seconds < INT64_MIN / 1000000000 + 1)
        return INT64_MIN / 1000000000 * 1000000000;
    return seconds * 1000000000 + at.tv_nsec;
}

static inline struct timespec time_unpack(int64_t nanoseconds)
{
    int64_t seconds = nanoseconds / 1000000000, rest = nanoseconds % 1000000000;

    if (rest < 0)
        seconds--, rest += 1000000000;
    return (struct timespec){seconds, rest};
}

#endif
