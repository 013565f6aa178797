/* Commits the numbers 1, 2, 3... and says outside the store which were acknowledged.
 *
 *   write FILE ACKS   each number into PAGES pages, msync, then the line "NUMBER" to ACKS; "E NUMBER ERRNO" where it failed, and again. Goes on from what
 *                     FILE has: "F NUMBER". SIGTERM ends it between two commits.
 *   check FILE        prints the number; all pages must have the same
 *   time FILE COUNT PAGES   microseconds of COUNT commits of so many pages, one a line
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGES 8
#define PAGE 4096
#define RETRY_MICROSECONDS 50000

static volatile sig_atomic_t ended;

static void end(int signal)
{
    (void)signal;
    ended = 1;
}

static int fail(const char *what)
{
    perror(what);
    return 2;
}

/* A page has the number at its beginning, and mixed with its own place in the middle. */
static void store(unsigned char *pages, uint64_t number, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t mixed = number ^ i;
        memcpy(pages + i * PAGE, &number, sizeof number);
        memcpy(pages + i * PAGE + PAGE / 2, &mixed, sizeof mixed);
    }
}

static int write_numbers(const char *name, const char *acks)
{
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644), out = open(acks, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    uint64_t number;

    if (fd < 0 || out < 0 || ftruncate(fd, PAGES * PAGE))
        return fail(name);
    unsigned char *pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (pages == MAP_FAILED || fsync(fd))
        return fail(name);
    memcpy(&number, pages, sizeof number);
    dprintf(out, "F %" PRIu64 "\n", number);
    signal(SIGTERM, end);
    for (number++; !ended; number++) {
        store(pages, number, PAGES);
        while (msync(pages, PAGES * PAGE, MS_SYNC)) {
            dprintf(out, "E %" PRIu64 " %d\n", number, errno);
            if (ended)
                return 1;
            usleep(RETRY_MICROSECONDS);
        }
        dprintf(out, "%" PRIu64 "\n", number);
    }
    return 0;
}

static int check(const char *name)
{
    static unsigned char expected[PAGES * PAGE], seen[PAGES * PAGE];
    uint64_t number;
    int fd = open(name, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || pread(fd, seen, PAGES * PAGE, 0) != PAGES * PAGE)
        return fail(name);
    memcpy(&number, seen, sizeof number);
    memset(expected, 0, sizeof expected);
    store(expected, number, PAGES);
    if (memcmp(expected, seen, sizeof expected)) {
        fprintf(stderr, "%s: its pages are of several commits\n", name);
        return 1;
    }
    printf("%" PRIu64 "\n", number);
    return 0;
}

static double microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static int time_commits(const char *name, size_t count, size_t pages)
{
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    if (fd < 0 || ftruncate(fd, pages * PAGE))
        return fail(name);
    unsigned char *all = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (all == MAP_FAILED)
        return fail(name);
    for (size_t i = 0; i < count; i++) {
        store(all, i + 1, pages);
        double began = microseconds();
        if (msync(all, pages * PAGE, MS_SYNC))
            return fail(name);
        printf("%.0f\n", microseconds() - began);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "write"))
        return write_numbers(argv[2], argv[3]);
    if (argc == 3 && !strcmp(argv[1], "check"))
        return check(argv[2]);
    if (argc == 5 && !strcmp(argv[1], "time"))
        return time_commits(argv[2], strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
    fprintf(stderr, "usage: writer write FILE ACKS | check FILE | time FILE COUNT PAGES\n");
    return 2;
}
