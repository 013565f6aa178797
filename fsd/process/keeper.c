/* The keeper: holds what must outlive the worker, and starts the next one. Does nothing else, so that it cannot die: it never waits
 * for the disk, for a reader of what it says, or for the mount, and of all signals only TERM and INT mean something to it. */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "probe/probe.h"
#include "process/background.h"
#include "process/daemon.h"
#include "process/tune.h"
#include "process/unmount.h"
#include "process/watchdog.h"
#include "sandbox/sandbox.h"

#define WINDOW_SECONDS 10
#define POLL_MILLISECONDS 5   /* until the mount is usable */
#define RETRY_MILLISECONDS 50 /* where no process could be made */

/* Deaths of the worker within the last seconds. */
struct deaths {
    time_t window;
    uint64_t count;
};

struct keeper {
    struct daemon *daemon;
    pid_t worker, probe; /* 0: to be started */
    bool unmount;        /* wanted, its process is to be started */
    bool refused;        /* the next worker could not be started at once, and that was told */
    bool pause;          /* before it is tried again */
    bool told;           /* the mount is usable, and that was told */
    struct deaths deaths;
    struct watchdog watchdog;
};

/* The worker shares our table of descriptors, so that what it opens outlives it at the same number, but not our memory. */
static pid_t start_worker(struct daemon *daemon)
{
    pid_t pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

    if (pid)
        return pid;
    _exit(worker_run(daemon));
}

static pid_t start_probe(struct daemon *daemon)
{
    pid_t pid = fork();

    if (pid)
        return pid;
    if (!daemon->options->foreground)
        background_leave_terminal(daemon); /* of its own table of descriptors: whoever reads our output waits for its end */
    probe_run(daemon->owned[OWNED_PROBE_END], &daemon->place, &daemon->arena);
}

static bool too_many(struct deaths *deaths, uint64_t max)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec - deaths->window >= WINDOW_SECONDS)
        *deaths = (struct deaths){.window = now.tv_sec};
    return ++deaths->count > max;
}

static const char *how_it_ended(int status, char text[64])
{
    if (WIFSIGNALED(status))
        snprintf(text, 64, "was ended by signal %d (%s)", WTERMSIG(status), sigdescr_np(WTERMSIG(status)) ?: "unknown");
    else
        snprintf(text, 64, "exited with %d", WEXITSTATUS(status));
    return text;
}

/* Nobody serves any more. Where not even the process that unmounts can be made, clients get errors when we end. */
static int give_up(struct keeper *keeper)
{
    struct timespec pause = {.tv_nsec = RETRY_MILLISECONDS * 1000000};

    for (int i = 0; i < 100 && !unmount_start(keeper->daemon); i++)
        nanosleep(&pause, NULL);
    return 1;
}

static void tell_refused(struct keeper *keeper, const char *why)
{
    if (!keeper->refused)
        log_line(LOG_WARN, "no worker can be started now (%s); trying until one can", why);
    keeper->refused = keeper->pause = true;
}

/* A lack of processes or memory passes; the mount's clients wait meanwhile. Returns the program's exit status or -1 to go on. */
static int start_missing_worker(struct keeper *keeper)
{
    struct arena_header *header = keeper->daemon->arena.header;
    pid_t pid = start_worker(keeper->daemon);

    if (pid > 0) {
        keeper->worker = pid;
        header->worker_pid = pid;
    } else if (errno != EAGAIN && errno != ENOMEM) {
        log_line(LOG_FATAL, "no next worker can be started: %s", strerror(errno));
        return give_up(keeper);
    } else {
        tell_refused(keeper, strerror(errno));
    }
    return -1;
}

static int start_missing(struct keeper *keeper)
{
    int result = keeper->worker || keeper->pause ? -1 : start_missing_worker(keeper);

    if (!keeper->probe) {
        pid_t pid = start_probe(keeper->daemon);

        keeper->probe = pid > 0 ? pid : 0;
        keeper->daemon->arena.header->probe_pid = keeper->probe;
    }
    if (keeper->unmount)
        keeper->unmount = !unmount_start(keeper->daemon);
    return result;
}

/* Returns the program's exit status, or -1 to go on. The next worker comes first, clients wait for it; then it is told. */
static int worker_ended(struct keeper *keeper, int status)
{
    struct arena_header *header = keeper->daemon->arena.header;
    int result;
    char text[64];

    if (WIFEXITED(status) && WEXITSTATUS(status) <= WORKER_UNSAVED)
        return WEXITSTATUS(status);
    keeper->worker = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_LACKED) {
        tell_refused(keeper, "too few threads, descriptors or memory");
        return -1;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_DAMAGED) {
        log_line(LOG_FATAL, "giving up: what was committed is in the journal and comes back at the next mount");
        return give_up(keeper);
    }
    if (too_many(&keeper->deaths, keeper->daemon->options->max_restarts) || !header->ready) {
        log_line(LOG_FATAL, "the worker %s%s; giving up: what was committed is in the journal and comes back at the next mount",
                 how_it_ended(status, text), header->ready ? " too often" : "");
        return give_up(keeper);
    }
    keeper->refused = false;
    result = start_missing_worker(keeper);
    atomic_fetch_add(&header->counters.restarts, 1);
    log_line(LOG_WARN, "the worker %s; the next one takes over", how_it_ended(status, text));
    return result;
}

static int reap(struct keeper *keeper)
{
    int status, result = -1;
    pid_t pid;

    while (result < 0 && (pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (WIFSTOPPED(status)) { /* whoever stopped the probe stops no client; the worker may be looked at by a debugger */
            if (pid == keeper->probe)
                kill(pid, SIGKILL);
            continue;
        }
        if (pid == keeper->worker)
            result = worker_ended(keeper, status);
        else if (pid == keeper->probe)
            keeper->probe = 0;
        else if (pid == keeper->watchdog.inspector && watchdog_hangs(&keeper->watchdog, keeper->daemon, status))
            kill(keeper->worker, SIGKILL);
    }
    return result;
}

/* Every signal is blocked and comes here; one that nobody waits for means nothing. */
static void wait_for_signal(struct keeper *keeper)
{
    bool retry = !keeper->worker || !keeper->probe || keeper->unmount;
    struct timespec pause = {.tv_nsec = (keeper->told ? RETRY_MILLISECONDS : POLL_MILLISECONDS) * 1000000};
    struct timespec second = {.tv_sec = 1};
    sigset_t all;
    int signal;

    sigfillset(&all);
    signal = sigtimedwait(&all, NULL, keeper->told && !retry ? &second : &pause);
    watchdog_look(&keeper->watchdog, keeper->daemon, keeper->worker);
    if (signal == SIGTERM || signal == SIGINT)
        keeper->unmount = true;
    keeper->pause = false;
}

int keeper_run(struct daemon *daemon)
{
    struct keeper keeper = {.daemon = daemon};
    struct arena_header *header = daemon->arena.header;
    int result = -1;

    sandbox_enter(SANDBOX_KEEPER);
    sandbox_filter(SANDBOX_KEEPER);
    header->keeper_pid = getpid();
    while (result < 0) {
        result = start_missing(&keeper);
        if (result < 0)
            wait_for_signal(&keeper);
        log_mend();
        if (result < 0)
            result = reap(&keeper);
        if (!keeper.told && header->ready) {
            keeper.told = true;
            tune_start(daemon);
            background_tell_ready(daemon);
        }
    }
    return header->ready || result ? result : 1;
}
