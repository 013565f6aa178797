/* The points at which a worker can be made to die: what the daemon's runtime (points.c) and the test (sweep.c) share.
 *
 * A point stands before every store to memory that outlives the worker (the arena, the spill file), in the middle of every copy to it,
 * and before and after every call that answers the kernel or changes something outside. Points of all threads are counted together. */
#ifndef DEATH_POINTS_H
#define DEATH_POINTS_H

#include <stdatomic.h>
#include <stdint.h>

#define POINTS_VARIABLE "MAPSHARE_DEATH_POINTS" /* in the daemon's environment: the file that holds a struct death_control */
#define DEATHS_MAX 4
#define DEATH_STACK 24

/* Where a worker died. */
struct death {
    uint64_t point;
    char what[32];               /* a call's name, or "store" */
    int64_t offset;              /* of a store, in the memory that it goes to */
    uint32_t depth;              /* of the stack */
    uint64_t stack[DEATH_STACK]; /* the innermost first; from the start of the program, for addr2line */
};

struct death_control {
    _Atomic uint32_t armed;      /* points are counted */
    _Atomic uint32_t deaths;     /* since it was armed */
    _Atomic uint64_t count;      /* points that this worker passed; from 0 again when one starts */
    uint64_t die_at[DEATHS_MAX]; /* the point at which the first worker, the next one... dies; 0: it lives */
    struct death died[DEATHS_MAX];
};

#endif
