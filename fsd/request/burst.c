#include "config.h"

#include "request/burst.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define MANY_WRITES 128
#define HELD_WRITES 1024 /* some milliseconds: a store to the page waits as long */
#define MOMENT_NANOSECONDS 200000l

static _Thread_local struct write_answer held;
static _Thread_local uint32_t writes_since; /* the held answer's, itself included; 0: none is held */

static void send_answer(const struct server *server, const struct write_answer *answer)
{
    ssize_t sent = write(fuse_session_fd(server->session), answer, answer->header.len);

    (void)sent; /* it fails where nobody waits any more */
}

void burst_set_blocking(int fd, bool blocking)
{
    if (fcntl(fd, F_SETFL, blocking ? 0 : O_NONBLOCK))
        log_line(LOG_WARN, "/dev/fuse: %s", strerror(errno));
}

void burst_count(struct server *server, const struct fuse_in_header *header)
{
    const struct fuse_write_in *in = (const void *)(header + 1);

    if (header->opcode == FUSE_WRITE && in->write_flags & FUSE_WRITE_CACHE) {
        atomic_fetch_add_explicit(&server->writes_in_row, 1, memory_order_relaxed);
    } else {
        atomic_store_explicit(&server->writes_in_row, 0, memory_order_relaxed);
        burst_release(server);
    }
}

static bool is_short_of_frames(const struct server *server)
{
    return frame_free_count(&server->frames) < server->arena.header->frame_max / 8;
}

/* One answer at a time is held, whichever thread's. */
static bool may_hold(struct server *server)
{
    bool none = false;

    return server->writes_in_row > MANY_WRITES && !writes_since && !is_short_of_frames(server) &&
           atomic_compare_exchange_strong(&server->answer_held, &none, true);
}

void burst_answer(struct server *server, const struct write_answer *answer)
{
    if (may_hold(server)) {
        held = *answer;
        writes_since = 1;
        burst_set_blocking(fuse_session_fd(server->session), false);
        return;
    }
    send_answer(server, answer);
    if (writes_since && (++writes_since > HELD_WRITES || is_short_of_frames(server)))
        burst_release(server);
}

void burst_release(struct server *server)
{
    if (!writes_since)
        return;
    send_answer(server, &held);
    writes_since = 0;
    burst_set_blocking(fuse_session_fd(server->session), true);
    atomic_store(&server->answer_held, false);
}

void burst_pause(struct server *server)
{
    const struct timespec moment = {.tv_nsec = MOMENT_NANOSECONDS};

    if (writes_since)
        burst_release(server);
    else
        nanosleep(&moment, NULL);
}
