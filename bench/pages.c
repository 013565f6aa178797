/* What a page costs: resident, first touched, brought in from the disk, made durable. */
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

/* Stores and loads all over pages that are present and dirty: no file system should have a part in them. */
static void resident(const struct settings *settings)
{
    size_t words = settings->size / sizeof(uint64_t);
    size_t accesses = (size_t)1 << 21;
    int fd = open_existing_data(settings);
    volatile uint64_t *memory = (uint64_t *)map_resident(fd, settings->size);
    for (size_t offset = 0; offset < words; offset += PAGE / sizeof(uint64_t)) {
        memory[offset] = offset;
    }
    for (unsigned i = 0; i < settings->repeats; i++) {
        double begin = now_microseconds();
        for (size_t access = 0, at = 0; access < accesses; access++, at = (at + 40503) % words) {
            memory[at] = access;
        }
        double middle = now_microseconds();
        for (size_t access = 0, at = 0; access < accesses; access++, at = (at + 40503) % words) {
            (void)memory[at];
        }
        double end = now_microseconds();
        sample("resident store", (middle - begin) * 1e3 / (double)accesses, "ns");
        sample("resident load", (end - middle) * 1e3 / (double)accesses, "ns");
    }
    sync_mapping((void *)memory, settings->size);
    unmap((void *)memory, settings->size);
    close(fd);
}

/* Touches of a new mapping whose pages are in the page cache. */
static void faults(const struct settings *settings)
{
    double pages = (double)(settings->size / PAGE);
    int fd = open_existing_data(settings);
    char *memory = map_resident(fd, settings->size);
    sync_mapping(memory, settings->size);
    unmap(memory, settings->size);
    for (unsigned i = 0; i < settings->repeats; i++) {
        memory = map_shared(fd, settings->size, PROT_READ | PROT_WRITE);
        double begin = now_microseconds();
        touch_pages(memory, settings->size);
        sample("minor fault", (now_microseconds() - begin) / pages, "us");
        unmap(memory, settings->size);

        memory = map_shared(fd, settings->size, PROT_READ | PROT_WRITE);
        begin = now_microseconds();
        for (size_t offset = 0; offset < settings->size; offset += PAGE) {
            memory[offset] = (char)i;
        }
        sample("first-touch write fault", (now_microseconds() - begin) / pages, "us");
        sync_mapping(memory, settings->size);
        unmap(memory, settings->size);
    }
    close(fd);
}

static void sync_pages(const struct settings *settings)
{
    size_t total = settings->size / PAGE;
    unsigned seed = settings->seed;
    char metric[64];
    if (settings->pages >= total) {
        snprintf(metric, sizeof(metric), "msync %zu MiB contiguous", settings->size >> 20);
    } else {
        snprintf(metric, sizeof(metric), "msync %zu page%s", settings->pages, settings->pages == 1 ? "" : "s scattered");
    }
    int fd = open_existing_data(settings);
    char *memory = map_resident(fd, settings->size);
    sync_mapping(memory, settings->size);
    size_t *list = allocate(settings->pages, sizeof(*list));
    for (unsigned i = 0; i < settings->repeats; i++) {
        scattered_pages(list, settings->pages, total, &seed);
        for (size_t page = 0; page < settings->pages; page++) {
            memory[list[page] * PAGE + (size_t)rand_r(&seed) % PAGE]++;
        }
        double begin = now_microseconds();
        sync_mapping(memory, settings->size);
        sample(metric, now_microseconds() - begin, "us");
    }
    free(list);
    unmap(memory, settings->size);
    close(fd);
}

/* `cold` was made in the store before the mount, so a daemon has never seen its pages. */
static void cold_sequential(const struct settings *settings)
{
    int fd = open_data(settings, "cold", settings->size);
    for (unsigned i = 0; i < settings->repeats; i++) {
        drop_caches(settings, "cold", 0);
        char *memory = map_shared(fd, settings->size, PROT_READ);
        double begin = now_microseconds();
        touch_pages(memory, settings->size);
        sample("cold sequential fault", (double)settings->size / (now_microseconds() - begin), "MB/s");
        unmap(memory, settings->size);
    }
    close(fd);
}

static void cold_random(const struct settings *settings)
{
    size_t touches = 512;
    unsigned seed = settings->seed;
    int fd = open_data(settings, "cold", settings->size);
    size_t *list = allocate(touches, sizeof(*list));
    for (unsigned i = 0; i < settings->repeats; i++) {
        drop_caches(settings, "cold", 0);
        char *memory = map_shared(fd, settings->size, PROT_READ);
        madvise(memory, settings->size, MADV_RANDOM);
        scattered_pages(list, touches, settings->size / PAGE, &seed);
        double begin = now_microseconds();
        for (size_t touch = 0; touch < touches; touch++) {
            (void)*(volatile char *)(memory + list[touch * 211 % touches] * PAGE);
        }
        sample("cold random fault", (now_microseconds() - begin) / (double)touches, "us");
        unmap(memory, settings->size);
    }
    free(list);
    close(fd);
}

