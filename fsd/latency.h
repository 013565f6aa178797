/* How long things took, counted in fixed memory: sixteen buckets for each doubling, so that a bucket's bounds are a sixteenth apart. What a process counts
 * another may read meanwhile; mapshare-abi.h has the shape. */
#ifndef LATENCY_H
#define LATENCY_H

#include <stdatomic.h>
#include <stdint.h>

#include "clock.h"
#include "mapshare-abi.h"

#define LATENCY_STEPS 16u /* to a doubling */
#define LATENCY_STEPS_LOG 4
#define LATENCY_FIRST_LOG 10 /* all below 1,024 ns are in the first bucket */

struct latency {
    _Atomic uint64_t sum; /* nanoseconds */
    _Atomic uint64_t most;
    _Atomic uint64_t counts[MAPSHARE_ABI_LATENCY_BUCKETS];
};

static inline uint32_t latency_bucket(uint64_t nanoseconds)
{
    uint32_t log, bucket;

    if (nanoseconds >> LATENCY_FIRST_LOG == 0)
        return 0;
    log = 63 - (uint32_t)__builtin_clzll(nanoseconds);
    bucket = 1 + (log - LATENCY_FIRST_LOG) * LATENCY_STEPS + (nanoseconds >> (log - LATENCY_STEPS_LOG)) % LATENCY_STEPS;
    return bucket < MAPSHARE_ABI_LATENCY_BUCKETS ? bucket : MAPSHARE_ABI_LATENCY_BUCKETS - 1;
}

/* Where a bucket ends; it begins where the one before does. */
static inline uint64_t latency_end(uint32_t bucket)
{
    uint32_t log = bucket / LATENCY_STEPS + LATENCY_FIRST_LOG, step = bucket % LATENCY_STEPS;

    return ((uint64_t)LATENCY_STEPS + step) << (log - LATENCY_STEPS_LOG);
}

/* What began then has ended. A death between two of these stores costs a count and no more, so they are no points of tests/death. */
static inline __attribute__((no_sanitize("thread"))) void latency_add(struct latency *latency, uint64_t begun)
{
    uint64_t took = clock_nanoseconds() - begun, most = atomic_load_explicit(&latency->most, memory_order_relaxed);

    atomic_fetch_add_explicit(&latency->counts[latency_bucket(took)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&latency->sum, took, memory_order_relaxed);
    while (took > most &&
           !atomic_compare_exchange_weak_explicit(&latency->most, &most, took, memory_order_relaxed, memory_order_relaxed))
        ;
}

#endif
