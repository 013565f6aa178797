/* A lock of the store's file system is no fence: whoever was cut off or frozen goes on writing when it can again. So the storage is told to take nothing
 * more from a host, by a program that knows how (the hook). That it did is proved by the store's lock, which the storage gives up for a client that it
 * does not know any more: it must be ours. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "child.h"
#include "fence.h"
#include "mapshare-abi.h"
#include "say.h"

#define LOOK_MICROSECONDS 10000

static const char *tell(int result, char text[64])
{
    if (result > 0)
        snprintf(text, 64, "status %d", result);
    else if (result == -ETIMEDOUT)
        snprintf(text, 64, "no end within the patience");
    else
        snprintf(text, 64, "%s", result == -EINTR ? "a signal" : strerror(-result));
    return text;
}

static int run_hook(struct standby *standby, const char *what, const char *host)
{
    const char *arguments[] = {standby->options->hook, what, host, NULL};
    int result = child_run(standby, arguments, standby_patience_ends(standby));
    char text[64];

    if (!result || result == -ETIME)
        return result;
    say("%s %s %s failed (%s)", standby->options->hook, what, host, tell(result, text));
    return -EPERM;
}

/* In a child. 0: we had it, or there is none yet. */
static int have_lock(const struct standby *standby)
{
    char path[4096];
    int lock;

    snprintf(path, sizeof path, "%s/" MAPSHARE_PRIVATE_FOLDER "/lock", standby->options->store);
    lock = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (lock < 0 && errno == ENOENT && access(standby->options->store, X_OK) == 0)
        return 0;
    while (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB)) {
        if (errno != EWOULDBLOCK)
            lock = -1;
        else
            usleep(LOOK_MICROSECONDS);
    }
    if (lock < 0)
        say("%s: %s", path, strerror(errno));
    return lock < 0;
}

static int verify_lock(struct standby *standby)
{
    int result = child_call(standby, have_lock, standby_patience_ends(standby));

    if (!result || result == -ETIME)
        return result;
    say("%s: its lock cannot be had: whoever had the store before is not shut out; it is not mounted", standby->options->store);
    return -EPERM;
}

static int fence_one(struct standby *standby, const char *host)
{
    int64_t began = etcd_clock();
    int result = record_fenced(&standby->record, host);

    if (result)
        say("%s cannot be recorded as fenced: %s", host, result == -EIO ? etcd_why(standby->record.etcd) : strerror(-result));
    else
        result = run_hook(standby, "fence", host);
    if (!result)
        result = run_hook(standby, "verify", host);
    if (!result)
        say("%s is fenced: %lld ms", host, (long long)(etcd_clock() - began));
    return result;
}

int fence_others(struct standby *standby)
{
    struct record_view view;
    int64_t began;
    int result = record_look(&standby->record, &view);

    if (result)
        say("who may have the store open cannot be asked: %s", result == -EIO ? etcd_why(standby->record.etcd) : strerror(-result));
    for (size_t i = 0; !result && i < view.user_count; i++) {
        if (strcmp(view.users[i].host, standby->options->host))
            result = fence_one(standby, view.users[i].host);
    }
    began = etcd_clock();
    if (!result)
        result = verify_lock(standby);
    if (!result)
        say("the store is free: %lld ms", (long long)(etcd_clock() - began));
    return result;
}

int fence_prove(struct standby *standby)
{
    return run_hook(standby, "unfence", standby->options->host);
}