static void page_write(const struct settings *settings)
{
    size_t writes = 2000;
    char page[PAGE];
    unsigned seed = settings->seed;
    memset(page, 'w', sizeof(page));
    int fd = open_data(settings, "data", settings->size);
    for (unsigned i = 0; i < settings->repeats; i++) {
        double begin = now_microseconds();
        for (size_t write = 0; write < writes; write++) {
            size_t at = (size_t)rand_r(&seed) % (settings->size / PAGE);
            if (pwrite(fd, page, sizeof(page), (off_t)(at * PAGE)) != (ssize_t)sizeof(page)) {
                err(1, "pwrite");
            }
        }
        sample("pwrite 4 KiB", (now_microseconds() - begin) / (double)writes, "us");
        if (fsync(fd) != 0) {
            err(1, "fsync");
        }
    }
    close(fd);
}

/* A file written from front to end, when it is new and when it is not. */
static void stream(const struct settings *settings)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/stream", settings->directory);
    for (unsigned i = 0; i < settings->repeats; i++) {
        unlink(path);
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0) {
            err(1, "%s", path);
        }
        double begin = now_microseconds();
        write_blocks(fd, settings->size, 256 * PAGE);
        double middle = now_microseconds();
        write_blocks(fd, settings->size, 256 * PAGE);
        sample("new file written, fsync", (double)settings->size / (middle - begin), "MB/s");
        sample("file overwritten, fsync", (double)settings->size / (now_microseconds() - middle), "MB/s");
        close(fd);
    }
    unlink(path);
}

#define RUN_PAGES 16
#define RUNS 16

/* What a kernel with large folios sends for stores to a page of each: whole runs, of which one page differs. */
static void runs(const struct settings *settings)
{
    static char run[RUN_PAGES * PAGE];
    char metric[64];
    unsigned seed = settings->seed;
    size_t list[RUNS];
    int fd = open_data(settings, "data", settings->size);
    scattered_pages(list, RUNS, settings->size / sizeof(run), &seed);
    snprintf(metric, sizeof(metric), "%d runs of 64 KiB, %zu of 16 pages differ", RUNS, settings->pages);
    for (unsigned i = 0; i < settings->repeats; i++) {
        for (size_t page = 0; page < settings->pages; page++)
            run[(page * 7 + 5) % RUN_PAGES * PAGE + (size_t)rand_r(&seed) % PAGE]++;
        double begin = now_microseconds();
        for (size_t at = 0; at < RUNS; at++) {
            if (pwrite(fd, run, sizeof(run), (off_t)(list[at] * sizeof(run))) != sizeof(run)) {
                err(1, "pwrite");
            }
        }
        if (fsync(fd) != 0) {
            err(1, "fsync");
        }
        if (i > 0) { /* the first finds other bytes */
            sample(metric, now_microseconds() - begin, "us");
        }
    }
    close(fd);
}

/* stat(2) when nothing changed, and after a store and its msync. */
static void status(const struct settings *settings)
{
    size_t calls = 1000;
    struct stat status;
    int fd = open_data(settings, "data", settings->size);
    char *memory = map_resident(fd, settings->size);
    for (unsigned i = 0; i < settings->repeats; i++) {
        fstat(fd, &status);
        double begin = now_microseconds();
        for (size_t call = 0; call < calls; call++) {
            fstat(fd, &status);
        }
        sample("fstat, nothing changed", (now_microseconds() - begin) / (double)calls, "us");
        double spent = 0;
        for (size_t call = 0; call < calls / 10; call++) {
            memory[call * PAGE]++;
            sync_mapping(memory + call * PAGE, PAGE);
            begin = now_microseconds();
            fstat(fd, &status);
            spent += now_microseconds() - begin;
        }
        sample("fstat after a store and msync", spent / (double)(calls / 10), "us");
    }
    unmap(memory, settings->size);
    close(fd);
}

int main(int argc, char **argv)
{
    static const struct measure_case cases[] = {
        {"resident", resident},
        {"faults", faults},
        {"msync", sync_pages},
        {"cold-sequential", cold_sequential},
        {"cold-random", cold_random},
        {"pwrite", page_write},
        {"stat", status},
        {"stream", stream},
        {"runs", runs},
    };
    return measure_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
