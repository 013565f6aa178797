/* What top has seen of a mount at one moment. */
#ifndef CLI_TOP_SAMPLE_H
#define CLI_TOP_SAMPLE_H

#include "file_table.h"
#include "statistics.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct sample {
    struct statistics statistics;
    struct file_table files;
    int files_error; /* why there are none */
    struct mapshare_abi_latency latencies;
    struct timespec taken;
};

/* By key; the last is free. What is left of the arena is clean: kept for reads. */
#define FRAME_STATES 5
struct frame_state {
    const char *key, *name;
    char letter;
    short colour;
};
extern const struct frame_state frame_states[FRAME_STATES];

/* 0 or -errno: of the figures; that there are no files is told in the sample. */
int sample_take(const char *mount_point, struct sample *out);
void sample_free(struct sample *sample);
uint64_t sample_number(const struct sample *sample, const char *key);
uint64_t sample_frames_clean(const struct sample *sample);
double sample_seconds(const struct sample *before, const struct sample *after);
/* The next line of a user's figures; `at`: 0 to begin with. False: there is none. `over`: the user has more than a share. */
#define SAMPLE_LINE_SIZE 256
bool sample_user_line(const struct sample *sample, size_t *at, char text[SAMPLE_LINE_SIZE], bool *over);
unsigned sample_percent(uint64_t part, uint64_t whole);
const char *sample_files_problem(const struct sample *sample);

#define RATE_SECONDS_LEAST 0.25 /* over less, a single commit looks like thousands */

#endif
