#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "mounts.h"
#include "say.h"
#include "serve.h"

#define CONNECTIONS "/sys/fs/fuse/connections"
#define LOOK_MILLISECONDS 20
#define START_MILLISECONDS 86400000 /* recovery takes what it takes, and the lease is kept meanwhile */
#define DEATH_MILLISECONDS 2000     /* a process that waits for the store may take longer to die, but does nothing more */

/* The kernel's side of the mount, by whose number it can be told to answer with errors. 0: there is none. */
static int find_connection(const struct standby *standby)
{
    struct mount_entry entry;
    int number;

    if (mounts_ours_at(standby->options->mountpoint, &entry))
        return 0;
    number = (int)minor(entry.device);
    mounts_free(&entry);
    return number;
}

static void abort_connection(int number)
{
    char path[64];
    int fd;

    snprintf(path, sizeof path, CONNECTIONS "/%d/abort", number);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && mount("none", CONNECTIONS, "fusectl", 0, NULL) == 0)
        fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "1", 1) != 1)
        say("%s: %s; the daemon is killed all the same", path, strerror(errno));
    if (fd >= 0)
        close(fd);
}

bool serve_lives(struct standby *standby)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == standby->daemon)
            standby->complete = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    return standby->daemon && kill(-standby->daemon, 0) == 0;
}

void serve_abort(struct standby *standby)
{
    static const struct timespec pause = {.tv_nsec = LOOK_MILLISECONDS * 1000000};
    int64_t until = etcd_clock() + DEATH_MILLISECONDS;

    if (!standby->connection)
        standby->connection = find_connection(standby);
    if (standby->connection)
        abort_connection(standby->connection);
    if (standby->daemon)
        kill(-standby->daemon, SIGKILL);
    if (standby->connection && umount2(standby->options->mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW))
        say("%s: %s", standby->options->mountpoint, strerror(errno));
    while (serve_lives(standby) && etcd_clock() < until)
        nanosleep(&pause, NULL);
    standby->daemon = standby->connection = 0;
}

/* In a child: waits, for as long as the mount is there and its worker begins. */
static int ask_mount(const struct standby *standby)
{
    struct statvfs status;

    return statvfs(standby->options->mountpoint, &status) != 0;
}

int serve_start(struct standby *standby)
{
    const struct standby_options *options = standby->options;
    char list[4096];
    const char *arguments[] = {"mapsharefs", "-f", "-o", list, options->store, options->mountpoint, NULL};
    int64_t began = etcd_clock();
    int result = 0;

    snprintf(list, sizeof list, "%s%sgeneration=%lld", options->mount_options ?: "", options->mount_options ? "," : "",
             (long long)standby->record.generation);
    standby->complete = false;
    standby->daemon = child_start(standby, arguments);
    if (standby->daemon < 0) {
        say("no process can be made: %s", strerror(-standby->daemon));
        result = standby->daemon;
        standby->daemon = 0;
        return result;
    }
    while (!result && !(standby->connection = find_connection(standby))) {
        if (!serve_lives(standby)) {
            say("mapsharefs ended before it had %s mounted; it tells why above", options->mountpoint);
            return -ECHILD;
        }
        result = standby_wait(standby, etcd_clock() + LOOK_MILLISECONDS);
        if (!result && standby->stopping)
            result = -EINTR;
    }
    if (!result)
        result = child_call(standby, ask_mount, began + START_MILLISECONDS);
    if (result > 0) {
        say("%s does not answer; mapsharefs tells why above", options->mountpoint);
        return -ECHILD;
    }
    if (!result)
        say("%s is mounted: %lld ms", options->mountpoint, (long long)(etcd_clock() - began));
    return result;
}

void serve_tell_clients(struct standby *standby, const char *what)
{
    const char *arguments[] = {standby->options->clients, what, standby->options->mountpoint, NULL};
    int result;

    if (!standby->options->clients)
        return;
    result = child_run(standby, arguments, standby_patience_ends(standby));
    if (result && result != -ETIME)
        say("%s %s %s failed", standby->options->clients, what, standby->options->mountpoint);
}

/* In a child: it waits for the daemon to take the kernel's pages. */
static int unmount_once(const struct standby *standby)
{
    if (umount2(standby->options->mountpoint, UMOUNT_NOFOLLOW))
        return errno;
    mounts_forget_helper(standby->options->mountpoint);
    return 0;
}

/* Programs that use the mount may be about to end. */
static int unmount(struct standby *standby)
{
    int64_t until = standby_patience_ends(standby);
    int result = child_call(standby, unmount_once, until);

    while (result == EBUSY && etcd_clock() < until) {
        result = standby_wait(standby, etcd_clock() + LOOK_MILLISECONDS);
        if (!result)
            result = child_call(standby, unmount_once, until);
    }
    return result > 0 ? -result : result;
}

int serve_stop(struct standby *standby)
{
    int result;

    serve_tell_clients(standby, "stop");
    result = unmount(standby);
    while (!result && serve_lives(standby)) /* it writes what is committed to the store's files */
        result = standby_wait(standby, etcd_clock() + LOOK_MILLISECONDS);
    if (result == -EBUSY)
        say("%s: busy: programs use it still", standby->options->mountpoint);
    else if (result && result != -ETIME)
        say("%s cannot be unmounted: %s", standby->options->mountpoint, strerror(-result));
    if (result)
        return result;
    standby->daemon = standby->connection = 0;
    return standby->complete ? 0 : -EIO;
}
