#include "config.h"

#include "process/fallen.h"

#include <signal.h>
#include <sys/wait.h>

#include "clock.h"
#include "log.h"
#include "process/child.h"
#include "process/refuse.h"

#define WINDOW_SECONDS 60

bool fallen_is(struct keeper *keeper)
{
    struct deaths *deaths = &keeper->deaths;
    time_t second = clock_seconds();

    if (second - deaths->window >= WINDOW_SECONDS)
        *deaths = (struct deaths){.window = second};
    return ++deaths->count > arena_tuning(keeper->daemon->arena.header)->max_restarts;
}

void fallen_begin(struct keeper *keeper, const char *how)
{
    log_line(LOG_FATAL,
             "the worker %s too often and is not started again: clients get EIO, what was received is kept; mapshare revive %s "
             "tries again",
             how, keeper->daemon->options->mountpoint);
    keeper->fallen = true;
    keeper->rescued = false;
    child_end(&keeper->probe);
}

void fallen_start_missing(struct keeper *keeper)
{
    pid_t pid;

    if (!keeper->refuser) {
        pid = refuse_start(keeper->daemon, keeper->unmount);
        keeper->refuser = pid > 0 ? pid : 0;
    }
    if (!keeper->worker && !keeper->rescued) {
        pid = child_start_worker(keeper->daemon, true);
        keeper->worker = pid > 0 ? pid : 0;
    }
}

void fallen_revive(struct keeper *keeper)
{
    if (!keeper->fallen || keeper->last)
        return;
    log_line(LOG_NOTE, "a worker is started again");
    child_end(&keeper->refuser);
    child_end(&keeper->saver);
    child_end(&keeper->worker);
    keeper->fallen = false;
    keeper->deaths = (struct deaths){0};
}

void fallen_unmount(struct keeper *keeper)
{
    child_end(&keeper->refuser); /* the next one answers all */
}

static void start_saver(struct keeper *keeper)
{
    pid_t pid = refuse_save(keeper->daemon);

    keeper->saver = pid > 0 ? pid : 0;
    if (pid < 0)
        log_line(LOG_FATAL, "pages that no commit has are not saved: no process can be made");
}

bool fallen_rescue_ended(struct keeper *keeper, int status)
{
    char text[64];

    if (!keeper->fallen)
        return false;
    keeper->worker = 0;
    keeper->rescued = true;
    if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_DONE) {
        log_line(LOG_WARN, "what was received is committed, but for atomic files");
        return true;
    }
    log_line(LOG_WARN, "what was received could not be committed: the last worker %s", child_tell(status, text));
    start_saver(keeper);
    return true;
}

bool fallen_reap(struct keeper *keeper, pid_t pid, int status)
{
    if (pid == keeper->saver) {
        keeper->saver = 0;
        return true;
    }
    if (pid != keeper->refuser)
        return false;
    keeper->refuser = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) { /* the mount is gone: one more worker finishes */
        child_end(&keeper->worker);
        keeper->fallen = false;
        keeper->last = true;
    }
    return true;
}
