#include "config.h"

#include "request/burst.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define DELAY_NANOSECONDS 5000000 /* a store to the page waits as long */
#define MOMENT_NANOSECONDS 200000l

static _Thread_local struct write_answer delayed;
static _Thread_local int64_t delayed_since; /* 0: the thread delays no answer */

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

/* One answer at a time is delayed, whichever thread's. */
static bool may_delay(struct server *server)
{
    bool none = false;

    return burst_is_on(server) && !delayed_since && atomic_compare_exchange_strong(&server->answer_delayed, &none, true);
}

void burst_answer(struct server *server, const struct write_answer *answer)
{
    if (may_delay(server)) {
        delayed = *answer;
        delayed_since = time_coarse();
        burst_set_blocking(fuse_session_fd(server->session), false);
        return;
    }
    send_answer(server, answer);
    if (delayed_since && time_coarse() - delayed_since > DELAY_NANOSECONDS)
        burst_release(server);
}

void burst_release(struct server *server)
{
    if (!delayed_since)
        return;
    send_answer(server, &delayed);
    delayed_since = 0;
    burst_set_blocking(fuse_session_fd(server->session), true);
    atomic_store(&server->answer_delayed, false);
}

void burst_pause(struct server *server)
{
    const struct timespec moment = {.tv_nsec = MOMENT_NANOSECONDS};

    if (delayed_since)
        burst_release(server);
    else
        nanosleep(&moment, NULL);
}
