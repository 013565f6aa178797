/* What passes between the worker's client and the probe: one message a question, one or more an answer. */
#ifndef PROBE_PROTOCOL_H
#define PROBE_PROTOCOL_H

#include <stdint.h>

#include "probe/probe.h"

#define RUNS_PER_ANSWER 1024
#define HELLO 0 /* the id of a new probe's first message */

struct question {
    uint64_t id, node, first;
    uint32_t generation, question, limit;
    char path[4096]; /* where handles are not permitted; else empty */
};

struct answer {
    uint64_t id;
    int32_t error;
    uint32_t more, count;
    struct probe_run runs[RUNS_PER_ANSWER];
};

#endif
