#include "config.h"

#include "process/unmount.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "log.h"
#include "mounts.h"

/* In a child: unmounting waits for the worker to take the kernel's pages, and the worker might die meanwhile. The mount goes out of
 * sight now, and ends with its last user, us among them. Root unmounts by descriptor, an ordinary user has only his own rights to
 * lose. */
bool unmount_start(const struct daemon *daemon)
{
    pid_t pid = fork();
    sigset_t none;
    char path[32];
    int root;

    if (pid)
        return pid > 0;
    if (geteuid()) {
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
        execlp("fusermount3", "fusermount3", "-u", "-z", "--", daemon->options->mountpoint, (char *)NULL);
        _exit(1);
    }
    root = place_enter(&daemon->place);
    snprintf(path, sizeof path, "/proc/self/fd/%d", root);
    if (root == -ESTALE)
        log_line(LOG_WARN, "%s: another mount lies over it: unmount that first, then this", daemon->options->mountpoint);
    else if (root < 0 || umount2(path, MNT_DETACH))
        log_line(LOG_WARN, "%s: cannot be unmounted: %s", daemon->options->mountpoint, strerror(root < 0 ? -root : errno));
    else
        mounts_forget_helper(daemon->options->mountpoint);
    _exit(0);
}
