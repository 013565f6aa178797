/* What the tests of the library share: a scratch folder, children, and small checks. */
#ifndef TEST_LIBRARY_H
#define TEST_LIBRARY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mapshare.h"
#include "mapshare-abi.h"

#define PAGE ((size_t)4096)

#ifdef __SANITIZE_THREAD__
#define THREAD_SANITIZER true
#else
#define THREAD_SANITIZER false
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZER true /* it takes address space, faults of its own, and turns mlock into nothing */
#else
#define SANITIZER false
#endif
#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

static char test_folder[PATH_MAX];

/* TEST_FOLDER says where, for instance on a mount; else where temporary files are. */
static int make_scratch(void **state)
{
    const char *parent = getenv("TEST_FOLDER");

    (void)state;
    if (!parent)
        parent = getenv("TMPDIR") ? getenv("TMPDIR") : "/var/tmp";
    snprintf(test_folder, sizeof(test_folder), "%s/library-XXXXXX", parent);
    return mkdtemp(test_folder) ? chmod(test_folder, 0755) : -1;
}

static int remove_scratch(void **state)
{
    char command[PATH_MAX + 32];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", test_folder);
    return system(command);
}

/* A name in the scratch folder; overwritten by the eighth call after. */
static const char *in_scratch(const char *name)
{
    static char paths[8][PATH_MAX + 64];
    static unsigned int next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof(paths[0]), "%s/%s", test_folder, name);
    return path;
}

static inline void skip_because(const char *reason)
{
    print_message("SKIP: %s\n", reason);
    skip();
}

static inline struct mapshare *open_sized(const char *name, uint64_t size)
{
    struct mapshare_options options = {.size = size};
    struct mapshare *ms = mapshare_open(in_scratch(name), O_RDWR | O_CREAT, 0644, &options);

    assert_non_null(ms);
    return ms;
}

static inline bool is_on_mount(struct mapshare *ms)
{
    struct mapshare_status status;

    assert_int_equal(mapshare_stat(ms, &status, sizeof(status)), 0);
    return status.on_mount;
}

static inline double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Waits for a child that must exit with 0. A child says by its exit status what failed: cmocka's asserts are for the parent. */
static inline void assert_child_succeeds(pid_t child)
{
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define CHILD_CHECK(condition)                                                                                \
    do {                                                                                                      \
        if (!(condition)) {                                                                                   \
            fprintf(stderr, "%s:%d: child: %s, errno %s\n", __FILE__, __LINE__, #condition, strerror(errno)); \
            _exit(1);                                                                                         \
        }                                                                                                     \
    } while (0)

#define assert_fails(call, error)         \
    do {                                  \
        errno = 0;                        \
        assert_int_equal((call), -1);     \
        assert_int_equal(errno, (error)); \
    } while (0)

#define assert_fails_null(call, error)    \
    do {                                  \
        errno = 0;                        \
        assert_null(call);                \
        assert_int_equal(errno, (error)); \
    } while (0)

#endif
