/* The keeper: holds what must outlive the worker, and starts the next one. Does nothing else, so that it cannot die: it never waits
 * for the disk, for a reader of what it says, or for the mount, and of all signals only TERM, INT, HUP and USR1 mean something to it. */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file/event.h"
#include "log.h"
#include "priority.h"
#include "probe/probe.h"
#include "process/background.h"
#include "process/child.h"
#include "process/fallen.h"
#include "process/mount.h"
#include "process/remains.h"
#include "process/service.h"
#include "process/standby.h"
#include "process/tell.h"
#include "process/tune.h"
#include "process/unmount.h"
#include "process/upgrade.h"
#include "sandbox/sandbox.h"

#define POLL_MILLISECONDS 5   /* until the mount is usable */
#define RETRY_MILLISECONDS 50 /* where no process could be made */

/* It ends with its keeper: the next one makes its own. */
static pid_t start_probe(struct daemon *daemon)
{
    pid_t pid = fork();

    if (pid)
        return pid;
    priority_usual();
    if (!daemon->options->foreground)
        background_leave_terminal(daemon); /* of its own table of descriptors: whoever reads our output waits for its end */
    probe_run(daemon->owned[OWNED_PROBE_END], &daemon->place, &daemon->arena);
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
    pid_t pid = child_start_worker(keeper->daemon, false);

    if (pid > 0) {
        keeper->worker = pid;
    } else if (errno != EAGAIN && errno != ENOMEM) {
        log_line(LOG_FATAL, "no next worker can be started: %s", strerror(errno));
        return give_up(keeper);
    } else {
        tell_refused(keeper, strerror(errno));
    }
    return -1;
}

/* In the stand-by, returns when it has become the keeper. */
static void start_missing_standby(struct keeper *keeper)
{
    struct daemon *daemon = keeper->daemon;
    pid_t pid = standby_start(daemon);

    if (pid) {
        keeper->standby = pid > 0 ? pid : 0;
        daemon->arena.header->standby_pid = keeper->standby;
        return;
    }
    *keeper = (struct keeper){.daemon = daemon, .told = true, .atime = ATIME_UNKNOWN};
    atomic_fetch_add(&daemon->arena.header->counters.keeper_restarts, 1);
    log_line(LOG_WARN, "the keeper was ended; its stand-by keeps the mount from now on");
    if (atomic_exchange(&daemon->arena.header->upgrading, false))
        upgrade_failed(keeper, "it ended before it served");
}

static int start_missing(struct keeper *keeper)
{
    bool serves = !keeper->fallen;
    int result = !serves || keeper->worker || keeper->pause ? -1 : start_missing_worker(keeper);

    if (!serves)
        fallen_start_missing(keeper);
    if (!keeper->probe && serves) {
        pid_t pid = start_probe(keeper->daemon);

        keeper->probe = pid > 0 ? pid : 0;
        keeper->daemon->arena.header->probe_pid = keeper->probe;
    }
    if (keeper->unmount)
        keeper->unmount = !unmount_start(keeper->daemon);
    if (keeper->told && !keeper->standby && result < 0)
        start_missing_standby(keeper);
    return result;
}

/* Returns the program's exit status, or -1 to go on. The next worker comes first, clients wait for it; then it is told. */
static int worker_ended(struct keeper *keeper, int status)
{
    struct arena_header *header = keeper->daemon->arena.header;
    int result;
    char text[64];

    if (fallen_rescue_ended(keeper, status))
        return -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) <= WORKER_UNSAVED) {
        remains_discard(keeper->daemon);
        return WEXITSTATUS(status);
    }
    keeper->worker = 0;
    event_tell_alone(&keeper->daemon->arena, MAPSHARE_ABI_DEATH, status);
    if (keeper->trial)
        upgrade_give_up(keeper, child_tell(status, text));
    if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_LACKED) {
        tell_refused(keeper, "too few threads, descriptors or memory");
        return -1;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_DAMAGED) {
        log_line(LOG_FATAL, "giving up: what was committed is in the journal and comes back at the next mount");
        return give_up(keeper);
    }
    if (keeper->last || !header->ready) {
        log_line(LOG_FATAL, "the worker %s; giving up: what was committed is in the journal and comes back at the next mount",
                 child_tell(status, text));
        return keeper->last ? 1 : give_up(keeper);
    }
    if (fallen_is(keeper)) {
        fallen_begin(keeper, child_tell(status, text));
        return -1;
    }
    keeper->refused = false;
    result = start_missing_worker(keeper);
    atomic_fetch_add(&header->counters.restarts, 1);
    log_line(LOG_WARN, "the worker %s; the next one takes over", child_tell(status, text));
    return result;
}

