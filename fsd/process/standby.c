#include "config.h"

#include "process/standby.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "process/lock.h"

#define LOOK_MILLISECONDS 100
#define GRACE_MICROSECONDS 20000
#define STARTED_FIELD 22 /* of /proc/PID/stat, see proc(5) */

/* When a process began, in ticks since the machine did: number and beginning together are never used again. 0: it is gone. */
static uint64_t began(pid_t pid)
{
    char path[32], text[512], *at;
    uint64_t ticks = 0;
    size_t length;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    file = fopen(path, "re");
    if (!file)
        return 0;
    length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = 0;
    at = strrchr(text, ')'); /* the end of the second field */
    for (int field = 2; at && field < STARTED_FIELD; field++)
        at = strchr(at + 1, ' ');
    return at && sscanf(at, "%" SCNu64, &ticks) == 1 ? ticks : 0;
}

bool standby_knows(struct arena_header *header, pid_t keeper)
{
    header->worker_pid = 0;
    header->worker_began = began(getpid());
    header->worker_pid = getpid();
    return getppid() == keeper; /* if so, a stand-by that looks after the keeper's end sees the number */
}

/* SIGCHLD is what the kernel sends us when our parent ends; a descriptor that tells the same would be one too many in the table. The worker goes on
 * serving meanwhile: whoever ends all processes, one after the other, shall not be outrun by a new one. */
static void wait_for_end(pid_t keeper)
{
    sigset_t all;

    sigfillset(&all);
    prctl(PR_SET_PDEATHSIG, SIGCHLD, 0, 0, 0);
    while (getppid() == keeper)
        sigwaitinfo(&all, NULL);
    usleep(GRACE_MICROSECONDS);
}

/* All its threads have ended, and with them every system call: its successor may write. One that is at its beginning may close our
 * descriptor; then there is another. */
static void end_worker(const struct arena_header *header)
{
    pid_t pid = header->worker_pid;
    struct pollfd ended = {.fd = -1, .events = POLLIN};

    if (!pid || began(pid) != header->worker_began)
        return;
    while (!(ended.revents & POLLIN)) {
        if (ended.fd < 0 || ended.revents & POLLNVAL)
            ended.fd = syscall(SYS_pidfd_open, pid, 0);
        if (ended.fd < 0)
            return;
        syscall(SYS_pidfd_send_signal, ended.fd, SIGKILL, NULL, 0);
        poll(&ended, 1, LOOK_MILLISECONDS);
    }
    close(ended.fd);
}

pid_t standby_start(struct daemon *daemon)
{
    struct arena_header *header = daemon->arena.header;
    pid_t keeper = getpid(), pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

    if (pid)
        return pid;
    wait_for_end(keeper);
    end_worker(header);
    header->keeper_pid = getpid();
    lock_hand_over(daemon->owned[OWNED_LOCK]);
    return 0;
}
