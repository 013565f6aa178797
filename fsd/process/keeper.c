/* The keeper: holds what must outlive the worker, and starts the next one. Does nothing else, so that it cannot die. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "process/daemon.h"
#include "probe/probe.h"
#include "process/setup.h"

#define WINDOW_SECONDS 10
#define POLL_MILLISECONDS 5

/* The worker shares our table of descriptors, so that what it opens outlives it at the same number, but not our memory. */
static pid_t start_worker(struct daemon *daemon)
{
    pid_t pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

    if (pid)
        return pid;
    _exit(worker_run(daemon));
}

static void leave_terminal(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    log_to_system();
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
    if (null > STDERR_FILENO)
        close(null);
}

static pid_t start_probe(const struct daemon *daemon)
{
    pid_t pid = fork();

    if (pid)
        return pid;
    if (daemon->status >= 0)
        close(daemon->status);
    if (!daemon->options->foreground)
        leave_terminal(); /* of its own table of descriptors: whoever reads our output waits for its end */
    probe_run(daemon->channel[1], daemon->options->mountpoint);
}

/* In a child: unmounting waits for the worker to take the kernel's pages, and the worker might die meanwhile. */
static void unmount(const struct daemon *daemon)
{
    const char *mountpoint = daemon->options->mountpoint;
    pid_t pid = fork();

    if (pid)
        return;
    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    if (geteuid()) {
        execlp("fusermount3", "fusermount3", "-u", "-z", "--", mountpoint, (char *)NULL);
        _exit(1);
    }
    /* Busy: it goes out of sight now, and ends with its last user. */
    if (umount2(mountpoint, UMOUNT_NOFOLLOW) && errno == EBUSY)
        umount2(mountpoint, UMOUNT_NOFOLLOW | MNT_DETACH);
    _exit(0);
}

/* Deaths of the worker within the last seconds. */
struct deaths {
    time_t window;
    uint64_t count;
};

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
        snprintf(text, 64, "was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(text, 64, "exited with %d", WEXITSTATUS(status));
    return text;
}

/* Returns the program's exit status once the worker is done, or -1 after starting the next. */
static int worker_ended(struct daemon *daemon, pid_t *worker, int status, struct deaths *deaths)
{
    struct arena_header *header = daemon->arena.header;
    char text[64];

    if (WIFEXITED(status) && WEXITSTATUS(status) <= WORKER_UNSAVED)
        return WEXITSTATUS(status);
    if (too_many(deaths, daemon->options->max_restarts) || !header->ready) {
        log_line(LOG_FATAL, "the worker %s%s; giving up: what was committed is in the journal and comes back at the next mount",
                 how_it_ended(status, text), header->ready ? " too often" : "");
        unmount(daemon);
        return 1;
    }
    log_line(LOG_WARN, "the worker %s; the next one takes over", how_it_ended(status, text));
    atomic_fetch_add(&header->counters.restarts, 1);
    *worker = start_worker(daemon);
    header->worker_pid = *worker;
    if (*worker >= 0)
        return -1;
    log_line(LOG_FATAL, "no next worker can be started: %s", strerror(errno));
    unmount(daemon);
    return 1;
}

static void tell_ready(struct daemon *daemon)
{
    if (daemon->status >= 0) {
        if (write(daemon->status, "", 1) < 0)
            log_line(LOG_WARN, "the starting process is gone");
        close(daemon->status);
        daemon->status = -1;
    }
    if (!daemon->options->foreground)
        leave_terminal();
}

static int watch(struct daemon *daemon, const sigset_t *signals)
{
    struct arena_header *header = daemon->arena.header;
    struct deaths deaths = {0};
    pid_t worker = start_worker(daemon), probe = start_probe(daemon);
    bool told = false;
    int result = worker < 0 || probe < 0 ? 1 : -1;

    header->keeper_pid = getpid();
    header->worker_pid = worker;
    header->probe_pid = probe;
    while (result < 0) {
        struct timespec poll = {.tv_nsec = POLL_MILLISECONDS * 1000000};
        int signal = told ? sigwaitinfo(signals, NULL) : sigtimedwait(signals, NULL, &poll), status;
        pid_t pid;

        if (signal == SIGTERM || signal == SIGINT || signal == SIGHUP)
            unmount(daemon);
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
            if (pid == worker) {
                result = worker_ended(daemon, &worker, status, &deaths);
            } else if (pid == probe) {
                probe = start_probe(daemon);
                header->probe_pid = probe;
            }
            if (result >= 0)
                break;
        }
        if (!told && header->ready) {
            told = true;
            if (!daemon->options->no_tune)
                setup_tune(daemon->options->mountpoint, daemon->store);
            tell_ready(daemon);
        }
    }
    return result;
}

/* The starting process: returns when the mount is usable, or says that it is not. */
static int wait_for_keeper(int status, pid_t keeper)
{
    char byte;
    int how;

    if (read(status, &byte, 1) == 1)
        return 0;
    if (waitpid(keeper, &how, 0) == keeper && WIFEXITED(how) && WEXITSTATUS(how))
        return WEXITSTATUS(how);
    return 1;
}

static int keep(struct daemon *daemon)
{
    sigset_t signals;
    int result;

    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    if (setup_mount(daemon))
        return 1;
    result = watch(daemon, &signals);
    if (daemon->arena.header->ready)
        return result;
    return result ? result : 1;
}

int keeper_run(const struct options *given)
{
    static char store[4096], mountpoint[4096];
    static struct options options;
    static struct daemon daemon;
    int status[2];
    pid_t keeper;

    options = *given;
    if (options.remount)
        return setup_remount(&options) ? 1 : 0;
    if (setup_daemon(&daemon, &options, store, mountpoint))
        return 1;
    if (options.foreground)
        return keep(&daemon);
    if (pipe2(status, O_CLOEXEC)) {
        log_line(LOG_FATAL, "no pipe: %s", strerror(errno));
        return 1;
    }
    keeper = fork();
    if (keeper < 0) {
        log_line(LOG_FATAL, "cannot go into the background: %s", strerror(errno));
        return 1;
    }
    if (keeper) {
        close(status[1]);
        return wait_for_keeper(status[0], keeper);
    }
    close(status[0]);
    daemon.status = status[1];
    setsid();
    if (chdir("/"))
        log_line(LOG_NOTE, "cannot leave the current folder: %s", strerror(errno));
    return keep(&daemon);
}
