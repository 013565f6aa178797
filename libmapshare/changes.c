/* What commits changed, from the daemon's feed. */
#include "config.h"

#include <stdlib.h>
#include <sys/ioctl.h>

#include "internal.h"
#include "mapshare-abi.h"

struct list {
    struct mapshare_change *changes;
    size_t count, room;
    size_t whole;      /* of commits that are told whole */
    uint64_t sequence; /* of the commit that the others are of */
};

/* False: there is no room. */
static bool add(struct list *list, const struct mapshare_abi_entry *entry)
{
    if (entry->sequence != list->sequence)
        list->whole = list->count;
    list->sequence = entry->sequence;
    if (list->room - list->count < entry->range_count)
        return false;
    for (uint32_t i = 0; i < entry->range_count; i++) {
        list->changes[list->count++] = (struct mapshare_change){
            .sequence = entry->sequence,
            .first = entry->ranges[i].first,
            .last = entry->ranges[i].last,
            .size = entry->size,
            .kind = entry->changes[i],
        };
    }
    return true;
}

static int check(const struct mapshare_abi_feed *feed, uint64_t next)
{
    if (feed->count > sizeof(feed->records) / sizeof(feed->records[0]) || (feed->more && feed->next <= next))
        return -EPROTO;
    for (uint32_t i = 0; i < feed->count; i++) {
        if (feed->records[i].range_count > MAPSHARE_ABI_RECORD_RANGES)
            return -EPROTO;
    }
    return 0;
}

/* A commit that has no room is told the next time: what is told is up to the one before its number. */
static int read_all(int fd, struct mapshare_abi_feed *feed, struct list *list, uint64_t *upto)
{
    int error;

    do {
        uint64_t next = feed->next;

        error = ioctl(fd, MAPSHARE_IOC_FEED, feed) ? -errno : check(feed, next);
        for (uint32_t i = 0; error == 0 && i < feed->count; i++) {
            if (add(list, &feed->records[i]))
                continue;
            if (list->whole == 0)
                return -ENOBUFS;
            list->count = list->whole;
            *upto = list->sequence - 1;
            return 0;
        }
    } while (error == 0 && feed->more);
    if (error == 0)
        *upto = feed->sequence;
    return error;
}

/* Where to begin, for who has lost something: all commits after this one will be told. */
static int find_now(int fd, struct mapshare_abi_feed *feed, uint64_t *upto)
{
    *feed = (struct mapshare_abi_feed){.since = MAPSHARE_ABI_NOW};
    if (ioctl(fd, MAPSHARE_IOC_FEED, feed))
        return -errno;
    *upto = feed->sequence;
    return -ERANGE;
}

static int read_changes(struct mapshare *ms, uint64_t since, struct list *list, uint64_t *upto)
{
    struct mapshare_abi_feed *feed = calloc(1, sizeof(*feed));
    int error;

    if (!feed)
        return -ENOMEM;
    feed->since = since;
    error = since == MAPSHARE_ABI_NOW ? -ERANGE : read_all(ms->fd, feed, list, upto);
    if (error == -ERANGE)
        error = find_now(ms->fd, feed, upto);
    free(feed);
    return error;
}

ssize_t mapshare_changes(struct mapshare *ms, uint64_t since, struct mapshare_change *changes, size_t count, uint64_t *upto)
{
    struct list list = {.changes = changes, .room = count};
    int error = !upto || (!changes && count > 0) ? -EINVAL : ms->on_mount ? 0 : -ENOTSUP;

    if (error == 0)
        error = read_changes(ms, since, &list, upto);
    return error ? mapshare_result(error) : (ssize_t)list.count;
}
