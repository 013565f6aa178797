/* The sweep notices what it is there for: with each mutation of the promises' keeper, some state is not as promised.
 *
 * CRASH_SEED (the first run's; 1, so that a build either notices or not), CRASH_RUNS (at most, for each mutation), CRASH_MUTATION
 * (only this one, by name). */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep.h"

int main(void)
{
    uint64_t seed = sweep_knob("CRASH_SEED", 1);
    uint64_t runs = sweep_knob("CRASH_RUNS", 200);
    const char *only = getenv("CRASH_MUTATION");
    const char *folder = sweep_folder();
    int missed = 0;
    printf("first seed %llu\n", (unsigned long long)seed);
    for (mutation = NO_MUTATION + 1; mutation < MUTATIONS; mutation++) {
        struct sweep sweep = {.steps = 160, .states = 7};
        char reason[512];
        bool caught = false;
        uint64_t run = 0;
        if (only != NULL && strcmp(only, mutation_names[mutation]) != 0)
            continue;
        for (; run < runs && !caught; run++) {
            sweep.seed = seed + run;
            caught = !sweep_run(&sweep, folder, reason, sizeof(reason));
        }
        printf("%-30s %s after %llu runs, %llu states%s%s\n", mutation_names[mutation], caught ? "caught" : "MISSED",
               (unsigned long long)run, (unsigned long long)sweep.done, caught ? ": " : "", caught ? reason : "");
        fflush(stdout);
        missed += !caught;
    }
    return missed == 0 ? 0 : 1;
}
