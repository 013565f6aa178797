#include "config.h"

#include "process/background.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

/* Returns the program's exit status when the mount is usable, or the keeper has said why it is not. */
static int wait_for_keeper(int status, pid_t keeper)
{
    char byte;
    int how;

    if (read(status, &byte, 1) == 1)
        return 0;
    if (waitpid(keeper, &how, 0) == keeper && WIFEXITED(how) && WEXITSTATUS(how))
        return WEXITSTATUS(how);
    return 1;
}

bool background_enter(struct daemon *daemon, int *status)
{
    int ends[2];
    pid_t keeper;

    *status = 1;
    if (pipe2(ends, O_CLOEXEC)) {
        log_line(LOG_FATAL, "no pipe: %s", strerror(errno));
        return true;
    }
    keeper = fork();
    if (keeper < 0) {
        log_line(LOG_FATAL, "cannot go into the background: %s", strerror(errno));
        return true;
    }
    if (keeper) {
        close(ends[1]);
        *status = wait_for_keeper(ends[0], keeper);
        return true;
    }
    close(ends[0]);
    daemon->owned[OWNED_STATUS] = ends[1];
    setsid();
    if (chdir("/"))
        log_line(LOG_NOTE, "cannot leave the current folder: %s", strerror(errno));
    return false;
}

void background_leave_terminal(const struct daemon *daemon)
{
    int null = daemon->owned[OWNED_NULL];

    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
}

void background_tell_ready(struct daemon *daemon)
{
    int *status = &daemon->owned[OWNED_STATUS];

    if (!daemon->options->foreground) {
        log_to_system(daemon->owned[OWNED_NULL]);
        background_leave_terminal(daemon);
    }
    if (*status >= 0) {
        if (write(*status, "", 1) < 0)
            log_line(LOG_WARN, "the starting process is gone");
        close(*status);
        *status = -1;
    }
}
