/* The program's beginning: checks, mounts, and has a keeper run. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "priority.h"
#include "process/background.h"
#include "process/daemon.h"
#include "process/lock.h"
#include "process/mount.h"
#include "process/remains.h"
#include "process/remount.h"
#include "process/setup.h"
#include "process/sizes.h"
#include "process/tell.h"
#include "sandbox/sandbox.h"

/* A standard descriptor that is closed would be the number of the next thing opened, and be written to. */
static int open_null(void)
{
    int null;

    do
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (null >= 0 && null <= STDERR_FILENO && fcntl(null, F_SETFD, 0) == 0);
    if (null < 0)
        log_line(LOG_FATAL, "/dev/null: %s; it and /dev/fuse are needed", strerror(errno));
    return null;
}

/* No signal but TERM and INT ends a mount, whoever sends it: all are blocked in all its processes, and the keeper fetches them.
 * What a fault of a process's own raises cannot be blocked and ends it. SIGCHLD may have been ignored by who started us. */
static void block_signals(void)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    signal(SIGCHLD, SIG_DFL);
}

static int settle(struct daemon *daemon)
{
    int error = place_settle(&daemon->place);

    if (error)
        log_line(LOG_FATAL, "%s: the folder that it is in: %s", daemon->options->mountpoint, strerror(-error));
    return error;
}

/* Of all our processes. Where memory runs out, it is not the daemon's: its clients have what it holds. Not everybody may ask for that. */
static void be_killed_last(void)
{
    FILE *file = fopen("/proc/self/oom_score_adj", "we");

    if (!file)
        return;
    fputs("-900", file);
    fclose(file);
}

/* What will be at its place later is its successor. NULL: unknown. */
static const char *find_program(void)
{
    static char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);

    return length > 0 ? program : NULL;
}

int start_run(const struct options *given)
{
    static struct options options;
    static struct daemon daemon;
    int status, null = open_null();

    if (null < 0)
        return 1;
    options = *given;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    log_start(options.foreground, options.tuning.log_level);
    sizes_raise_limits();
    be_killed_last();
    if (options.remount)
        return remount(&options) ? 1 : 0;
    sandbox_choose(options.no_sandbox, options.trusted);
    for (int i = 0; i < OWNED_COUNT; i++)
        daemon.owned[i] = -1;
    daemon.owned[OWNED_NULL] = null;
    daemon.program = find_program();
    log_descriptors(&daemon.owned[OWNED_MESSAGES], &daemon.owned[OWNED_SYSTEM_LOG]);
    if (setup_daemon(&daemon, &options))
        return 1;
    tell_kernel(&options);
    if (!options.foreground && background_enter(&daemon, &status))
        return status;
    if (settle(&daemon))
        return 1;
    block_signals();
    if (mount_make(&daemon))
        return 1;
    remains_name(&daemon);
    lock_sign(daemon.owned[OWNED_LOCK], &options);
    priority_raise();
    return keeper_run(&daemon, 0);
}
