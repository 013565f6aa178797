/* How long requests, commits and waits for room took: told to people and to programs. */
#ifndef CLI_LATENCIES_H
#define CLI_LATENCIES_H

#include <json-c/json.h>
#include <stdint.h>

#include "mapshare-abi.h"

extern const char *const latency_names[MAPSHARE_ABI_LATENCIES];

uint64_t latencies_count(const struct mapshare_abi_latency *latencies, enum mapshare_abi_latency_kind kind);
/* Nanoseconds that so many of a thousand took at most, to a sixteenth; 0: there are none. */
uint64_t latencies_quantile(const struct mapshare_abi_latency *latencies, enum mapshare_abi_latency_kind kind,
                            unsigned thousandths);
/* What came since; without the longest, which is of all. */
void latencies_since(struct mapshare_abi_latency *latencies, const struct mapshare_abi_latency *before);

/* A line for each kind, with `indent` columns for its name. */
void latencies_print(const struct mapshare_abi_latency *latencies, int indent);
struct json_object *latencies_json(const struct mapshare_abi_latency *latencies);
/* As histograms in the text format of Prometheus; `labels` without braces. */
void latencies_metrics(const struct mapshare_abi_latency *latencies, const char *labels);

#endif
