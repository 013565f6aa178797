#include "config.h"

#include "file/times.h"

#include <stdatomic.h>

/* The last mark that was seen of the store: where the kernel has the change told apart, it stamps finer than by its coarse clock. */
static _Atomic int64_t newest = INT64_MIN;

static struct timespec read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return now;
}

static int64_t nanoseconds(struct timespec at)
{
    return at.tv_sec * 1000000000ll + at.tv_nsec;
}

int64_t time_now(void)
{
    return time_pack(read_clock(CLOCK_REALTIME));
}

int64_t time_mark(int64_t earlier)
{
    int64_t now = time_pack(read_clock(CLOCK_REALTIME_COARSE)), last = atomic_load_explicit(&newest, memory_order_relaxed);

    if (earlier && last < earlier)
        last = earlier;
    return last > now && last <= time_now() ? last : now; /* later than the clock: it was set back */
}

void time_seen(struct timespec mark)
{
    int64_t seen = time_pack(mark), last = atomic_load_explicit(&newest, memory_order_relaxed);

    if (seen <= last || seen > time_now())
        return;
    while (seen > last && !atomic_compare_exchange_weak_explicit(&newest, &last, seen, memory_order_relaxed, memory_order_relaxed))
        continue;
}

int64_t time_coarse(void)
{
    return nanoseconds(read_clock(CLOCK_MONOTONIC_COARSE));
}
