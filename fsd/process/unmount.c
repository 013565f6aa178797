#include "config.h"

#include "process/unmount.h"

#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

/* In a child: unmounting waits for the worker to take the kernel's pages, and the worker might die meanwhile. */
bool unmount_start(const struct daemon *daemon)
{
    const char *mountpoint = daemon->options->mountpoint;
    pid_t pid = fork();
    sigset_t none;

    if (pid)
        return pid > 0;
    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    if (geteuid()) {
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execlp("fusermount3", "fusermount3", "-u", "-z", "--", mountpoint, (char *)NULL);
        _exit(1);
    }
    /* Busy: it goes out of sight now, and ends with its last user. */
    if (umount2(mountpoint, UMOUNT_NOFOLLOW) && errno == EBUSY)
        umount2(mountpoint, UMOUNT_NOFOLLOW | MNT_DETACH);
    _exit(0);
}
