/* events wakes MOUNT | denied FILE: a descriptor of a file's events, as event loops use it. */
#include "config.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>

#include "check.h"
#include "mapshare.h"

static const char *mount_point;
static struct mapshare *ms;

static pid_t worker(void)
{
    char text[8192], *at;
    ssize_t size = getxattr(mount_point, "user.mapshare.stats", text, sizeof text - 1);

    CHECK(size > 0);
    text[size] = '\0';
    at = strstr(text, "\nworker_pid=");
    CHECK(at);
    return atoi(at + strlen("\nworker_pid="));
}

/* Another one serves when it returns. */
static void kill_worker(void)
{
    pid_t pid = worker();

    CHECK(kill(pid, SIGKILL) == 0);
    while (worker() == pid)
        usleep(1000);
}

static uint64_t commit(void)
{
    struct mapshare_receipt receipt;

    ++*(char *)mapshare_addr(ms);
    CHECK(mapshare_sync(ms, 0, 0, MS_SYNC, &receipt) == 0);
    return receipt.sequence;
}

static bool is_readable(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};

    CHECK(poll(&poller, 1, 0) >= 0);
    return poller.revents & POLLIN;
}

static struct mapshare_event take(int fd)
{
    struct mapshare_event event;

    CHECK(read(fd, &event, sizeof event) == sizeof event);
    return event;
}

static void expect_nothing(int fd)
{
    struct mapshare_event event;

    CHECK(!is_readable(fd));
    CHECK(read(fd, &event, sizeof event) == -1 && errno == EAGAIN);
}

static void readiness(void)
{
    int both = mapshare_event_fd(ms, MAPSHARE_EVENT_COMMITS | MAPSHARE_EVENT_NOTICES);
    int commits = mapshare_event_fd(ms, MAPSHARE_EVENT_COMMITS), notices = mapshare_event_fd(ms, MAPSHARE_EVENT_NOTICES);
    struct pollfd plain = {.fd = mapshare_fd(ms), .events = POLLIN | POLLOUT};
    struct mapshare_event event;
    uint64_t sequence;

    CHECK(both >= 0 && commits >= 0 && notices >= 0);
    expect_nothing(both);
    sequence = commit();
    CHECK(is_readable(both) && is_readable(commits) && !is_readable(notices));
    event = take(both);
    CHECK(event.sequence == sequence);
    expect_nothing(both);
    CHECK(is_readable(commits)); /* each has its own */
    CHECK(mapshare_notify(ms) == 0);
    CHECK(is_readable(both) && is_readable(notices));
    CHECK(take(both).notices == event.notices + 1);
    expect_nothing(both);
    kill_worker();
    expect_nothing(both);
    CHECK(is_readable(commits) && is_readable(notices)); /* what was not told is told still */
    CHECK(take(commits).sequence == sequence);
    CHECK(read(notices, &event, sizeof event - 1) == -1 && errno == EINVAL);
    CHECK(mapshare_event_fd(ms, 0) == -1 && errno == EINVAL);
    CHECK(mapshare_event_fd(ms, 4) == -1 && errno == EINVAL);
    CHECK(poll(&plain, 1, 0) == 1 && plain.revents == (POLLIN | POLLOUT)); /* as every file */
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, both, 0) == MAP_FAILED);
    close(both);
    close(commits);
    close(notices);
}

/* Of a file that nobody has written to since the mount: to be opened for that is no commit. */
static void quiet(void)
{
    char path[PAGE];
    struct mapshare *read_only;
    int events, writer;

    snprintf(path, sizeof path, "%s/quiet", mount_point);
    read_only = mapshare_open(path, O_RDONLY, 0, NULL);
    CHECK(read_only);
    events = mapshare_event_fd(read_only, MAPSHARE_EVENT_COMMITS);
    CHECK(events >= 0);
    writer = open(path, O_RDWR);
    CHECK(writer >= 0);
    expect_nothing(events);
    CHECK(pwrite(writer, "x", 1, 0) == 1 && fsync(writer) == 0);
    CHECK(is_readable(events));
    CHECK(close(writer) == 0 && close(events) == 0 && mapshare_close(read_only) == 0);
}

/* Commits until the waiter has woken often enough. */
struct waiter {
    int epoll, fd;
    _Atomic unsigned wakes;
    _Atomic bool over;
    bool edge;
};

static void *wait_for_events(void *argument)
{
    struct waiter *waiter = argument;
    struct epoll_event event;

    while (!waiter->over) {
        int count = epoll_wait(waiter->epoll, &event, 1, 100);

        CHECK(count >= 0);
        if (count && !waiter->edge)
            take(waiter->fd);
        waiter->wakes += count;
    }
    return NULL;
}

static void wait_for(const struct waiter *waiter, unsigned wakes)
{
    while (waiter->wakes < wakes)
        usleep(1000); /* the test's time-out ends it */
}

/* It sleeps in epoll_wait when the worker dies, and whatever comes then wakes it. */
static void waiter_over_deaths(bool edge)
{
    struct waiter waiter = {.epoll = epoll_create1(0), .edge = edge};
    struct epoll_event event = {.events = edge ? EPOLLIN | EPOLLET : EPOLLIN};
    pthread_t thread;

    waiter.fd = mapshare_event_fd(ms, MAPSHARE_EVENT_COMMITS | MAPSHARE_EVENT_NOTICES);
    CHECK(waiter.fd >= 0 && epoll_ctl(waiter.epoll, EPOLL_CTL_ADD, waiter.fd, &event) == 0);
    CHECK(pthread_create(&thread, NULL, wait_for_events, &waiter) == 0);
    for (unsigned i = 0; i < 3; i++) {
        unsigned seen = waiter.wakes;

        usleep(20000); /* most often it sleeps by now */
        commit();
        wait_for(&waiter, seen + 1);
        seen = waiter.wakes;
        kill_worker();
        CHECK(mapshare_notify(ms) == 0);
        wait_for(&waiter, seen + 1);
        if (!edge)
            CHECK(waiter.wakes <= seen + 2); /* each is told once; two where it was read between commit and receipt */
    }
    waiter.over = true;
    CHECK(pthread_join(thread, NULL) == 0);
    close(waiter.fd);
    close(waiter.epoll);
}

int main(int argc, char **argv)
{
    struct mapshare_options options = {.struct_size = sizeof options, .size = PAGE};
    char path[PAGE];

    CHECK(argc == 3);
    if (!strcmp(argv[1], "denied")) { /* who may only read has commits, and no notices */
        ms = mapshare_open(argv[2], O_RDONLY, 0, NULL);
        CHECK(ms);
        CHECK(mapshare_event_fd(ms, MAPSHARE_EVENT_COMMITS) >= 0);
        CHECK(mapshare_event_fd(ms, MAPSHARE_EVENT_NOTICES) == -1 && errno == EACCES);
        return 0;
    }
    mount_point = argv[2];
    snprintf(path, sizeof path, "%s/watched", mount_point);
    ms = mapshare_open(path, O_RDWR | O_CREAT, 0644, &options);
    CHECK(ms);
    readiness();
    quiet();
    waiter_over_deaths(false);
    waiter_over_deaths(true);
    CHECK(mapshare_close(ms) == 0);
    return 0;
}
