/* Counts the points and ends the worker at the one that it was told. */
#include "config.h"

#include "points.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime.h"

#define MAPPINGS_MAX 8
#define STACK_MAX 128

struct daemon;
int __real_worker_run(struct daemon *daemon, bool rescue);
int __wrap_worker_run(struct daemon *daemon, bool rescue);
void *__real_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset); /* ours does not count */

extern const char __executable_start[];

static struct death_control *control;
static bool is_worker;
static _Atomic bool dying;
static struct {
    const char *start, *end;
} mappings[MAPPINGS_MAX]; /* written before there is a second thread */
static unsigned mapping_count;

static _Thread_local const void *stack[STACK_MAX];
static _Thread_local unsigned depth;

__attribute__((constructor)) static void find_control(void)
{
    const char *path = getenv(POINTS_VARIABLE);
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *memory;

    if (!path)
        return;
    memory = fd < 0 ? MAP_FAILED : __real_mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        fprintf(stderr, POINTS_VARIABLE "=%s: %s\n", path, strerror(errno));
        exit(1);
    }
    close(fd);
    control = memory;
}

void death_enter(const void *caller)
{
    if (depth < STACK_MAX)
        stack[depth] = caller;
    depth++;
}

void death_leave(void)
{
    depth--;
}

void death_mapped(const void *memory, size_t bytes)
{
    if (mapping_count == MAPPINGS_MAX)
        abort();
    mappings[mapping_count].start = memory;
    mappings[mapping_count++].end = (const char *)memory + bytes;
}

static int64_t offset_of(const char *memory)
{
    for (unsigned i = 0; i < mapping_count; i++) {
        if (memory >= mappings[i].start && memory < mappings[i].end)
            return memory - mappings[i].start;
    }
    return -1;
}

bool death_outlives(const void *memory)
{
    return is_worker && offset_of(memory) >= 0;
}

static void record(struct death *death, uint64_t number, const char *what, const char *store, const char *where)
{
    *death = (struct death){.point = number, .offset = store ? offset_of(store) : -1};
    strncpy(death->what, what, sizeof death->what - 1);
    death->stack[death->depth++] = (uint64_t)(where - __executable_start);
    for (unsigned i = depth < STACK_MAX ? depth : STACK_MAX; i-- && death->depth < DEATH_STACK;)
        death->stack[death->depth++] = (uint64_t)((const char *)stack[i] - __executable_start);
}

__attribute__((noreturn)) static void stay(void)
{
    for (;;)
        poll(NULL, 0, -1); /* which the sandbox lets through */
}

void death_point(const char *what, const void *store, const void *where)
{
    uint64_t number;
    uint32_t index;

    if (!control || !is_worker)
        return;
    if (dying) /* the other threads do not get far either */
        stay();
    if (!control->armed)
        return;
    index = control->deaths;
    number = atomic_fetch_add(&control->count, 1) + 1;
    if (index >= DEATHS_MAX || number != control->die_at[index])
        return;
    dying = true;
    record(&control->died[index], number, what, store, where);
    control->deaths = index + 1;
    kill(getpid(), SIGKILL);
    stay();
}

int __wrap_worker_run(struct daemon *daemon, bool rescue)
{
    is_worker = true;
    if (control)
        control->count = 0;
    return __real_worker_run(daemon, rescue);
}
