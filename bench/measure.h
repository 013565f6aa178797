/* What the measuring programs share: settings, the clock, samples, the file they work on.
 *
 * A program is called as PROGRAM CASE DIRECTORY [NAME=VALUE...], prints one line a sample (metric, value, unit, divided by tabs)
 * and exits non-zero when anything fails: a figure is either right or not there.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#define PAGE ((size_t)4096)

struct settings {
    const char *directory; /* where to measure */
    const char *store;     /* the folder behind a FUSE mount, whose caches must be dropped too; NULL: none */
    size_t size;           /* bytes of the file measured */
    size_t pages;          /* dirtied before a sync */
    size_t inodes;         /* made and looked up */
    unsigned repeats;      /* samples a run */
    unsigned processes;
    unsigned mappings; /* of one file */
    unsigned small;    /* 1: `data` shall be in the page cache in folios of one page */
    double seconds;    /* of a case that runs for a time */
    unsigned seed;
};

struct measure_case {
    const char *name;
    void (*run)(const struct settings *settings);
};

/** Runs the case that the arguments name. Returns the exit status. */
int measure_main(int argc, char **argv, const struct measure_case *cases, size_t count);

double now_microseconds(void);
void sample(const char *metric, double value, const char *unit);
/** Samples of `commit, WHAT, ...`: median, 99th of 100, 999th of 1,000, worst; from microseconds, which are sorted. */
void sample_distribution(const char *what, double *microseconds, size_t count);

/** The file `name` of the directory measured, `size` bytes long, all blocks written and durable. Open for reading and writing. */
/* From front to end in writes of `step` bytes, then fsync. */
void write_blocks(int fd, size_t size, size_t step);
int open_data(const struct settings *settings, const char *name, size_t size);

/** The file `data`, with the page cache as a program finds it that maps a file of yesterday: brought in by its own faults. */
int open_existing_data(const struct settings *settings);

/** Maps it shared, all pages present but clean. */
char *map_resident(int fd, size_t size);
char *map_shared(int fd, size_t size, int protection);
void unmap(void *address, size_t size);
void sync_mapping(void *address, size_t size);

/** Fills `list` with `count` page numbers below `total`, spread over all of it, no two adjacent where there is room. */
void scattered_pages(size_t *list, size_t count, size_t total, unsigned *seed);

/** Reads one byte of each page. */
void touch_pages(const char *address, size_t size);

/** Empties the page cache of the file, and of all others where that is permitted. With `inodes`, of names and inodes too. */
void drop_caches(const struct settings *settings, const char *name, int inodes);

/** Runs `work(index, argument)` in `count` processes at once and waits for all; fails when one fails. */
void in_processes(unsigned count, void (*work)(unsigned index, void *argument), void *argument);

void *allocate(size_t count, size_t size);

#endif
