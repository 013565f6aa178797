/* The feed of commits: each is told once, with its pages, and who polls learns of it. */
#include "config.h"

#include "operations.h"

#include <poll.h>

#include "../mount/check.h"
#include "mapshare.h"

static void store_and_sync(int fd, off_t offset)
{
    char bytes[PAGE];

    memset(bytes, 'f', sizeof bytes);
    CHECK(pwrite(fd, bytes, sizeof bytes, offset) == PAGE && fsync(fd) == 0);
}

static void told(struct mapshare *ms, uint64_t since, int events)
{
    struct mapshare_change changes[8];
    struct pollfd poller = {.fd = events, .events = POLLIN};
    struct mapshare_event event;
    uint64_t upto;

    CHECK(poll(&poller, 1, -1) == 1 && poller.revents == POLLIN);
    CHECK(read(events, &event, sizeof event) == sizeof event);
    CHECK(mapshare_changes(ms, since, changes, 8, &upto) == 2);
    CHECK(changes[0].first == 2 && changes[0].last == 3 && changes[0].kind == MAPSHARE_CHANGE_STORED);
    CHECK(changes[1].first == 6 && changes[1].last == 6 && changes[1].kind == MAPSHARE_CHANGE_STORED);
    CHECK(since < changes[0].sequence && changes[0].sequence < changes[1].sequence);
    CHECK(changes[1].sequence == event.sequence && event.sequence <= upto);
}

void operate_on_feed(int fd)
{
    struct mapshare *ms = place.on_mount ? mapshare_fdopen(dup(fd), NULL) : NULL;
    int events = ms ? mapshare_event_fd(ms, MAPSHARE_EVENT_COMMITS) : -1;
    struct mapshare_status status;

    if (place.on_mount)
        CHECK(ms && events >= 0 && mapshare_stat(ms, &status, sizeof status) == 0);
    store_and_sync(fd, 2 * PAGE + 10);
    store_and_sync(fd, 6 * PAGE);
    if (place.on_mount) {
        told(ms, status.commit.sequence, events);
        CHECK(mapshare_close(ms) == 0 && close(events) == 0);
    }
}
