#include "config.h"

#include "request/expect.h"

#include <poll.h>

#include "file/times.h"
#include "request/burst.h"

#define MOMENT_NANOSECONDS 50000
#define TRUST_MAX 16 /* requests that came soon, of late */
#define MISSED 4     /* what one that did not takes away */

static void learn(struct server *server, bool soon)
{
    int trust = server->expected + (soon ? 1 : -MISSED);

    server->expected = trust < 0 ? 0 : trust > TRUST_MAX ? TRUST_MAX : trust;
}

/* True: one is there. */
static bool look(const struct server *server, int64_t since)
{
    struct pollfd fuse = {.fd = fuse_session_fd(server->session), .events = POLLIN};

    do {
        if (poll(&fuse, 1, 0))
            return true;
    } while (time_monotonic() - since < MOMENT_NANOSECONDS);
    return false;
}

/* One at a time; not on the only processor, nor on that of the client, which could not run meanwhile. */
void expect_request(struct server *server)
{
    int64_t now = 0;
    bool none = false;

    if (server->processors > 1 && server->followed == NO_PROCESSOR && !burst_is_on(server))
        now = time_monotonic();
    server->waiting_since = now;
    if (!now || server->expected < TRUST_MAX / 2 || !atomic_compare_exchange_strong(&server->looking, &none, true))
        return;
    if (!look(server, now))
        learn(server, false);
    server->looking = false;
}

/* Whichever thread it came to: the one that has waited longest is woken, too. */
void expect_came(struct server *server)
{
    int64_t since = server->waiting_since;

    if (since)
        learn(server, time_monotonic() - since < MOMENT_NANOSECONDS);
}
