/* The keeper replaces its program at SIGHUP; which version serves then, and whether it could, is in the statistics. */
#include "config.h"

#include "clock.h"
#include "command.h"
#include "message.h"
#include "mounts.h"
#include "revive.h"
#include "statistics.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POLL_NANOSECONDS 5000000
#define TIMEOUT_DEFAULT 120 /* seconds: a slow disk may hold a worker's end up */

/* How often the program was replaced, or could not be. */
static uint64_t tries(const struct statistics *statistics)
{
    return statistics_number(statistics, "upgrades") + statistics_number(statistics, "upgrades_failed");
}

/* The mount's statistics after one more try. False after a message. */
static bool wait_for_try(const char *mount, const struct statistics *before, time_t until, struct statistics *after)
{
    static const struct timespec pause = {.tv_nsec = POLL_NANOSECONDS};

    for (;;) {
        if (!statistics_read_or_tell(mount, after))
            return false;
        if (tries(after) != tries(before))
            return true;
        statistics_free(after);
        if (clock_seconds() >= until) {
            message("%s: the program was not replaced in time; the daemon's log may tell why", quoted(mount));
            return false;
        }
        nanosleep(&pause, NULL);
    }
}

/* A mount that nobody serves tells nothing, but the program on disk may be the mended one. */
static enum exit_status upgrade_fallen(const char *mount, unsigned timeout)
{
    struct statistics after;
    enum exit_status status = revive(mount, SIGHUP, timeout);

    if (status == STATUS_OK && statistics_read_or_tell(mount, &after)) {
        printf("%s: %s, which serves again\n", quoted(mount), statistics_text(&after, "version"));
        statistics_free(&after);
    }
    return status;
}

static enum exit_status upgrade(const char *mount, const struct statistics *before, unsigned timeout)
{
    uint64_t keeper = statistics_number(before, "keeper_pid");
    struct statistics after;
    bool done;

    if (!strcmp(statistics_text(before, "upgrades"), "unknown")) {
        message("%s: its daemon is too old to be replaced while it serves; unmount, and mount it again", quoted(mount));
        return STATUS_FAILURE;
    }
    if (kill((pid_t)keeper, SIGHUP)) {
        message("%s: its keeper, process %lld, cannot be told: %s", quoted(mount), (long long)keeper, strerror(errno));
        return STATUS_FAILURE;
    }
    if (!wait_for_try(mount, before, clock_seconds() + (timeout ? timeout : TIMEOUT_DEFAULT), &after))
        return STATUS_FAILURE;
    done = statistics_number(&after, "upgrades") != statistics_number(before, "upgrades");
    if (done)
        printf("%s: %s, before %s\n", quoted(mount), statistics_text(&after, "version"), statistics_text(before, "version"));
    else
        message("%s: the program on disk cannot go on with the mount, the one that runs does; the daemon's log tells why",
                quoted(mount));
    statistics_free(&after);
    return done ? STATUS_OK : STATUS_FAILURE;
}

enum exit_status command_upgrade(const struct arguments *arguments)
{
    const char *mount = arguments->operands[0];
    struct statistics before;
    enum exit_status status;
    int result = statistics_read(mount, &before);

    if (result == -EIO)
        return upgrade_fallen(mount, arguments->timeout);
    if (result) {
        statistics_tell(mount, result);
        return STATUS_FAILURE;
    }
    status = upgrade(mount, &before, arguments->timeout);
    statistics_free(&before);
    return status;
}
