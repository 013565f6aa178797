#include "config.h"

#include "follow/news.h"

#include "inspect.h"
#include "message.h"

#include <errno.h>

static void each(void *context, const struct feed_event *event)
{
    struct follow *follow = context;

    /* A commit of more files than can be told: any. */
    if (event->kind == MAPSHARE_ABI_MANY ||
        (event->kind == MAPSHARE_ABI_COMMIT && dirty_add(event->sequence <= follow->split ? &follow->dirty : &follow->next, event)))
        follow->whole = true;
}

int follow_take_feed(struct follow *follow)
{
    int error = feed_read(&follow->reader, each, follow);

    if (error != -ERANGE)
        return error;
    message("%s: more was committed than its daemon remembers: the copy is compared as a whole", quoted(follow->parts.mount));
    dirty_free(&follow->dirty);
    dirty_free(&follow->next);
    follow->whole = true;
    return 0;
}

int follow_between(void *context)
{
    struct follow *follow = context;
    int error = wire_ping(&follow->wire);

    return error ? error : follow_take_feed(follow);
}

int follow_take_feed_up_to(struct follow *follow, uint64_t sequence)
{
    int error;

    while (!(error = follow_take_feed(follow)) && follow->reader.feed.sequence < sequence) {
        error = inspect_wait(follow->root, sequence, INT64_C(1000000000));
        if (error && error != -ETIMEDOUT && error != -EINTR)
            return error;
    }
    return error;
}
