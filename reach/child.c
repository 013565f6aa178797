#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"
#include "child.h"

/* In the child: as a program expects to be started. */
static void settle(void)
{
    sigset_t none;

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void set_environment(const struct standby *standby)
{
    char generation[32];

    snprintf(generation, sizeof generation, "%lld", (long long)standby->record.generation);
    setenv("MAPSHARE_STORE", standby->options->store, 1);
    setenv("MAPSHARE_MOUNT", standby->options->mountpoint, 1);
    setenv("MAPSHARE_NAME", standby->options->name, 1);
    setenv("MAPSHARE_GENERATION", generation, 1);
}

pid_t child_start(const struct standby *standby, const char *const *arguments)
{
    pid_t pid = fork();

    if (pid > 0)
        setpgid(pid, pid); /* whoever of us comes first */
    if (pid)
        return pid < 0 ? -errno : pid;
    settle();
    set_environment(standby);
    execvp(arguments[0], (char **)arguments);
    say("%s: %s", arguments[0], strerror(errno));
    _exit(127);
}

static int wait_for(struct standby *standby, pid_t pid, int64_t until)
{
    int status, result = 0;

    while (!result && waitpid(pid, &status, WNOHANG) == 0) {
        if (etcd_clock() >= until)
            result = -ETIMEDOUT;
        else
            result = standby_wait(standby, until);
    }
    if (result) { /* with all it started; what hangs in the store's file system dies when that lets it go */
        kill(-pid, SIGKILL);
        waitpid(pid, &status, WNOHANG);
        return result;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

int child_run(struct standby *standby, const char *const *arguments, int64_t until)
{
    pid_t pid = child_start(standby, arguments);

    return pid < 0 ? pid : wait_for(standby, pid, until);
}

int child_call(struct standby *standby, int (*function)(const struct standby *), int64_t until)
{
    pid_t pid = fork();

    if (pid < 0)
        return -errno;
    if (pid == 0) {
        settle();
        _exit(function(standby));
    }
    setpgid(pid, pid);
    return wait_for(standby, pid, until);
}
