/* The sweep: runs the model, then recovers from the states that crashes at each point may leave. */
#ifndef CRASH_SWEEP_H
#define CRASH_SWEEP_H

#include "model.h"

struct sweep {
    uint64_t seed;
    unsigned steps;       /* of the model */
    unsigned states;      /* at each point of the record */
    uint64_t done;        /* out: states recovered from */
    uint64_t interrupted; /* out: recoveries interrupted by another crash */
    uint64_t replayed;    /* out: recoveries that had commits to replay */
};

/* True if all states were recovered to what was promised; else the reason is in `reason`. */
bool sweep_run(struct sweep *sweep, const char *folder, char *reason, size_t reason_size);

/* An empty folder on a fast file system, for sweep_run; removed at exit. */
const char *sweep_folder(void);
/* A number from the environment. */
uint64_t sweep_knob(const char *name, uint64_t otherwise);

#endif
