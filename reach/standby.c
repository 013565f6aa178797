#include "config.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "standby.h"

int standby_wait(struct standby *standby, int64_t until)
{
    struct pollfd event = {.fd = standby->signals, .events = POLLIN};
    struct signalfd_siginfo signal;
    int64_t now = etcd_clock();

    if (standby->lease.id && standby->lease.renew_at < until)
        until = standby->lease.renew_at;
    if (poll(&event, 1, until > now ? (int)(until - now) : 0) > 0) {
        while (read(standby->signals, &signal, sizeof signal) == sizeof signal)
            standby->stopping |= signal.ssi_signo != SIGCHLD;
    }
    return standby->lease.id ? lease_keep(&standby->lease) : 0;
}

int64_t standby_patience_ends(const struct standby *standby)
{
    return etcd_clock() + (int64_t)standby->options->patience_seconds * 1000;
}
