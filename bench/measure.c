#include "config.h"

#include "measure.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

double now_microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

void sample(const char *metric, double value, const char *unit)
{
    printf("%s\t%.4f\t%s\n", metric, value, unit);
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

void sample_distribution(const char *what, double *microseconds, size_t count)
{
    static const struct {
        const char *name;
        double part;
    } places[] = {{"median", 0.5}, {"99th of 100", 0.99}, {"999th of 1000", 0.999}, {"worst", 1}};
    char metric[96];
    if (count == 0) {
        errx(1, "%s: nothing was measured", what);
    }
    qsort(microseconds, count, sizeof(*microseconds), ascending);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        size_t at = (size_t)((double)count * places[i].part);
        snprintf(metric, sizeof(metric), "commit, %s, %s", what, places[i].name);
        sample(metric, microseconds[at < count ? at : count - 1] / 1e3, "ms");
    }
}

void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        err(1, "memory");
    }
    return memory;
}

void write_blocks(int fd, size_t size, size_t step)
{
    char *block = allocate(1, step);
    memset(block, 'm', step);
    for (size_t done = 0; done < size;) {
        size_t length = size - done < step ? size - done : step;
        ssize_t written = pwrite(fd, block, length, (off_t)done);
        if (written <= 0) {
            err(1, "write");
        }
        done += (size_t)written;
    }
    if (fsync(fd) != 0) {
        err(1, "fsync");
    }
    free(block);
}

int open_data(const struct settings *settings, const char *name, size_t size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", settings->directory, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        err(1, "%s", path);
    }
    if ((size_t)status.st_size != size) {
        if (ftruncate(fd, (off_t)size) != 0) {
            err(1, "%s", path);
        }
        write_blocks(fd, size, 256 * PAGE);
    }
    return fd;
}

int open_existing_data(const struct settings *settings)
{
    int fd = open_data(settings, "data", settings->size);
    drop_caches(settings, "data", 0);
    if (settings->small) {
        write_blocks(fd, settings->size, PAGE);
    }
    return fd;
}

char *map_shared(int fd, size_t size, int protection)
{
    char *address = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
    if (address == MAP_FAILED) {
        err(1, "mmap");
    }
    return address;
}

char *map_resident(int fd, size_t size)
{
    char *address = map_shared(fd, size, PROT_READ | PROT_WRITE);
    touch_pages(address, size);
    return address;
}

void unmap(void *address, size_t size)
{
    if (munmap(address, size) != 0) {
        err(1, "munmap");
    }
}

void sync_mapping(void *address, size_t size)
{
    if (msync(address, size, MS_SYNC) != 0) {
        err(1, "msync");
    }
}

void touch_pages(const char *address, size_t size)
{
    for (size_t offset = 0; offset < size; offset += PAGE) {
        (void)*(const volatile char *)(address + offset);
    }
}

void scattered_pages(size_t *list, size_t count, size_t total, unsigned *seed)
{
    size_t room = total / count;
    for (size_t i = 0; i < count; i++) {
        list[i] = i * room + (room > 2 ? (size_t)rand_r(seed) % (room - 1) : 0);
    }
}

static void drop_file(const char *folder, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        err(1, "%s", path);
    }
    fsync(fd);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

void drop_caches(const struct settings *settings, const char *name, int inodes)
{
    drop_file(settings->directory, name);
    if (settings->store != NULL) {
        drop_file(settings->store, name);
    }
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (write(fd, inodes ? "3" : "1", 1) != 1) {
            err(1, "drop_caches");
        }
        close(fd);
    }
}

void in_processes(unsigned count, void (*work)(unsigned index, void *argument), void *argument)
{
    fflush(stdout);
    for (unsigned i = 0; i < count; i++) {
        pid_t child = fork();
        if (child < 0) {
            err(1, "fork");
        }
        if (child == 0) {
            work(i, argument);
            fflush(stdout);
            _exit(0);
        }
    }
    int failed = 0;
    for (unsigned i = 0; i < count; i++) {
        int status;
        if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            failed = 1;
        }
    }
    if (failed) {
        errx(1, "a process failed");
    }
}

static void set(struct settings *settings, const char *argument)
{
    const char *value = strchr(argument, '=');
    size_t length = value != NULL ? (size_t)(value - argument) : 0;
    if (value == NULL || *++value == '\0') {
        errx(2, "%s: NAME=VALUE expected", argument);
    }
    double number = atof(value);
    if (length == 5 && memcmp(argument, "store", 5) == 0) {
        settings->store = value;
    } else if (length == 4 && memcmp(argument, "size", 4) == 0) {
        settings->size = (size_t)number;
    } else if (length == 5 && memcmp(argument, "pages", 5) == 0) {
        settings->pages = (size_t)number;
    } else if (length == 6 && memcmp(argument, "inodes", 6) == 0) {
        settings->inodes = (size_t)number;
    } else if (length == 7 && memcmp(argument, "repeats", 7) == 0) {
        settings->repeats = (unsigned)number;
    } else if (length == 9 && memcmp(argument, "processes", 9) == 0) {
        settings->processes = (unsigned)number;
    } else if (length == 8 && memcmp(argument, "mappings", 8) == 0) {
        settings->mappings = (unsigned)number;
    } else if (length == 5 && memcmp(argument, "small", 5) == 0) {
        settings->small = (unsigned)number;
    } else if (length == 7 && memcmp(argument, "seconds", 7) == 0) {
        settings->seconds = number;
    } else if (length == 4 && memcmp(argument, "seed", 4) == 0) {
        settings->seed = (unsigned)number;
    } else {
        errx(2, "%s: no such setting", argument);
    }
}

int measure_main(int argc, char **argv, const struct measure_case *cases, size_t count)
{
    struct settings settings = {.size = (size_t)64 << 20,
                                .pages = 16,
                                .inodes = 100000,
                                .repeats = 5,
                                .processes = 1,
                                .mappings = 1000,
                                .seconds = 1,
                                .seed = 1};
    if (argc < 3) {
        fprintf(stderr, "usage: %s CASE DIRECTORY [NAME=VALUE...]\ncases:", argv[0]);
        for (size_t i = 0; i < count; i++) {
            fprintf(stderr, " %s", cases[i].name);
        }
        fprintf(stderr, "\n");
        return 2;
    }
    settings.directory = argv[2];
    for (int i = 3; i < argc; i++) {
        set(&settings, argv[i]);
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(cases[i].name, argv[1]) == 0) {
            cases[i].run(&settings);
            return fflush(stdout) == 0 ? 0 : 1;
        }
    }
    errx(2, "%s: no such case", argv[1]);
}
