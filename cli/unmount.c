/* Unmounts and waits. The kernel lets go of the mount at once; the daemon's last commit and checkpoint come after. The store is
 * complete when the keeper has exited and nobody holds the store's lock any more. */
#include "config.h"

#include "clock.h"
#include "command.h"
#include "inspect.h"
#include "message.h"
#include "mounts.h"
#include "namespaces.h"
#include "statistics.h"
#include "store_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_MILLISECONDS 5
#define HINT_MILLISECONDS 3000
#define LOOK_MILLISECONDS 50   /* what is over within this is not worth a word */
#define EXIT_MILLISECONDS 2000 /* a process that gave up the lock is gone soon */

extern char **environ;

struct target {
    const char *name; /* as the user gave it */
    struct mount_entry mount;
    uint64_t keeper, standby; /* 0: unknown, or there is none */
    int keeper_fd;            /* pidfd, -1: unknown or gone */
    int lock_fd;              /* of the store's lock, or -1 */
    int lock_error;           /* why it cannot be read, or 0 */
    bool dead;                /* the mount has no daemon any more */
    bool has_lock;
    int64_t deadline; /* milliseconds, 0: none */
};

static bool find_mount(struct target *target)
{
    char *path = mounts_resolve(target->name);
    int result = path ? mounts_at(path, &target->mount) : -errno;
    struct mount_entry around;

    if (result == 0 && !mounts_is_ours(&target->mount)) {
        message("%s: mounted, but as %s; use umount", quoted(target->name), quoted(target->mount.type));
        mounts_free(&target->mount);
        result = -EINVAL;
    } else if (result == -ENOENT && path && mounts_around(path, &around) == 0) {
        message("%s: not a mount point but inside one; give %s", quoted(target->name), quoted(around.point));
        mounts_free(&around);
    } else if (result == -ENOENT && path) {
        message("%s: nothing is mounted there; see 'findmnt -t fuse.mapsharefs'", quoted(target->name));
    } else if (result) {
        message_error(target->name, result);
    }
    free(path);
    return result == 0;
}

/* Must be done while it is still mounted: afterwards nobody tells who the keeper was. */
static bool find_keeper(struct target *target)
{
    struct statistics statistics;
    int result = statistics_read(target->mount.point, &statistics), keeper;

    if (result == -ENOTCONN) {
        target->dead = true;
        return true;
    }
    if (result == -ENOTTY) /* a bind mount of a folder: another mount is there too */
        return true;
    if (result && result != -EIO) {
        message_error(target->name, result);
        return false;
    }
    if (result) { /* its workers died too often, and nobody answers; so may another, whose disk fails */
        keeper = store_folder_keeper(target->mount.source);
        target->keeper = keeper > 0 ? (uint64_t)keeper : 0;
    } else {
        target->keeper = statistics_number(&statistics, "keeper_pid");
        target->standby = statistics_number(&statistics, "standby_pid");
        statistics_free(&statistics);
    }
    target->keeper_fd = target->keeper ? (int)syscall(SYS_pidfd_open, (pid_t)target->keeper, 0) : -1;
    return true;
}

static void find_lock(struct target *target)
{
    struct stat status;
    char *path;

    if (asprintf(&path, "%s/" MAPSHARE_PRIVATE_FOLDER "/lock", target->mount.source) < 0)
        return;
    target->lock_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (target->lock_fd < 0)
        target->lock_error = errno;
    else if (fstat(target->lock_fd, &status) || !S_ISREG(status.st_mode))
        target->lock_error = ENOTSUP;
    free(path);
}

/* What fusermount3 prints, in one line. 0 or -errno. */
static int run_fusermount(const char *point, char *said, size_t size)
{
    const char *arguments[] = {"fusermount3", "-u", "--", point, NULL};
    posix_spawn_file_actions_t actions;
    size_t length = 0;
    ssize_t part;
    int pipes[2], status, result;
    pid_t child;

    if (pipe2(pipes, O_CLOEXEC))
        return -errno;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipes[1], STDERR_FILENO);
    setenv("LC_ALL", "C", 1);
    result = -posix_spawnp(&child, arguments[0], &actions, NULL, (char **)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pipes[1]);
    while (result == 0 && length < size - 1 && (part = read(pipes[0], said + length, size - 1 - length)) > 0)
        length += (size_t)part;
    said[length] = '\0';
    said[strcspn(said, "\n")] = '\0';
    close(pipes[0]);
    if (result)
        return result;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return strstr(said, "busy") ? -EBUSY : -EPERM;
}

