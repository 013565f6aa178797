/* Long work for one user is done in short pieces with rests between them: who wakes up meanwhile waits for a piece, where the kernel would let it wait for
 * slices of milliseconds, again and again, until both have had the same of a processor. */
#ifndef PACE_H
#define PACE_H

#include <stdint.h>
#include <time.h>

#include "clock.h"

#define PACE_PIECE 100000 /* nanoseconds */
#define PACE_REST 3       /* times as long as was worked */

/* Rests if a piece was done since *begun, when the next one begins. Without locks. */
static inline void pace_rest(int64_t *begun)
{
    int64_t worked = clock_nanoseconds() - *begun;
    struct timespec rest = {.tv_sec = worked * PACE_REST / 1000000000, .tv_nsec = worked * PACE_REST % 1000000000};

    if (worked < PACE_PIECE)
        return;
    nanosleep(&rest, NULL);
    *begun = clock_nanoseconds();
}

#endif
