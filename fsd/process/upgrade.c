#include "config.h"

#include "process/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "log.h"
#include "process/handover.h"
#include "sandbox/sandbox.h"

static int execute(const struct daemon *daemon, int handover, bool check)
{
    const struct options *options = daemon->options;
    char adopt[32], list[OPTIONS_TEXT_MAX + 2 * OPTIONS_LIST_MAX];
    const char *argv[9] = {daemon->program, adopt};
    int count = 2;

    snprintf(adopt, sizeof adopt, "--adopt=%d", handover);
    options_to_list(options, list, sizeof list);
    if (check)
        argv[count++] = "--check";
    if (options->foreground)
        argv[count++] = options->trace ? "-d" : "-f";
    argv[count++] = "-o";
    argv[count++] = list;
    argv[count++] = options->store;
    argv[count] = options->mountpoint;
    sandbox_before_execution();
    execv(daemon->program, (char **)argv);
    return -errno;
}

static void keep_open(int fd)
{
    if (fd >= 0)
        fcntl(fd, F_SETFD, 0);
}

pid_t upgrade_check(const struct daemon *daemon)
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
int upgrade_execute(const struct daemon *daemon)
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