static int reap(struct keeper *keeper)
{
    int status, result = -1;
    pid_t pid;

    while (result < 0 && (pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (WIFSTOPPED(status)) { /* whoever stopped these stops no client; the worker may be looked at by a debugger */
            if (pid == keeper->probe || pid == keeper->standby)
                kill(pid, SIGKILL);
            continue;
        }
        if (fallen_reap(keeper, pid, status) || service_reap(keeper, pid, status))
            continue;
        if (pid == keeper->worker)
            result = worker_ended(keeper, status);
        else if (pid == keeper->probe)
            keeper->probe = 0;
        else if (pid == keeper->standby)
            keeper->standby = 0;
        else if (pid == keeper->checker)
            keeper->checker = 0, result = upgrade_go_on(keeper, status);
        else if (pid == keeper->watchdog.inspector && watchdog_hangs(&keeper->watchdog, keeper->daemon, status))
            kill(keeper->worker, SIGKILL);
    }
    return result;
}

/* Every signal is blocked and comes here; one that nobody waits for means nothing. */
static void wait_for_signal(struct keeper *keeper)
{
    bool missing = keeper->fallen ? !keeper->refuser : !keeper->worker || !keeper->probe;
    bool retry = missing || (keeper->told && !keeper->standby) || keeper->unmount || keeper->trial;
    struct timespec pause = {.tv_nsec = (keeper->told ? RETRY_MILLISECONDS : POLL_MILLISECONDS) * 1000000};
    struct timespec second = {.tv_sec = 1};
    uint64_t atime = arena_tuning(keeper->daemon->arena.header)->atime;
    sigset_t all;
    int signal;

    sigfillset(&all);
    signal = sigtimedwait(&all, NULL, keeper->told && !retry ? &second : &pause);
    if (!keeper->fallen)
        watchdog_look(&keeper->watchdog, keeper->daemon, keeper->worker);
    if (signal == SIGTERM || signal == SIGINT)
        keeper->unmount = keeper->ending = true;
    if (keeper->unmount && keeper->fallen)
        fallen_unmount(keeper);
    if (signal == SIGUSR1)
        fallen_revive(keeper);
    if (signal == SIGHUP)
        upgrade_begin(keeper);
    upgrade_look(keeper);
    if (keeper->told && atime != keeper->atime && !mount_atime_start(keeper->daemon, atime))
        keeper->atime = atime;
    keeper->pause = false;
}

int keeper_run(struct daemon *daemon, pid_t standby)
{
    struct keeper keeper = {.daemon = daemon,
                            .standby = standby,
                            .told = standby != 0,
                            .atime = standby ? ATIME_UNKNOWN : daemon->options->tuning.atime};
    struct arena_header *header = daemon->arena.header;
    int result = -1;

    watchdog_prepare();
    sandbox_enter(SANDBOX_KEEPER);
    sandbox_filter(SANDBOX_KEEPER);
    header->keeper_pid = getpid();
    if (standby)
        upgrade_on_trial(&keeper);
    while (result < 0) {
        result = start_missing(&keeper);
        service_look(&keeper);
        if (result < 0 && (keeper.worker || keeper.pause || keeper.fallen)) /* not who has just become the keeper */
            wait_for_signal(&keeper);
        log_mend();
        if (result < 0)
            result = reap(&keeper);
        if (!keeper.told && header->ready) {
            keeper.told = true;
            tune_start(daemon);
            background_tell_ready(daemon);
            tell_mounted(daemon);
        }
    }
    if (keeper.told)
        tell_unmounted(daemon, result);
    else
        remains_discard(daemon);
    service_end(&keeper);
    child_end(&keeper.standby); /* nothing is to be kept */
    return header->ready || result ? result : 1;
}
