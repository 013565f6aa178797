#include "config.h"

#include "latencies.h"

#include "latency.h"
#include "output.h"

#include <inttypes.h>
#include <stdio.h>

/* Of the buckets that Prometheus gets: each doubling from 8 us to 69 s. */
#define METRICS_FIRST_LOG 13
#define METRICS_LAST_LOG 36

const char *const latency_names[MAPSHARE_ABI_LATENCIES] = {
    [MAPSHARE_ABI_LATENCY_REQUEST] = "request", [MAPSHARE_ABI_LATENCY_COMMIT] = "commit", [MAPSHARE_ABI_LATENCY_STALL] = "stall"};

static const char *const helps[MAPSHARE_ABI_LATENCIES] = {
    [MAPSHARE_ABI_LATENCY_REQUEST] = "Time in which the daemon served a request, or put it aside.",
    [MAPSHARE_ABI_LATENCY_COMMIT] = "Time that a program waited in the daemon for its commit.",
    [MAPSHARE_ABI_LATENCY_STALL] = "Waits for room in memory or in the journal.",
};

static const struct {
    const char *name;
    unsigned thousandths;
} quantiles[] = {{"p50", 500}, {"p99", 990}, {"p99.9", 999}};

uint64_t latencies_count(const struct mapshare_abi_latency *latencies, enum mapshare_abi_latency_kind kind)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < MAPSHARE_ABI_LATENCY_BUCKETS; i++)
        count += latencies->of[kind].counts[i];
    return count;
}

uint64_t latencies_quantile(const struct mapshare_abi_latency *latencies, enum mapshare_abi_latency_kind kind, unsigned thousandths)
{
    uint64_t count = latencies_count(latencies, kind), most = latencies->of[kind].most, seen = 0;
    uint32_t bucket = 0;

    if (!count)
        return 0;
    while ((seen += latencies->of[kind].counts[bucket]) * 1000 < count * thousandths)
        bucket++;
    return latency_end(bucket) < most ? latency_end(bucket) : most;
}

void latencies_since(struct mapshare_abi_latency *latencies, const struct mapshare_abi_latency *before)
{
    for (int kind = 0; kind < MAPSHARE_ABI_LATENCIES; kind++) {
        latencies->of[kind].sum -= before->of[kind].sum;
        for (uint32_t i = 0; i < MAPSHARE_ABI_LATENCY_BUCKETS; i++)
            latencies->of[kind].counts[i] -= before->of[kind].counts[i];
    }
}

void latencies_print(const struct mapshare_abi_latency *latencies, int indent)
{
    for (int kind = 0; kind < MAPSHARE_ABI_LATENCIES; kind++) {
        char text[OUTPUT_DURATION_SIZE];

        printf("%-*s%" PRIu64, indent, latency_names[kind], latencies_count(latencies, kind));
        for (size_t i = 0; latencies->of[kind].most && i < sizeof quantiles / sizeof quantiles[0]; i++)
            printf(", %s %s", quantiles[i].name,
                   output_duration(text, latencies_quantile(latencies, kind, quantiles[i].thousandths)));
        if (latencies->of[kind].most)
            printf(", max %s", output_duration(text, latencies->of[kind].most));
        putchar('\n');
    }
}

static double seconds(uint64_t nanoseconds)
{
    return (double)nanoseconds / 1e9;
}

struct json_object *latencies_json(const struct mapshare_abi_latency *latencies)
{
    struct json_object *all = json_object_new_object();

    for (int kind = 0; kind < MAPSHARE_ABI_LATENCIES; kind++) {
        struct json_object *one = json_object_new_object();

        json_object_object_add(one, "count", json_object_new_uint64(latencies_count(latencies, kind)));
        json_object_object_add(one, "sum", json_object_new_double(seconds(latencies->of[kind].sum)));
        for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++)
            json_object_object_add(one, quantiles[i].name,
                                   json_object_new_double(seconds(latencies_quantile(latencies, kind, quantiles[i].thousandths))));
        json_object_object_add(one, "max", json_object_new_double(seconds(latencies->of[kind].most)));
        json_object_object_add(all, latency_names[kind], one);
    }
    return all;
}

void latencies_metrics(const struct mapshare_abi_latency *latencies, const char *labels)
{
    for (int kind = 0; kind < MAPSHARE_ABI_LATENCIES; kind++) {
        const uint64_t *counts = latencies->of[kind].counts;
        uint64_t seen = 0;
        uint32_t bucket = 0;

        printf("# HELP mapshare_%s_seconds %s\n# TYPE mapshare_%s_seconds histogram\n", latency_names[kind], helps[kind],
               latency_names[kind]);
        for (unsigned log = METRICS_FIRST_LOG; log <= METRICS_LAST_LOG; log++) {
            for (; bucket < MAPSHARE_ABI_LATENCY_BUCKETS - 1 && latency_end(bucket) <= 1ull << log; bucket++)
                seen += counts[bucket];
            printf("mapshare_%s_seconds_bucket{%s,le=\"%.9g\"} %" PRIu64 "\n", latency_names[kind], labels, seconds(1ull << log),
                   seen);
        }
        printf("mapshare_%s_seconds_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n", latency_names[kind], labels,
               latencies_count(latencies, kind));
        printf("mapshare_%s_seconds_sum{%s} %.9f\nmapshare_%s_seconds_count{%s} %" PRIu64 "\n", latency_names[kind], labels,
               seconds(latencies->of[kind].sum), latency_names[kind], labels, latencies_count(latencies, kind));
    }
}
