/* A mount that is not served tells nothing about itself: who its keeper is stands in the store's lock. */
#include "config.h"

#include "clock.h"
#include "command.h"
#include "message.h"
#include "mounts.h"
#include "revive.h"
#include "statistics.h"
#include "store_folder.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POLL_NANOSECONDS 10000000
#define TIMEOUT_DEFAULT 30 /* seconds */

/* 0 or -errno. */
static int is_served(const char *mount)
{
    struct statistics statistics;
    int result = statistics_read(mount, &statistics);

    if (!result)
        statistics_free(&statistics);
    return result;
}

static enum exit_status tell_keeper(const char *mount, const struct mount_entry *entry, int what, unsigned timeout)
{
    static const struct timespec pause = {.tv_nsec = POLL_NANOSECONDS};
    time_t until = clock_seconds() + (timeout ? timeout : TIMEOUT_DEFAULT);
    int keeper = store_folder_keeper(entry->source), result;
    int error = keeper <= 0 ? ESRCH : kill(keeper, what) ? errno : 0;

    if (error == ESRCH)
        message("%s: its keeper cannot be found by the lock of its store %s; unmount it, and mount it again", quoted(mount),
                quoted(entry->source));
    else if (error)
        message("%s: its keeper, process %d, cannot be told: %s", quoted(mount), keeper, strerror(error));
    if (error)
        return STATUS_FAILURE;
    while ((result = is_served(mount)) == -EIO && clock_seconds() < until)
        nanosleep(&pause, NULL);
    if (result)
        message("%s: is not served: %s; the daemon's log tells why", quoted(mount), strerror(-result));
    return result ? STATUS_FAILURE : STATUS_OK;
}

enum exit_status revive(const char *mount, int what, unsigned timeout)
{
    struct mount_entry entry;
    int result = mounts_ours_at(mount, &entry);
    enum exit_status status = STATUS_FAILURE;

    if (result == -ENOENT)
        message("%s: no mapsharefs mount", quoted(mount));
    else if (result)
        message_error(mount, result);
    else if (is_served(mount) == 0)
        status = STATUS_OK;
    else
        status = tell_keeper(mount, &entry, what, timeout);
    if (!result)
        mounts_free(&entry);
    return status;
}

enum exit_status command_revive(const struct arguments *arguments)
{
    return revive(arguments->operands[0], SIGUSR1, arguments->timeout);
}
