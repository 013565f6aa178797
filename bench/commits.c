/* Commits under load: by several processes, for a long time, with much else cached or dirty. */
#include "config.h"

#include "measure.h"

#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_SIZE ((size_t)1 << 20)

/* Commits of scattered pages one after the other, for long enough that everything behind them has to keep up. */
static void sustained(const struct settings *settings)
{
    size_t total = settings->size / PAGE, count = 0, room = 4096;
    unsigned seed = settings->seed;
    double *latencies = allocate(room, sizeof(*latencies));
    size_t *list = allocate(settings->pages, sizeof(*list));
    int fd = open_data(settings, "sustained", settings->size);
    char *memory = map_resident(fd, settings->size);
    sync_mapping(memory, settings->size);
    double begin = now_microseconds(), now = begin;
    while (now - begin < settings->seconds * 1e6) {
        scattered_pages(list, settings->pages, total, &seed);
        for (size_t page = 0; page < settings->pages; page++) {
            memory[list[page] * PAGE]++;
        }
        double before = now_microseconds();
        sync_mapping(memory, settings->size);
        now = now_microseconds();
        if (count == room) {
            room *= 2;
            latencies = realloc(latencies, room * sizeof(*latencies));
            if (latencies == NULL) {
                err(1, "memory");
            }
        }
        latencies[count++] = now - before;
    }
    sample("sustained, pages made durable", (double)(count * settings->pages) * 1e6 / (now - begin), "1/s");
    sample_distribution("sustained", latencies, count);
    unmap(memory, settings->size);
    close(fd);
    free(latencies);
    free(list);
}

static void time_small_syncs(const struct settings *settings, char *memory, int fd, const char *metric)
{
    for (unsigned i = 0; i < settings->repeats; i++) {
        memory[(i % (FILE_SIZE / PAGE)) * PAGE]++;
        double begin = now_microseconds();
        if (fsync(fd) != 0) {
            err(1, "fsync");
        }
        sample(metric, now_microseconds() - begin, "us");
    }
}

static void look_up(const struct settings *settings)
{
    char path[PATH_MAX];
    struct stat status;
    double begin = now_microseconds();
    for (size_t i = 0; i < settings->inodes; i++) {
        snprintf(path, sizeof(path), "%s/many/%zu/%zu", settings->directory, i / 1000, i);
        if (stat(path, &status) != 0) {
            err(1, "%s", path);
        }
    }
    sample("first look-up of a name", (now_microseconds() - begin) / (double)settings->inodes, "us");
}

/* Made in the store, before the mount. */
static void make_inodes(const struct settings *settings)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/many", settings->directory);
    mkdir(path, 0755);
    for (size_t i = 0; i < settings->inodes; i++) {
        if (i % 1000 == 0) {
            snprintf(path, sizeof(path), "%s/many/%zu", settings->directory, i / 1000);
            mkdir(path, 0755);
        }
        snprintf(path, sizeof(path), "%s/many/%zu/%zu", settings->directory, i / 1000, i);
        if (mknod(path, S_IFREG | 0644, 0) != 0 && access(path, F_OK) != 0) {
            err(1, "%s", path);
        }
    }
}

/* fsync of a small file alone, with many inodes cached, with many pages dirty in other files. */
static void crowded(const struct settings *settings)
{
    char metric[64];
    size_t others = 4, length = settings->pages / others * PAGE;
    char *other[4];
    int descriptors[4];
    int fd = open_data(settings, "small", FILE_SIZE);
    for (size_t i = 0; i < others; i++) {
        char name[32];
        snprintf(name, sizeof(name), "other-%zu", i);
        descriptors[i] = open_data(settings, name, length);
        other[i] = map_resident(descriptors[i], length);
        sync_mapping(other[i], length);
    }
    drop_caches(settings, "small", 1);
    char *memory = map_resident(fd, FILE_SIZE);
    time_small_syncs(settings, memory, fd, "fsync of a small file, alone");

    look_up(settings);
    snprintf(metric, sizeof(metric), "fsync of a small file, %zu inodes cached", settings->inodes);
    time_small_syncs(settings, memory, fd, metric);

    for (size_t i = 0; i < others; i++) {
        touch_pages(other[i], length);
        for (size_t offset = 0; offset < length; offset += PAGE) {
            other[i][offset]++;
        }
    }
    snprintf(metric, sizeof(metric), "fsync of a small file, %zu pages dirty", settings->pages);
    time_small_syncs(settings, memory, fd, metric);
    for (size_t i = 0; i < others; i++) {
        sync_mapping(other[i], length);
        unmap(other[i], length);
        close(descriptors[i]);
    }
    unmap(memory, FILE_SIZE);
    close(fd);
}

/* Writes and commits until somebody ends it: what a recovery is measured on. Prints a line when it has begun. */
static void fill_journal(const struct settings *settings)
{
    size_t total = settings->size / PAGE;
    unsigned seed = settings->seed;
    size_t *list = allocate(settings->pages, sizeof(*list));
    int fd = open_data(settings, "sustained", settings->size);
    char *memory = map_resident(fd, settings->size);
    double end = now_microseconds() + settings->seconds * 1e6;
    printf("begun\n");
    fflush(stdout);
    while (now_microseconds() < end) {
        scattered_pages(list, settings->pages, total, &seed);
        for (size_t page = 0; page < settings->pages; page++) {
            memory[list[page] * PAGE]++;
        }
        sync_mapping(memory, settings->size);
    }
    unmap(memory, settings->size);
    free(list);
    close(fd);
}

static void make_cold(const struct settings *settings)
{
    close(open_data(settings, "cold", settings->size));
}

static void make_sustained(const struct settings *settings)
{
    close(open_data(settings, "sustained", settings->size));
}

int main(int argc, char **argv)
{
    static const struct measure_case cases[] = {
        {"sustained", sustained},       {"crowded", crowded},         {"look-up", look_up},
        {"make-cold", make_cold},       {"make-inodes", make_inodes}, {"make-sustained", make_sustained},
        {"fill-journal", fill_journal},
    };
    return measure_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