static bool detach(const struct target *target)
{
    char said[256] = "";
    int result = umount2(target->mount.point, UMOUNT_NOFOLLOW) ? -errno : 0;

    if (result == 0)
        mounts_forget_helper(target->mount.point); /* an ordinary user's is not there */
    if (result == -EPERM)
        result = run_fusermount(target->mount.point, said, sizeof said);
    if (result == -EBUSY)
        message(
            "%s: busy: a program has a file open, a mapping or its working directory there; 'fuser -vm %s' lists them, end them",
            quoted(target->name), quoted(target->name));
    else if (result == -ENOENT)
        message("%s: fusermount3 is not installed; install fuse3 or unmount as root", quoted(target->name));
    else if (result == -EPERM && strstr(said, "/etc/mtab"))
        message("%s: %s; make it a link: 'ln -s ../proc/self/mounts /etc/mtab'", quoted(target->name), quoted(said));
    else if (result == -EPERM && *said)
        message("%s: %s; unmount as the user who mounted it, or as root", quoted(target->name), quoted(said));
    else if (result)
        message_error(target->name, result);
    return result == 0;
}

/* Waits a moment for it, or just a moment. */
static bool keeper_is_gone(struct target *target)
{
    struct pollfd event = {.fd = target->keeper_fd, .events = POLLIN};

    if (poll(&event, 1, POLL_MILLISECONDS) > 0) {
        close(target->keeper_fd);
        target->keeper_fd = -1;
    }
    return target->keeper_fd < 0;
}

/* The lock stays ours once we have it, so that what is seen in the store then stays. Another mount of the store may take it first:
 * it could do so only because the last one was complete. */
static bool lock_is_free(struct target *target)
{
    struct mount_entry next;

    if (target->lock_fd < 0 || target->has_lock)
        return true;
    if (flock(target->lock_fd, LOCK_SH | LOCK_NB) == 0) {
        target->has_lock = true;
        return true;
    }
    if (target->keeper_fd >= 0 || mounts_of_store(target->mount.source, &next))
        return false;
    mounts_free(&next);
    return true;
}

/* Where a container has a copy of the mount, only its end ends the daemon. */
static void tell_copy(const struct target *target)
{
    char name[PROCESS_NAME_SIZE];
    pid_t pid;

    if (namespaces_have(&target->mount, &pid, name))
        message("%s: unmounted here, but process %d (%s) has it in another mount namespace; end it, or unmount there with "
                "'nsenter -t %d -m umount -i %s'; waiting for that",
                quoted(target->name), pid, quoted(name), pid, quoted(target->mount.point));
}

/* Until the daemon has left. Where it runs in another process namespace, its number means another process here: then the lock alone
 * tells. */
static bool wait_end(struct target *target)
{
    int64_t free_since = 0, hint_at = isatty(STDERR_FILENO) ? clock_milliseconds() + HINT_MILLISECONDS : INT64_MAX;
    int64_t look_at = clock_milliseconds() + LOOK_MILLISECONDS;

    for (;;) {
        bool gone = keeper_is_gone(target);

        if (lock_is_free(target) && gone)
            return true;
        if (target->has_lock && !free_since)
            free_since = clock_milliseconds();
        if (target->has_lock && clock_milliseconds() - free_since > EXIT_MILLISECONDS)
            return true;
        if (target->deadline && clock_milliseconds() > target->deadline)
            return false;
        if (clock_milliseconds() > look_at) {
            tell_copy(target);
            look_at = INT64_MAX;
        }
        if (clock_milliseconds() > hint_at) {
            message("%s: unmounted here; waiting for its daemon (process %llu) to complete %s", quoted(target->name),
                    (unsigned long long)target->keeper, quoted(target->mount.source));
            hint_at = INT64_MAX;
        }
    }
}

/* Its stand-by may be the keeper meanwhile. */
static bool is_keeper(const struct target *target, uint64_t number)
{
    return number == target->keeper || (number && number == target->standby);
}

/* What the lock's file says of our daemon's end, in `text`; it may be of the mount before the present one. NULL: nothing, errno
 * tells why. */
