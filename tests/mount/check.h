/* What the test programs of this folder share: checks that say where they failed, and pages with a known content. */
#ifndef MAPSHARE_TESTS_CHECK_H
#define MAPSHARE_TESTS_CHECK_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

#define CHECK(condition, ...)                                              \
    do {                                                                   \
        if (!(condition))                                                  \
            check_failed(__FILE__, __LINE__, #condition, " " __VA_ARGS__); \
    } while (0)

__attribute__((noreturn, format(printf, 4, 5), unused)) static void check_failed(const char *file, int line, const char *condition,
                                                                                 const char *format, ...)
{
    int error = errno;
    va_list arguments;

    fflush(stdout);
    fprintf(stderr, "%s:%d: failed: %s (errno %s)", file, line, condition, strerrorname_np(error));
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    _exit(1);
}

/* What was printed before a kill or between forks is neither lost nor doubled. */
__attribute__((constructor)) static void print_by_lines(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
}

/* TRY prints the call and what came of it, for comparison with another file system. */
#define TRY(call)                                               \
    do {                                                        \
        long long try_result = (long long)(call);               \
        if (try_result < 0)                                     \
            printf("%s = %s\n", #call, strerrorname_np(errno)); \
        else                                                    \
            printf("%s = %lld\n", #call, try_result);           \
    } while (0)

/* As TRY where success is a descriptor, whose number says nothing: prints ok and closes it. */
#define TRY_OPEN(call)                                                          \
    do {                                                                        \
        int try_fd = (call);                                                    \
        printf("%s = %s\n", #call, try_fd < 0 ? strerrorname_np(errno) : "ok"); \
        if (try_fd >= 0)                                                        \
            close(try_fd);                                                      \
    } while (0)

/* Prints what stat says, without what rightly differs between file systems. */
__attribute__((unused)) static void show(const char *path)
{
    struct stat status;
    char target[PAGE];
    ssize_t length;

    if (lstat(path, &status) < 0) {
        printf("stat %.40s: %s\n", path, strerrorname_np(errno));
        return;
    }
    printf("stat %.40s: mode %o links %lu owner %u:%u device %lx", path, status.st_mode, (unsigned long)status.st_nlink,
           status.st_uid, status.st_gid, (unsigned long)status.st_rdev);
    if (S_ISREG(status.st_mode))
        printf(" size %lld", (long long)status.st_size);
    if (S_ISLNK(status.st_mode) && (length = readlink(path, target, sizeof(target))) >= 0)
        printf(" size %lld target %.*s", (long long)status.st_size, (int)(length > 60 ? 60 : length), target);
    putchar('\n');
}

__attribute__((unused)) static int make_file(const char *path, off_t size)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    CHECK(fd >= 0, "%s", path);
    CHECK(ftruncate(fd, size) == 0, "%s", path);
    return fd;
}

__attribute__((unused)) static void *map_shared(int fd, size_t length)
{
    void *address = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    CHECK(address != MAP_FAILED);
    return address;
}

/* A page whose every word tells its number and its generation. */
__attribute__((unused)) static void stamp_page(void *page, uint64_t number, uint64_t generation)
{
    volatile uint64_t *words = page;

    for (size_t i = 0; i < PAGE / sizeof(*words); i++)
        words[i] = (generation << 24) + number;
}

/* The generation a page carries; -1 where its words differ or belong to another page. */
__attribute__((unused)) static int64_t stamp_of(const void *page, uint64_t number)
{
    const uint64_t *words = page;

    for (size_t i = 1; i < PAGE / sizeof(*words); i++)
        if (words[i] != words[0])
            return -1;
    if (words[0] == 0)
        return 0;
    return (words[0] & 0xffffff) == number ? (int64_t)(words[0] >> 24) : -1;
}

__attribute__((unused)) static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

/* Random numbers from a seed that is printed, so that a failure can be repeated (SEED in the environment). */
__attribute__((unused)) static uint64_t random_seed(void)
{
    const char *given = getenv("SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();

    fprintf(stderr, "seed: SEED=%llu\n", (unsigned long long)seed);
    return seed | 1;
}

__attribute__((unused)) static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* For programs whose mount the test takes away: the end comes as SIGBUS or as one of these errors, and is a success. */
__attribute__((unused)) static void gone(int signal)
{
    (void)signal;
    _exit(0);
}

__attribute__((unused)) static void done_if(bool failed, const char *what)
{
    if (!failed)
        return;
    if (errno == ENOTCONN || errno == ECONNABORTED || errno == EIO)
        _exit(0);
    CHECK(false, "%s", what);
}

#endif
