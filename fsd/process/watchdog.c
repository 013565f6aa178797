#include "config.h"

#include "process/watchdog.h"

#include <ctype.h>
#include <dirent.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alive.h"
#include "clock.h"
#include "log.h"

#define PATIENCE_MILLISECONDS 500 /* for the threads to tell where they are */
enum { HANGS = 0, WAITS_FOR_DISK = 1 };

/* Of the worker, where the handler finds it. */
static struct arena_header *asked;

static int tell_signal(void)
{
    return SIGRTMAX;
}

/* In the thread that is asked. */
static void tell_stack(int number)
{
    uint32_t at = atomic_fetch_add(&asked->stack_count, 1);
    void *places[STACK_DEPTH];
    int depth;

    (void)number;
    if (at >= STACKS_MAX)
        return;
    depth = backtrace(places, STACK_DEPTH);
    for (int i = 0; i < depth; i++)
        asked->stacks[at].places[i] = (uintptr_t)places[i];
    asked->stacks[at].thread = gettid();
    atomic_store(&asked->stacks[at].depth, depth);
}

void watchdog_prepare(void)
{
    void *place;

    backtrace(&place, 1); /* loads a library */
}

void watchdog_answer(const struct daemon *daemon)
{
    struct sigaction action = {.sa_handler = tell_stack, .sa_flags = SA_RESTART};
    sigset_t set;

    asked = daemon->arena.header;
    asked->stack_count = 0;
    watchdog_prepare();
    sigaction(tell_signal(), &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, tell_signal());
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- the keeper's ---- */

/* Whether the word has stood still for too long. An even one is a serving thread's that waits for requests. */
static bool is_late(struct watchdog *watchdog, unsigned thread, uint32_t word, bool idle, time_t limit)
{
    if (word != watchdog->threads[thread].word || idle) {
        watchdog->threads[thread].word = word;
        watchdog->threads[thread].since = clock_seconds();
    }
    return clock_seconds() - watchdog->threads[thread].since >= limit;
}

static void inspect(const struct daemon *daemon, pid_t worker) __attribute__((noreturn));

void watchdog_look(struct watchdog *watchdog, const struct daemon *daemon, pid_t worker)
{
    const struct arena *arena = &daemon->arena;
    time_t limit = (time_t)arena_tuning(arena->header)->hang_timeout;
    bool late = false;

    if (!limit || !worker || watchdog->inspector)
        return;
    if (watchdog->worker != worker) {
        *watchdog = (struct watchdog){.worker = worker, .next = clock_seconds() + limit};
        for (unsigned i = 0; i <= SERVING_MAX; i++)
            watchdog->threads[i].since = clock_seconds();
    }
    for (unsigned i = 0; i < daemon->options->threads; i++) {
        uint32_t word = arena->arrivals[i].alive;

        late |= is_late(watchdog, i, word, word % 2 == 0, limit);
    }
    late |= is_late(watchdog, SERVING_MAX, arena->header->flusher_alive, false, limit);
    if (!late || clock_seconds() < watchdog->next)
        return;
    watchdog->next = clock_seconds() + limit;
    watchdog->inspector = fork();
    if (watchdog->inspector == 0)
        inspect(daemon, worker);
    if (watchdog->inspector < 0) /* the next second */
        watchdog->inspector = 0;
}

bool watchdog_hangs(struct watchdog *watchdog, const struct daemon *daemon, int status)
{
    watchdog->inspector = 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == HANGS && kill(watchdog->worker, 0) == 0 &&
           watchdog->worker == (pid_t)daemon->arena.header->worker_pid;
}

/* ---- the inspector ---- */

/* R, S, D, T ... of proc(5); 0 when the thread is gone. */
static char state_of(pid_t worker, const char *thread)
{
    char path[64], text[512], *after;
    ssize_t length;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/task/%.12s/stat", worker, thread);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (length <= 0)
        return 0;
    text[length] = 0;
    after = strrchr(text, ')');
    return after && after[1] ? after[2] : 0;
}

struct threads {
    unsigned count, stopped, for_disk;
};

/* Counts them, and with `ask` has each tell where it is. */
static struct threads look_at_threads(pid_t worker, bool ask)
{
    struct threads threads = {0};
    char path[64];
    DIR *folder;
    struct dirent *entry;

    snprintf(path, sizeof path, "/proc/%d/task", worker);
    folder = opendir(path);
    while (folder && (entry = readdir(folder))) {
        char state = isdigit((unsigned char)entry->d_name[0]) ? state_of(worker, entry->d_name) : 0;

        if (!state)
            continue;
        threads.count++;
        threads.stopped += state == 'T';
        threads.for_disk += state == 'D';
        if (ask)
            syscall(SYS_tgkill, worker, atoi(entry->d_name), tell_signal());
    }
    if (folder)
        closedir(folder);
    return threads;
}

static void log_stack(const struct stack *stack)
{
    void *places[STACK_DEPTH];
    char line[1024];
    size_t used = 0;
    char **names;

    for (uint32_t i = 0; i < stack->depth; i++)
        places[i] = (void *)(uintptr_t)stack->places[i];
    names = backtrace_symbols(places, (int)stack->depth);
    for (uint32_t i = 2; names && i < stack->depth && used < sizeof line; i++) { /* not the handler */
        const char *name = strrchr(names[i], '/');

        used += snprintf(line + used, sizeof line - used, " %s", name ? name + 1 : names[i]);
    }
    log_line(LOG_WARN, "thread %u is at%s", stack->thread, used ? line : " no known place");
    free(names);
}

static void log_stacks(const struct arena_header *header, unsigned expected)
{
    struct timespec pause = {.tv_nsec = 10000000};
    unsigned told = 0;

    for (int waited = 0; waited < PATIENCE_MILLISECONDS && told < expected; waited += 10) {
        nanosleep(&pause, NULL);
        told = header->stack_count;
    }
    for (unsigned i = 0; i < told && i < STACKS_MAX; i++) {
        if (header->stacks[i].depth)
            log_stack(&header->stacks[i]);
    }
}

static void inspect(const struct daemon *daemon, pid_t worker)
{
    struct arena_header *header = daemon->arena.header;
    struct threads threads = look_at_threads(worker, false);

    if (threads.for_disk || header->io_under_way)
        _exit(WAITS_FOR_DISK);
    log_line(LOG_WARN, "the worker %s for %d seconds (hang_timeout): it is replaced",
             threads.stopped ? "was stopped" : "has got on with nothing", (int)arena_tuning(daemon->arena.header)->hang_timeout);
    if (!threads.stopped) {
        header->stack_count = 0;
        for (unsigned i = 0; i < STACKS_MAX; i++)
            header->stacks[i].depth = 0;
        look_at_threads(worker, true);
        log_stacks(header, threads.count);
    }
    _exit(HANGS);
}
