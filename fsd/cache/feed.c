#include "config.h"

#include "cache/feed.h"

#include <errno.h>
#include <xxhash.h>

#define NUMBERS_MAX (UINT64_C(1) << 56) /* so many are never appended */

struct feed feed_of(const struct arena *arena, enum mapshare_abi_log log)
{
    bool commits = log == MAPSHARE_ABI_COMMITS;

    return (struct feed){
        .state = &arena->header->feeds[log],
        .slots = arena->feed_slots + (commits ? 0 : MAPSHARE_ABI_FEED_RECORDS),
        .max = commits ? MAPSHARE_ABI_FEED_RECORDS : MAPSHARE_ABI_HAPPENING_RECORDS,
    };
}

static struct feed_slot *slot_of(const struct feed *feed, uint64_t number)
{
    return &feed->slots[number % feed->max];
}

static uint64_t seal_of(const struct mapshare_abi_entry *record, uint64_t number)
{
    return XXH3_64bits_withSeed(record, sizeof *record, number + 1);
}

void feed_put(const struct feed *feed, uint64_t number, const struct mapshare_abi_entry *record)
{
    struct feed_slot *slot = slot_of(feed, number);

    slot->record = *record;
    slot->seal = seal_of(record, number);
}

void feed_append(const struct feed *feed, const struct mapshare_abi_entry *record)
{
    uint64_t end = feed->state->end;

    feed_put(feed, end, record);
    feed_prepare(feed, end + 1, 0);
    feed_publish(feed);
}

void feed_prepare(const struct feed *feed, uint64_t end, uint64_t position)
{
    feed->state->position = position;
    atomic_store(&feed->state->pending, end);
}

void feed_publish(const struct feed *feed)
{
    atomic_store(&feed->state->end, feed->state->pending);
}

void feed_withdraw(const struct feed *feed)
{
    atomic_store(&feed->state->pending, feed->state->end);
}

void feed_take_over(const struct feed *feed, bool published, uint64_t sequence)
{
    struct feed_state *state = feed->state;
    bool sound = state->begun == 1 && state->end <= state->pending && state->pending - state->end <= feed->max / 4 &&
                 state->end < NUMBERS_MAX;

    if (!sound) {
        atomic_store(&state->end, 0); /* first: records of these numbers are not looked at any more */
        state->known_after = sequence;
        feed_withdraw(feed);
        state->begun = 1;
    } else if (published) {
        feed_publish(feed);
    } else {
        feed_withdraw(feed);
    }
}

/* A commit that is pending writes over a fourth of the oldest, at most. */
static uint64_t first_of(const struct feed *feed, uint64_t end)
{
    uint64_t kept = feed->max / 4 * 3;

    return end > kept ? end - kept : 0;
}

static uint64_t sequence_at(const struct feed *feed, uint64_t number)
{
    return slot_of(feed, number)->record.sequence;
}

uint64_t feed_end(const struct feed *feed, uint64_t *sequence)
{
    uint64_t end = atomic_load(&feed->state->end);

    *sequence = end ? sequence_at(feed, end - 1) : feed->state->known_after;
    return end;
}

int feed_find(const struct feed *feed, uint64_t since, uint64_t end, uint64_t *number)
{
    uint64_t low = first_of(feed, end), high = end;
    uint64_t last = end ? sequence_at(feed, end - 1) : feed->state->known_after;

    if (since < feed->state->known_after || since > last || (low && since < sequence_at(feed, low)))
        return -ERANGE;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (sequence_at(feed, middle) <= since)
            low = middle + 1;
        else
            high = middle;
    }
    *number = low;
    return 0;
}

int feed_read(const struct feed *feed, uint64_t number, struct mapshare_abi_entry *record)
{
    const struct feed_slot *slot = slot_of(feed, number);

    if (number < first_of(feed, atomic_load(&feed->state->end)))
        return -ERANGE;
    *record = slot->record;
    return slot->seal == seal_of(record, number) && record->range_count <= MAPSHARE_ABI_RECORD_RANGES &&
                   record->text_bytes <= MAPSHARE_ABI_RECORD_TEXT - record->range_count * sizeof record->ranges[0]
               ? 0
               : -ERANGE;
}
