/* The checks of the time stamp rules T1 to T8: each is a function that EXPECTs; of it comes a row, PASS or FAIL and its name. */
#ifndef MAPSHARE_TESTS_TIMES_H
#define MAPSHARE_TESTS_TIMES_H

#include "../mount/check.h"

struct check {
    const char *name;
    void (*run)(void);
};

extern const struct check store_checks[], call_checks[], kept_checks[]; /* each ends with a NULL name */

/* Why the running check failed; empty while it holds. Shared with the process that runs it. */
#define FAILURE_SIZE 300
extern char *failure;

__attribute__((format(printf, 2, 3))) void explain(int line, const char *format, ...); /* keeps the first explanation */

#define EXPECT(condition, ...)              \
    do {                                    \
        if (!(condition)) {                 \
            explain(__LINE__, __VA_ARGS__); \
            return;                         \
        }                                   \
    } while (0)

/* File systems stamp with the coarse clock, which lags by up to a tick: lower bounds come from it, upper ones from the exact one. */
struct timespec coarse_now(void);
struct timespec exact_now(void);

/* Returns after the coarse clock moved: stamps made before and after can be told apart. */
void next_tick(void);

int compare_times(struct timespec a, struct timespec b);
struct stat status_of(const char *path);
struct stat status_of_fd(int fd);

/* Both mtime and ctime within the bounds, both ends included. */
void expect_marked(struct stat status, struct timespec from, struct timespec to);
/* Neither mtime nor ctime moved. */
void expect_unmarked(struct stat before, struct stat after);

/* A file of that many pages, with content, synced; its times well before now. Returns it open for reading and writing. */
int settled_file(const char *path, int pages);

#endif
