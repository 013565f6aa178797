/* Every state that a crash may leave is recovered to a commit that was acknowledged or begun later.
 *
 * CRASH_SEED (the first run's; else from the clock), CRASH_SECONDS (10), CRASH_STEPS (of each run; else 60 to 360), CRASH_STATES
 * (at each point). */
#include "config.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "sweep.h"

int main(void)
{
    uint64_t seed = sweep_knob("CRASH_SEED", (uint64_t)time(NULL) * 1000 + (uint64_t)getpid() % 1000);
    uint64_t seconds = sweep_knob("CRASH_SECONDS", 10);
    struct sweep sweep = {.states = (unsigned)sweep_knob("CRASH_STATES", 7)};
    const char *folder = sweep_folder();
    char reason[512];
    time_t end = time(NULL) + (time_t)seconds;
    unsigned runs = 0;
    printf("first seed %llu\n", (unsigned long long)seed);
    do {
        sweep.seed = seed + runs++;
        sweep.steps = (unsigned)sweep_knob("CRASH_STEPS", 60 + sweep.seed * 7 % 300);
        if (!sweep_run(&sweep, folder, reason, sizeof(reason))) {
            printf("FAILED: %s\nAgain with: CRASH_SEED=%llu\n", reason, (unsigned long long)sweep.seed);
            return 1;
        }
    } while (time(NULL) < end);
    printf("%u runs, %llu states, %llu with commits to replay, %llu recoveries interrupted: all as promised\n", runs,
           (unsigned long long)sweep.done, (unsigned long long)sweep.replayed, (unsigned long long)sweep.interrupted);
    return 0;
}
