#include "config.h"

#include "file/times.h"

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return time_pack(now);
}

int64_t time_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t time_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t time_coarse(void)
{
    return read_clock(CLOCK_MONOTONIC_COARSE);
}
