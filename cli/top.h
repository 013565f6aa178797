/* What top has seen of a mount at one moment, and its picture on a terminal. */
#ifndef CLI_TOP_H
#define CLI_TOP_H

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

uint64_t sample_number(const struct sample *sample, const char *key);
uint64_t sample_frames_clean(const struct sample *sample);
double sample_seconds(const struct sample *before, const struct sample *after);
/* The next line of a user's figures; `at`: 0 to begin with. False: there is none. `over`: the user has more than a share. */
#define SAMPLE_LINE_SIZE 256
bool sample_user_line(const struct sample *sample, size_t *at, char text[SAMPLE_LINE_SIZE], bool *over);
unsigned sample_percent(uint64_t part, uint64_t whole);
const char *sample_files_problem(const struct sample *sample);

#define RATE_SECONDS_LEAST 0.25 /* over less, a single commit looks like thousands */

/* The last minute, a value a second, the newest last. */
#define HISTORY_LENGTH 60u
enum series { SERIES_COMMITS, SERIES_BYTES, SERIES_P50, SERIES_P99, SERIES_COUNT }; /* a second; nanoseconds that commits took */
struct history {
    unsigned count;
    double values[SERIES_COUNT][HISTORY_LENGTH];
};
void history_add(struct history *history, const struct sample *before, const struct sample *after);
double history_last(const struct history *history, enum series series);
/* The newest ones as a line of as many cells, at the right end of the row. */
void history_draw(const struct history *history, enum series series, int row, int from);

/* What is looked at, as keys chose it. */
#define FILTER_SIZE 64
struct view {
    enum file_order order;
    char filter[FILTER_SIZE]; /* only files whose path has it */
    bool asks;                /* it is being typed */
    uint64_t chosen;          /* inode number of a file; 0: the first one */
    bool shows_map;           /* of that one */
};
/* Does what the key means to it. False: nothing, the caller's turn. */
bool view_key(struct view *view, int key, const struct sample *sample);
/* The file's place among those that are shown, from 0; -1: it is not shown. */
int view_place(const struct view *view, const struct sample *sample, const struct file_entry **entry);
bool view_shows(const struct view *view, const struct file_entry *entry);

void screen_prepare(void);
/* `before` is what the rates are relative to. */
void screen_draw(const struct sample *before, const struct sample *after, const struct history *history, const char *mount_point,
                 const struct view *view);
/* Text at a row, if the row is above the footer. Returns the next row. */
int screen_text(int row, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The files from this row on, as many as there is room for; or the chosen one's pages, on all of the screen. */
void files_draw(const struct sample *sample, const struct view *view, int row);
void map_draw(const struct sample *sample, const struct view *view, const char *mount_point);
void footer_draw(const struct view *view);
/* The colour of a state's letter. */
short screen_pair(char letter);

#endif
