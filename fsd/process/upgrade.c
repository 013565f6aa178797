#include "config.h"

#include "process/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "process/child.h"
#include "process/handover.h"
#include "process/remains.h"
#include "sandbox/sandbox.h"

#define UPGRADE_SECONDS 30 /* a new program says whether it can, and then serves, within */

static int execute(const struct daemon *daemon, int handover, bool check)
{
    struct options options = *daemon->options;
    char adopt[32], list[OPTIONS_TEXT_MAX + 2 * OPTIONS_LIST_MAX];
    const char *argv[9] = {daemon->program, adopt};
    int count = 2;

    snprintf(adopt, sizeof adopt, "--adopt=%d", handover);
    options.tuning = *arena_tuning(daemon->arena.header);
    options_to_list(&options, list, sizeof list);
    if (check)
        argv[count++] = "--check";
    if (options.foreground)
        argv[count++] = options.trace ? "-d" : "-f";
    argv[count++] = "-o";
    argv[count++] = list;
    argv[count++] = options.store;
    argv[count] = options.mountpoint;
    sandbox_before_execution();
    execv(daemon->program, (char **)argv);
    return -errno;
}

static void keep_open(int fd)
{
    if (fd >= 0)
        fcntl(fd, F_SETFD, 0);
}

static pid_t check(const struct daemon *daemon)
{
    pid_t pid = fork();
    int handover;

    if (pid)
        return pid;
    handover = handover_write(daemon);
    keep_open(handover);
    for (int i = 0; i < OWNED_COUNT; i++)
        keep_open(daemon->owned[i]);
    if (handover >= 0)
        handover = execute(daemon, handover, true);
    log_line(LOG_WARN, "%s: %s", daemon->program, strerror(-handover));
    _exit(1);
}

/* How many descriptors the table has room for: what may be open lies below. */
static int table_size(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[128];
    int size = 0;

    while (file && fgets(line, sizeof line, file))
        sscanf(line, "FDSize: %d", &size);
    if (file)
        fclose(file);
    return size ? size : sysconf(_SC_OPEN_MAX);
}

/* All of them: the dead worker's rings, too, whose end the next one waits for, and what the arena names. */
static int execute_for_good(const struct daemon *daemon)
{
    int handover = handover_write(daemon), size = table_size(), error;

    if (handover < 0)
        return handover;
    for (int fd = STDERR_FILENO + 1; fd < size; fd++)
        keep_open(fd);
    error = execute(daemon, handover, false);
    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    close(handover);
    return error;
}

/* ---- what the keeper does ---- */

void upgrade_failed(const struct keeper *keeper, const char *why)
{
    atomic_fetch_add(&keeper->daemon->arena.header->upgrades_failed, 1);
    log_line(LOG_WARN, "%s: not replaced by what is on disk: %s; the program that runs goes on",
             keeper->daemon->program ?: "the program", why);
}

void upgrade_begin(struct keeper *keeper)
{
    pid_t pid;

    if (!keeper->told || keeper->checker || keeper->trial)
        return;
    pid = keeper->daemon->program ? check(keeper->daemon) : -1;
    keeper->checker = pid > 0 ? pid : 0;
    keeper->until = clock_seconds() + UPGRADE_SECONDS;
    if (pid < 0)
        upgrade_failed(keeper, keeper->daemon->program ? strerror(errno) : "its place is unknown");
}

/* Returns the program's exit status, or -1 to go on: it could not be executed, or the mount has ended. */
int upgrade_go_on(struct keeper *keeper, int answer)
{
    int status, error;

    if (answer || !keeper->standby) {
        upgrade_failed(keeper, !answer ? "nobody stands by" : WIFEXITED(answer) ? "it refuses" : "it ended when it was asked");
        return -1;
    }
    status = child_end(&keeper->worker);
    if (WIFEXITED(status) && WEXITSTATUS(status) <= WORKER_UNSAVED) {
        remains_discard(keeper->daemon);
        return WEXITSTATUS(status);
    }
    child_end(&keeper->probe);
    child_end(&keeper->refuser);
    child_end(&keeper->saver);
    child_end(&keeper->watchdog.inspector);
    keeper->daemon->arena.header->upgrading = true;
    error = execute_for_good(keeper->daemon);
    keeper->daemon->arena.header->upgrading = false;
    upgrade_failed(keeper, strerror(-error));
    return -1;
}

void upgrade_on_trial(struct keeper *keeper)
{
    keeper->trial = true;
    keeper->until = clock_seconds() + UPGRADE_SECONDS;
}

/* Our predecessor's stand-by sees our end. */
void upgrade_give_up(struct keeper *keeper, const char *how)
{
    log_line(LOG_WARN, "the new program's worker %s", how);
    child_end(&keeper->worker);
    _exit(1);
}

static void end_trial(struct keeper *keeper)
{
    struct arena_header *header = keeper->daemon->arena.header;

    keeper->trial = false;
    header->upgrading = false;
    child_end(&keeper->standby);
    atomic_fetch_add(&header->upgrades, 1);
    log_line(LOG_NOTE, "the program was replaced: mapsharefs " PACKAGE_VERSION " goes on");
}

void upgrade_look(struct keeper *keeper)
{
    if (keeper->trial && keeper->worker && keeper->daemon->arena.header->serving_pid == (uint32_t)keeper->worker)
        end_trial(keeper);
    else if (keeper->trial && clock_seconds() > keeper->until)
        upgrade_give_up(keeper, "does not serve");
    else if (keeper->checker && clock_seconds() > keeper->until)
        kill(keeper->checker, SIGKILL);
}