static const char *read_state(const struct target *target, char text[MAPSHARE_LOCK_SIZE + 1])
{
    ssize_t length = target->lock_error ? -1 : pread(target->lock_fd, text, MAPSHARE_LOCK_SIZE, 0);
    char *holder, *state, *before, *end;

    if (length < 0) {
        errno = target->lock_error ? target->lock_error : errno;
        return NULL;
    }
    text[length] = '\0';
    holder = strsep(&text, "\n");
    state = text ? strsep(&text, "\n") : NULL;
    before = text ? strsep(&text, "\n") : NULL;
    if (state && (!target->keeper || is_keeper(target, strtoull(holder, NULL, 10))))
        return state;
    if (before && is_keeper(target, strtoull(before, &end, 10)) && *end == ' ')
        return end + 1;
    errno = ENODATA;
    return NULL;
}

/* Whether every change is in the store's files. Where it is not, or nobody can tell, says so. */
static bool is_complete(const struct target *target)
{
    char text[MAPSHARE_LOCK_SIZE + 1];
    const char *state = read_state(target, text), *store = target->mount.source, *name = target->name;

    if (!state && errno == EACCES) /* not ours to look at */
        return true;
    if (!state && (errno == ENOENT || errno == ENODATA) && mounts_has_option(&target->mount, "ro")) /* never written to */
        return true;
    if (!state)
        message("%s: unmounted, but whether all changes are in %s is not known: its lock cannot be read: %s", quoted(name),
                quoted(store), strerror(errno));
    else if (!strcmp(state, MAPSHARE_LOCK_COMPLETE))
        return true;
    else if (!strncmp(state, MAPSHARE_LOCK_LOST, strlen(MAPSHARE_LOCK_LOST)))
        message("%s: unmounted, but changes could not be committed and are lost: %s", quoted(name),
                quoted(state + strlen(MAPSHARE_LOCK_LOST)));
    else if (!strncmp(state, MAPSHARE_LOCK_LEFT, strlen(MAPSHARE_LOCK_LEFT)))
        message("%s: unmounted, but commits are still in the journal of %s; run 'mapshare recover %s'", quoted(name), quoted(store),
                quoted(store));
    else
        message("%s: unmounted, but its daemon ended before the store was complete; run 'mapshare recover %s'", quoted(name),
                quoted(store));
    return false;
}

/* Another mount of the store ends the wait before it begins. */
static bool is_mounted_elsewhere(const struct target *target, bool content)
{
    struct mount_entry other;

    if (mounts_of_device(&target->mount, &other))
        return false;
    if (!content)
        message("%s: unmounted, but the store is still mounted at %s; unmount that too", quoted(target->name), quoted(other.point));
    mounts_free(&other);
    return true;
}

static enum exit_status unmount(struct target *target, const struct arguments *arguments)
{
    if (!find_keeper(target))
        return STATUS_FAILURE;
    find_lock(target);
    if (!detach(target))
        return STATUS_FAILURE;
    if (is_mounted_elsewhere(target, arguments->keep_others))
        return arguments->keep_others ? STATUS_OK : STATUS_FAILURE;
    if (!target->dead && target->keeper_fd < 0 && target->lock_fd < 0) {
        message(
            "%s: unmounted, but neither its daemon nor the lock of %s can be seen from here; unmount as the user who mounted it",
            quoted(target->name), quoted(target->mount.source));
        return STATUS_FAILURE;
    }
    target->deadline = arguments->timeout ? clock_milliseconds() + (int64_t)arguments->timeout * 1000 : 0;
    if (!wait_end(target)) {
        message("%s: unmounted, but its daemon (process %llu) is still writing to %s; wait until it has exited",
                quoted(target->name), (unsigned long long)target->keeper, quoted(target->mount.source));
        return STATUS_FAILURE;
    }
    if (target->dead) {
        message("%s: unmounted, but its daemon had died; run 'mapshare recover %s'", quoted(target->name),
                quoted(target->mount.source));
        return STATUS_FAILURE;
    }
    return is_complete(target) ? STATUS_OK : STATUS_FAILURE;
}

enum exit_status command_unmount(const struct arguments *arguments)
{
    struct target target = {.name = arguments->operands[0], .keeper_fd = -1, .lock_fd = -1};
    enum exit_status status;

    if (!find_mount(&target))
        return STATUS_FAILURE;
    status = unmount(&target, arguments);
    if (target.keeper_fd >= 0)
        close(target.keeper_fd);
    if (target.lock_fd >= 0)
        close(target.lock_fd);
    mounts_free(&target.mount);
    return status;
}
