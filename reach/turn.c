/* Stands by until there is no holder, takes over, serves.
 *
 *   prove     we are on record as one who may have the store open: the hook proves that we do not any more
 *   stand by  until there is no holder, and nobody but us is wanted as one
 *   take over become the holder; shut out all who may have the store open; have its lock; mount
 *   serve     until it is asked to end, another is wanted, the daemon ends, or the lease does
 *
 * The lease's end (-ETIME) leads to serve_abort from everywhere. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fence.h"
#include "say.h"
#include "serve.h"
#include "turn.h"

#define LOOK_MILLISECONDS 200 /* for the holder's end */
#define RETRY_MILLISECONDS 1000

/* All of it, whatever signals come. 0 or -ETIME. */
static int pause_for(struct standby *standby, int milliseconds)
{
    int64_t until = etcd_clock() + milliseconds;
    int result = 0;

    while (!result && !standby->stopping && etcd_clock() < until)
        result = standby_wait(standby, until);
    return result;
}

static void say_etcd(const struct standby *standby, const char *what, int error)
{
    say("%s: %s", what, error == -EIO ? etcd_why(standby->record.etcd) : strerror(-error));
}

/* ---- prove ---- */

/* 0: we are on no record (any more); -EPERM: no proof. */
static int prove(struct standby *standby, const struct record_user *user)
{
    int result;

    if (user->fenced)
        say("%s was fenced by generation %lld", user->host, (long long)user->fenced);
    serve_abort(standby); /* what an earlier one of us left mounted */
    result = fence_prove(standby);
    if (!result)
        result = record_proved(&standby->record, user);
    if (result == -EPERM)
        say("%s may still have the store open: it does not take part", user->host);
    return result == -EBUSY ? 0 : result; /* somebody is fencing us now: it is looked at again */
}

/* ---- stand by ---- */

static bool is_another_wanted(const struct record_view *view, const char *host)
{
    return view->wanted && (!strcmp(view->from, host) || (view->to[0] && strcmp(view->to, host)));
}

/* A lease, and our name among those who wait. */
static int enter(struct standby *standby)
{
    int result = lease_begin(&standby->lease);

    if (!result)
        result = record_wait(&standby->record);
    return result;
}

/* Until we are the holder. -EINTR: asked to end; -EPERM: we may not take part. */
static int stand_by(struct standby *standby)
{
    const struct record_user *self;
    struct record_view view;
    int result, before = 0;
    bool told = false;

    standby->lease = (struct lease){.etcd = standby->record.etcd, .seconds = standby->options->lease_seconds};
    while (!standby->stopping) {
        result = standby->lease.id ? lease_keep(&standby->lease) : enter(standby);
        if (!result)
            result = record_look(&standby->record, &view);
        if (!result && view.held && view.lease == standby->lease.id) /* it is we: the answer was lost */
            standby->record.generation = view.generation;
        else if (!result && (self = record_user(&view, standby->options->host)))
            result = prove(standby, self);
        else if (!result && !view.held && !is_another_wanted(&view, standby->options->host))
            result = record_campaign(&standby->record);
        if (result == -EPERM || result == -EINTR)
            return result;
        if (standby->record.generation)
            return 0;
        if (!result && view.held && !told)
            say("%s has the store, generation %lld; standing by", view.holder, (long long)view.generation);
        told |= !result && view.held;
        if (result && result != -EBUSY)
            standby->lease.id = 0; /* it may not be ours any more, or ends by itself */
        if (result && result != -EBUSY && result != before)
            say_etcd(standby, "etcd", result);
        before = result;
        pause_for(standby, result && result != -EBUSY ? RETRY_MILLISECONDS : LOOK_MILLISECONDS);
    }
    return -EINTR;
}

/* ---- take over ---- */

