/* What the library's calls cost beside what a program would do without it. */
#include "config.h"

#include "measure.h"

#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <mapshare.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct mapshare *open_shared(const struct settings *settings, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", settings->directory, name);
    struct mapshare *ms = mapshare_open(path, O_RDWR | O_CREAT, 0644, &(struct mapshare_options){.size = (uint64_t)1 << 20});
    if (ms == NULL) {
        err(1, "%s", path);
    }
    return ms;
}

static void locks(const struct settings *settings)
{
    size_t calls = 1000000;
    struct mapshare *ms = open_shared(settings, "lock");
    for (unsigned i = 0; i < settings->repeats; i++) {
        double begin = now_microseconds();
        for (size_t call = 0; call < calls; call++) {
            if (mapshare_lock(ms) != 0 || mapshare_unlock(ms) != 0) {
                err(1, "lock");
            }
        }
        sample("lock and unlock", (now_microseconds() - begin) * 1e3 / (double)calls, "ns");
    }
    mapshare_close(ms);
}

static void post(uint32_t *word)
{
    __atomic_add_fetch(word, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void await(uint32_t *word, uint32_t *seen)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == *seen) {
        syscall(SYS_futex, word, FUTEX_WAIT, *seen, NULL, NULL, 0);
    }
    *seen = __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void finish(pid_t child)
{
    int status;
    if (waitpid(child, &status, 0) != child || status != 0) {
        errx(1, "the other process failed");
    }
}

/* Two processes wake each other in turn; a wake-up is half a turn. */
static double futex_turn(unsigned turns)
{
    uint32_t *words = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (words == MAP_FAILED) {
        err(1, "mmap");
    }
    uint32_t *ping = words, *pong = words + 64, seen = 0;
    double begin = now_microseconds();
    pid_t child = fork();
    for (unsigned turn = 0; turn < turns; turn++) {
        if (child == 0) {
            await(ping, &seen);
            post(pong);
        } else {
            post(ping);
            await(pong, &seen);
        }
    }
    if (child == 0) {
        _exit(0);
    }
    double spent = now_microseconds() - begin;
    finish(child);
    munmap(words, PAGE);
    return spent / turns / 2;
}

static double notify_turn(const struct settings *settings, unsigned turns)
{
    struct mapshare *ping = open_shared(settings, "ping"), *pong = open_shared(settings, "pong");
    const struct timespec now = {0, 0}, limit = {10, 0};
    uint64_t seen_ping = 0, seen_pong = 0;
    mapshare_watch(ping, &seen_ping, &now);
    mapshare_watch(pong, &seen_pong, &now);
    double begin = now_microseconds();
    pid_t child = fork();
    for (unsigned turn = 0; turn < turns; turn++) {
        int result = child == 0 ? mapshare_watch(ping, &seen_ping, &limit) : mapshare_notify(ping);
        result |= child == 0 ? mapshare_notify(pong) : mapshare_watch(pong, &seen_pong, &limit);
        if (result < 0) {
            err(1, "notice");
        }
    }
    if (child == 0) {
        _exit(0);
    }
    double spent = now_microseconds() - begin;
    finish(child);
    mapshare_close(ping);
    mapshare_close(pong);
    return spent / turns / 2;
}

static void notices(const struct settings *settings)
{
    for (unsigned i = 0; i < settings->repeats; i++) {
        sample("futex wake-up", futex_turn(5000), "us");
        sample("notify to wake-up", notify_turn(settings, 5000), "us");
    }
}

static void opens(const struct settings *settings)
{
    unsigned calls = 300;
    char path[PATH_MAX];
    struct stat status;
    mapshare_close(open_shared(settings, "open"));
    snprintf(path, sizeof(path), "%s/open", settings->directory);
    for (unsigned i = 0; i < settings->repeats; i++) {
        double begin = now_microseconds();
        for (unsigned call = 0; call < calls; call++) {
            int fd = open(path, O_RDWR | O_CLOEXEC);
            if (fd < 0 || fstat(fd, &status) != 0) {
                err(1, "%s", path);
            }
            unmap(map_shared(fd, (size_t)status.st_size, PROT_READ | PROT_WRITE), (size_t)status.st_size);
            close(fd);
        }
        double middle = now_microseconds();
        for (unsigned call = 0; call < calls; call++) {
            struct mapshare *ms = mapshare_open(path, O_RDWR, 0, NULL);
            if (ms == NULL) {
                err(1, "%s", path);
            }
            mapshare_close(ms);
        }
        sample("open, fstat, mmap, close", (middle - begin) / calls, "us");
        sample("mapshare_open, mapshare_close", (now_microseconds() - middle) / calls, "us");
    }
}

static void copies(const struct settings *settings)
{
    size_t length = (size_t)1 << 20;
    unsigned calls = 200;
    struct mapshare *ms = open_shared(settings, "copy");
    char *buffer = allocate(1, length);
    memset(buffer, 'c', length);
    memcpy(mapshare_addr(ms), buffer, length);
    for (unsigned i = 0; i < settings->repeats; i++) {
        double plain = 0, guarded = 0;
        for (unsigned call = 0; call < calls; call++) {
            double begin = now_microseconds();
            memcpy(buffer, mapshare_addr(ms), length);
            __asm__ volatile("" : : "r"(buffer) : "memory");
            double middle = now_microseconds();
            if (mapshare_read(ms, buffer, length, 0) != (ssize_t)length) {
                err(1, "mapshare_read");
            }
            guarded += now_microseconds() - middle;
            plain += middle - begin;
        }
        sample("memcpy of 1 MiB", plain / calls, "us");
        sample("mapshare_read of 1 MiB", guarded / calls, "us");
    }
    free(buffer);
    mapshare_close(ms);
}

int main(int argc, char **argv)
{
    static const struct measure_case cases[] = {
        {"lock", locks},
        {"notify", notices},
        {"open", opens},
        {"copy", copies},
    };
    return measure_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
