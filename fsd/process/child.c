#include "config.h"

#include "process/child.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/standby.h"

/* The worker shares our table of descriptors, so that what it opens outlives it at the same number, but not our memory. */
pid_t child_start_worker(struct daemon *daemon, bool rescues)
{
    pid_t keeper = getpid(), pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

    if (pid)
        return pid;
    _exit(standby_knows(daemon->arena.header, keeper) ? worker_run(daemon, rescues) : WORKER_FAILED);
}

const char *child_tell(int status, char text[64])
{
    if (WIFSIGNALED(status))
        snprintf(text, 64, "was ended by signal %d (%s)", WTERMSIG(status), sigdescr_np(WTERMSIG(status)) ?: "unknown");
    else
        snprintf(text, 64, "exited with %d", WEXITSTATUS(status));
    return text;
}

int child_end(pid_t *pid)
{
    int status = SIGKILL;

    if (*pid && !kill(*pid, SIGKILL))
        waitpid(*pid, &status, 0);
    *pid = 0;
    return status;
}