static int take_over(struct standby *standby)
{
    int result;

    standby->began_at = etcd_clock();
    say("%s is the holder, generation %lld", standby->options->host, (long long)standby->record.generation);
    result = fence_others(standby);
    if (!result)
        result = serve_start(standby);
    if (result)
        return result;
    result = record_tell(&standby->record, "serving");
    if (result)
        say_etcd(standby, "the holder's state cannot be recorded", result);
    if (result && result != -EIO) /* else the lease tells soon enough whether that is for ever */
        return result;
    say("%s serves %s: %lld ms after it became the holder", standby->options->host, standby->options->mountpoint,
        (long long)(etcd_clock() - standby->began_at));
    return 0;
}

/* ---- serve ---- */

static bool is_given_away(struct standby *standby)
{
    struct record_view view;

    if (record_look(&standby->record, &view) || !view.wanted)
        return false;
    if (!strcmp(view.from, standby->options->host) && strcmp(view.to, standby->options->host))
        return true;
    record_want_nothing(&standby->record); /* it was us */
    return false;
}

/* 0: it is over, in order; -ECHILD: the daemon has ended; -ETIME. */
static int serve(struct standby *standby)
{
    int64_t look_at = 0;
    int result = 0;

    serve_tell_clients(standby, "start");
    while (!result) {
        bool away = !standby->stopping && etcd_clock() >= look_at && is_given_away(standby);

        look_at = etcd_clock() >= look_at ? etcd_clock() + LOOK_MILLISECONDS : look_at;
        if (!serve_lives(standby)) {
            say("the daemon has ended");
            return -ECHILD;
        }
        if (away || standby->stopping) {
            say(away ? "another holder is wanted" : "asked to end");
            result = serve_stop(standby);
            if (result == -EBUSY && away) {
                say("%s is not handed over", standby->options->mountpoint);
                record_want_nothing(&standby->record);
                serve_tell_clients(standby, "start");
                result = 0;
                continue;
            }
            return result;
        }
        result = standby_wait(standby, look_at);
    }
    return result;
}

/* ---- the whole ---- */

/* Two of one machine would prove to each other that nobody is there. The name is gone with us, however we end. */
static bool is_alone(const struct standby_options *options)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "mapshare-standby/%s", options->name);

    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + 1 + length) == 0)
        return true;
    say("%s: another mapshare-standby of this machine looks after it (%s)", options->name, strerror(errno));
    return false;
}

static int catch_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* 0: the store is with nobody, and there may be a next turn; else -errno. */
static int one_turn(struct standby *standby)
{
    int result = stand_by(standby);

    if (result) {
        lease_end(&standby->lease);
        return result;
    }
    result = take_over(standby);
    if (!result)
        result = serve(standby);
    if (!result) /* the store is complete: nobody needs to be shut out */
        result = record_leave(&standby->record);
    else
        serve_abort(standby);
    if (result != -ETIME)
        lease_end(&standby->lease);
    standby->record.generation = 0;
    return result;
}

static int run(struct standby *standby)
{
    int result = 0;

    prctl(PR_SET_CHILD_SUBREAPER, 1); /* a keeper that is killed is replaced by its child */
    signal(SIGPIPE, SIG_IGN);
    while (!result && !standby->stopping)
        result = one_turn(standby);
    if (result == -ETIME)
        say("the lease is lost: %s is not served any more", standby->options->mountpoint);
    return !result || (result == -EINTR && standby->stopping) ? STANDBY_DONE : result == -ETIME ? STANDBY_LOST : STANDBY_FAILED;
}

int turn_run(const struct standby_options *options)
{
    struct standby standby = {.options = options, .signals = catch_signals()};
    int status = STANDBY_FAILED;

    standby.record =
        (struct record){.etcd = etcd_open(&options->etcd), .name = options->name, .host = options->host, .lease = &standby.lease};
    if (standby.record.etcd && standby.signals >= 0 && is_alone(options))
        status = run(&standby);
    etcd_close(standby.record.etcd);
    return status;
}
