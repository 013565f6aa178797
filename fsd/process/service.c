#include "config.h"

#include "process/service.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "process/child.h"

#define PATIENCE_MILLISECONDS 5000 /* for the manager to read */
#define END_MILLISECONDS 1000      /* the keeper's, at its end */
#define LOOK_MILLISECONDS 5

static const char *manager(const struct keeper *keeper)
{
    const char *name = getenv("NOTIFY_SOCKET");

    return keeper->daemon->options->foreground && name && (*name == '/' || *name == '@') ? name : NULL;
}

/* Seconds between two signs of life; -1: none are asked for. */
static time_t interval(void)
{
    const char *text = getenv("WATCHDOG_USEC");

    return text && *text ? (time_t)(strtoull(text, NULL, 10) / 2 / 1000000) : -1;
}

/* ---- the teller ---- */

static int open_manager(const char *name)
{
    struct timeval patience = {.tv_sec = PATIENCE_MILLISECONDS / 1000};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || length >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, name, length);
    if (*name == '@')
        address.sun_path[0] = 0;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return connect(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + length) ? -1 : fd;
}

/* The manager looks up who sent a message when it reads it, so the sender must still be there: it closes the end of a pipe that it is
 * sent when it has read all before. */
static bool wait_until_read(int manager)
{
    static char barrier[] = "BARRIER=1";
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))}};
    struct iovec part = {barrier, sizeof barrier - 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.space};
    int ends[2];
    struct pollfd closed;

    if (pipe(ends))
        return false;
    memcpy(CMSG_DATA(&control.header), &ends[1], sizeof(int));
    if (sendmsg(manager, &message, MSG_NOSIGNAL) < 0)
        return false;
    close(ends[1]);
    closed = (struct pollfd){.fd = ends[0]};
    return poll(&closed, 1, PATIENCE_MILLISECONDS) == 1;
}

static pid_t start_teller(const char *name, const char *text)
{
    pid_t pid = fork();
    int fd;

    if (pid)
        return pid;
    close_range(STDERR_FILENO + 1, ~0u, 0); /* the store's lock, too: nobody shall wait for us */
    fd = open_manager(name);
    _exit(fd >= 0 && send(fd, text, strlen(text), MSG_NOSIGNAL) >= 0 && wait_until_read(fd) ? 0 : 1);
}

/* ---- the keeper ---- */

static void describe(const struct keeper *keeper, char *text, size_t max)
{
    const struct arena_header *header = keeper->daemon->arena.header;
    const char *state = keeper->ending ? "STOPPING=1" : keeper->checker || keeper->trial ? "RELOADING=1" : "READY=1";
    const char *does = keeper->ending   ? "unmounts"
                       : keeper->fallen ? "answers EIO, its worker died too often (mapshare revive)"
                                        : "serves";

    snprintf(text, max, "%s\nMAINPID=%d\nSTATUS=mapsharefs " PACKAGE_VERSION " %s; %" PRIu64 " restarts", state, keeper->standby,
             does, header->counters.restarts);
}

void service_look(struct keeper *keeper)
{
    struct service *service = &keeper->service;
    char text[sizeof service->told];
    const char *name = manager(keeper);
    time_t second = clock_seconds(), between = interval();
    bool sign = between >= 0 && second >= service->next;

    if (!name || service->teller || !keeper->told || !keeper->standby)
        return;
    describe(keeper, text, sizeof text);
    if (!sign && !strcmp(text, service->told))
        return;
    memcpy(service->told, text, sizeof text);
    if (sign)
        strcat(text, "\nWATCHDOG=1");
    service->next = second + between;
    service->teller = start_teller(name, text);
    if (service->teller < 0) { /* the next second */
        service->teller = 0;
        service->told[0] = 0;
    }
}

bool service_reap(struct keeper *keeper, pid_t pid, int status)
{
    static long last;

    if (pid != keeper->service.teller)
        return false;
    keeper->service.teller = 0;
    if (status)
        log_limited(&last, "%s: the service manager does not read what it is told (NOTIFY_SOCKET)", getenv("NOTIFY_SOCKET"));
    return true;
}

void service_end(struct keeper *keeper)
{
    static const struct timespec pause = {.tv_nsec = LOOK_MILLISECONDS * 1000000};
    const char *name = manager(keeper);
    char text[64];
    pid_t teller;

    if (!name || !keeper->told)
        return;
    child_end(&keeper->service.teller); /* it would tell of the stand-by */
    snprintf(text, sizeof text, "STOPPING=1\nMAINPID=%d", getpid());
    teller = start_teller(name, text);
    for (int waited = 0; teller > 0 && waited < END_MILLISECONDS; waited += LOOK_MILLISECONDS) {
        if (waitpid(teller, NULL, WNOHANG))
            return;
        nanosleep(&pause, NULL);
    }
    if (teller > 0)
        child_end(&teller);
}
