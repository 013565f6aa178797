#include "config.h"

#include "feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"
#include "journal/grow.h"

static int reader_ask(struct feed_reader *reader)
{
    int result = inspect_feed(reader->fd, &reader->feed);

    if (!result && reader->feed.count > sizeof reader->feed.records / sizeof reader->feed.records[0])
        return -EPROTO;
    return result;
}

/* Nothing of it yet. */
static void event_clear(struct feed_event *event)
{
    event->path_bytes = event->count = 0;
    event->path[0] = '\0';
}

void feed_begin(struct feed_reader *reader, int fd, uint32_t log, uint64_t since)
{
    *reader = (struct feed_reader){.fd = fd, .feed = {.log = log, .since = since}};
}

static int event_add(struct feed_event *event, const struct mapshare_abi_entry *entry)
{
    size_t text_at = entry->range_count * sizeof entry->ranges[0];

    if (text_at + entry->text_bytes > sizeof entry->text || event->path_bytes + entry->text_bytes >= sizeof event->path)
        return -EPROTO;
    if (!grow(&event->changes, &event->room, event->count + entry->range_count, sizeof event->changes[0]))
        return -ENOMEM;
    for (unsigned i = 0; i < entry->range_count; i++)
        event->changes[event->count++] =
            (struct feed_change){.kind = entry->changes[i], .first = entry->ranges[i].first, .last = entry->ranges[i].last};
    memcpy(event->path + event->path_bytes, entry->text + text_at, entry->text_bytes);
    event->path_bytes += entry->text_bytes;
    event->path[event->path_bytes] = '\0';
    event->kind = entry->kind;
    event->sequence = entry->sequence;
    event->generation = entry->generation;
    event->time = (struct timespec){.tv_sec = entry->seconds, .tv_nsec = entry->nanoseconds};
    memcpy(event->figures, entry->figures, sizeof event->figures);
    return 0;
}

static int reader_restart(struct feed_reader *reader)
{
    int result;

    event_clear(&reader->event);
    reader->feed = (struct mapshare_abi_feed){.log = reader->feed.log, .since = MAPSHARE_ABI_NOW};
    result = reader_ask(reader);
    return result ? result : -ERANGE;
}

int feed_read(struct feed_reader *reader, void (*each)(void *context, const struct feed_event *event), void *context)
{
    int result;

    do {
        result = reader_ask(reader);
        for (uint32_t i = 0; !result && i < reader->feed.count; i++) {
            const struct mapshare_abi_entry *entry = &reader->feed.records[i];

            result = event_add(&reader->event, entry);
            if (result || !entry->last)
                continue;
            each(context, &reader->event);
            event_clear(&reader->event);
        }
    } while (!result && reader->feed.more);
    return result == -ERANGE ? reader_restart(reader) : result;
}

void feed_end(struct feed_reader *reader)
{
    free(reader->event.changes);
}

const char *feed_change_name(uint32_t kind)
{
    static const char *const names[] = {
        [MAPSHARE_ABI_STORED] = "stored", [MAPSHARE_ABI_HOLE] = "hole", [MAPSHARE_ABI_CUT] = "cut",
        [MAPSHARE_ABI_GROWN] = "grown",   [MAPSHARE_ABI_ANY] = "any",
    };

    return kind < sizeof names / sizeof names[0] && names[kind] ? names[kind] : "unknown";
}
