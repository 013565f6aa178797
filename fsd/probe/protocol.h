/* What passes between the worker's client and the probe's lanes: one message a question, which is for a slice of work, and one its answer. */
#ifndef PROBE_PROTOCOL_H
#define PROBE_PROTOCOL_H

#include <stdint.h>

#include "probe/probe.h"

#define LANES 4 /* processes that ask at a time */
#define RUNS_PER_ANSWER 512
#define SLICE_PAGES 1024          /* of a PULL: so many dirty ones at most */
#define SLICE_NANOSECONDS 3000000 /* of a DIRTY: then the answer tells where to go on */
#define HELLO 0                   /* the id of a new probe's first message */

struct question {
    uint64_t id, node, first;
    uint32_t generation, question;
    char path[4096]; /* where handles are not permitted; else empty */
};

struct answer {
    uint64_t id;
    uint64_t next; /* page from which to go on; 0: all is done */
    uint64_t nanoseconds;
    int32_t error;
    uint32_t count;
    struct probe_run runs[RUNS_PER_ANSWER];
};

#endif
