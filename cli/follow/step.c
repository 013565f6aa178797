#include "config.h"

#include "follow/step.h"

#include "clock.h"
#include "follow/batch.h"
#include "follow/news.h"
#include "inspect.h"

#include <errno.h>

#define WALK_SHARE 20           /* listing names takes no more than this part of the time */
#define WALK_EACH INT64_C(1000) /* milliseconds, where that is longer */
#define BROKEN_MOST 3

static bool walk_is_due(const struct follow *follow)
{
    int64_t rest = follow->walking * WALK_SHARE;

    if (!follow->wants_walk && rest < WALK_EACH)
        rest = WALK_EACH;
    return !follow->walked || clock_milliseconds() >= follow->walked + rest;
}

int follow_step(struct follow *follow, bool *idle)
{
    struct batch batch = {.follow = follow,
                          .content = {.wire = &follow->wire, .snapshot = -1, .between = follow_between, .context = follow}};
    int error = follow_take_feed(follow);

    *idle = false;
    if (!error)
        error = batch_find(&batch); /* for names that are not known */
    if (!error && (follow->whole || walk_is_due(follow)))
        error = batch_walk(&batch);
    while (!error) {
        error = batch_find(&batch);
        if (!error && (follow->whole || batch.count > follow->files_most || follow->broken >= BROKEN_MOST)) {
            follow->broken = 0;
            error = batch_send_many(&batch);
            continue;
        }
        if (!error)
            error = batch_send_few(&batch, idle);
        if (!error)
            break;
        if (error == -EAGAIN)
            error = follow_between(follow);
    }
    batch_drop(&batch);
    tree_free(&batch.now);
    return error;
}

int follow_wait(struct follow *follow)
{
    int64_t rest = follow->wants_walk ? 0 : WALK_EACH, now = clock_milliseconds();
    int error;

    if (rest < follow->walking * WALK_SHARE)
        rest = follow->walking * WALK_SHARE;
    rest = follow->walked + rest > now ? follow->walked + rest - now : 1;
    if (rest > WIRE_PING_SECONDS * 1000)
        rest = WIRE_PING_SECONDS * 1000;
    error = inspect_wait(follow->root, follow->reader.feed.sequence + 1, rest * 1000000);
    if (!error || error == -ETIMEDOUT || error == -EINTR)
        error = wire_ping(&follow->wire);
    return error;
}

int follow_look(struct follow *follow)
{
    struct timespec now;
    int error = follow_take_feed(follow);

    clock_gettime(CLOCK_REALTIME, &now);
    follow->done.behind = follow->reader.feed.sequence - follow->done.sequence;
    follow->done.behind_milliseconds = follow->dirty.since.tv_sec ? (now.tv_sec - follow->dirty.since.tv_sec) * INT64_C(1000) +
                                                                        (now.tv_nsec - follow->dirty.since.tv_nsec) / 1000000
                                                                  : 0;
    return error;
}
