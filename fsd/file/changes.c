#include "config.h"

#include "file/changes.h"

#include <stdlib.h>
#include <string.h>

#include "cache/seal.h"
#include "journal/grow.h"

#define PAGE_OF_BYTE(at) ((at) >> PAGE_SHIFT)
#define RANGE_BYTES sizeof(((struct mapshare_abi_entry *)0)->ranges[0])

void changes_begin(struct changes *changes, const struct arena *arena, const struct journal_chunk *chunk)
{
    uint32_t room = FEED_COMMIT_MOST / chunk->file_count;

    changes->feed = feed_of(arena, MAPSHARE_ABI_COMMITS);
    changes->end = changes->feed.state->end;
    changes->room = room < MAPSHARE_ABI_FEED_FILE ? room : MAPSHARE_ABI_FEED_FILE;
    changes->record = (struct mapshare_abi_entry){
        .sequence = chunk->sequence,
        .seconds = chunk->time.tv_sec,
        .nanoseconds = chunk->time.tv_nsec,
        .kind = MAPSHARE_ABI_COMMIT,
    };
    changes->count = 0;
    changes->sorted = true;
    changes->incomplete = false;
}

void changes_page(struct changes *changes, uint64_t page, bool hole)
{
    uint32_t kind = hole ? MAPSHARE_ABI_HOLE : MAPSHARE_ABI_STORED;
    struct change *last = changes->count ? &changes->list[changes->count - 1] : NULL;

    if (last && last->kind == kind && last->last + 1 == page) {
        last->last = page;
        return;
    }
    if (last && page <= last->last)
        changes->sorted = false;
    if (!grow(&changes->list, &changes->max, changes->count + 1, sizeof *changes->list))
        changes->incomplete = true;
    else
        changes->list[changes->count++] = (struct change){.first = page, .last = page, .kind = kind};
}

static int by_page(const void *a, const void *b)
{
    uint64_t x = ((const struct change *)a)->first, y = ((const struct change *)b)->first;

    return (x > y) - (x < y);
}

/* Pages came as the kernel sent them. One that came twice is here twice: then it was stored to. */
static void merge(struct changes *changes)
{
    struct change *to = changes->list;

    if (changes->sorted)
        return;
    qsort(changes->list, changes->count, sizeof *changes->list, by_page);
    for (uint32_t i = 1; i < changes->count; i++) {
        const struct change *next = &changes->list[i];

        if (next->first > to->last + (next->kind == to->kind)) {
            *++to = *next;
            continue;
        }
        if (next->kind != to->kind)
            to->kind = MAPSHARE_ABI_STORED;
        to->last = next->last > to->last ? next->last : to->last;
    }
    changes->count = to + 1 - changes->list;
}

/* ---- the records ---- */

static void put(struct changes *changes, bool last)
{
    struct mapshare_abi_entry *record = &changes->record;

    record->last = last;
    feed_put(&changes->feed, changes->end++, record);
    record->range_count = record->text_bytes = 0;
    memset(record->changes, 0, sizeof record->changes);
    memset(record->text, 0, sizeof record->text);
}

static void put_range(struct changes *changes, const struct change *change)
{
    struct mapshare_abi_entry *record = &changes->record;

    if (record->range_count == MAPSHARE_ABI_RECORD_RANGES)
        put(changes, false);
    record->changes[record->range_count] = change->kind;
    record->ranges[record->range_count].first = change->first;
    record->ranges[record->range_count++].last = change->last;
}

static uint32_t text_room(const struct mapshare_abi_entry *record)
{
    return MAPSHARE_ABI_RECORD_TEXT - record->range_count * RANGE_BYTES;
}

static void put_path(struct changes *changes, const char *path)
{
    struct mapshare_abi_entry *record = &changes->record;

    for (size_t left = strlen(path), n; left; left -= n, path += n) {
        if (record->text_bytes == text_room(record))
            put(changes, false);
        n = left < text_room(record) ? left : text_room(record);
        memcpy(record->text + record->range_count * RANGE_BYTES, path, n);
        record->text_bytes = n;
    }
}

/* What is not pages: at most one. */
static bool size_change(const struct journal_file *file, uint64_t before, struct change *change)
{
    if (file->valid != UINT64_MAX)
        *change = (struct change){PAGE_OF_BYTE(file->valid), UINT64_MAX, MAPSHARE_ABI_CUT};
    else if (file->size > before)
        *change = (struct change){PAGE_OF_BYTE(before), PAGE_OF_BYTE(file->size - 1), MAPSHARE_ABI_GROWN};
    else
        return false;
    return true;
}

/* With the rest of the last one's for the path, if it is not longer than that. */
static uint32_t records_for(uint32_t ranges)
{
    return ranges / MAPSHARE_ABI_RECORD_RANGES + 1;
}

static void put_ranges(struct changes *changes, const struct journal_file *file, uint64_t before)
{
    static const struct change any = {0, UINT64_MAX, MAPSHARE_ABI_ANY};
    struct change size;
    bool changed = size_change(file, before, &size);

    if (changed)
        put_range(changes, &size);
    if (changes->incomplete || records_for(changes->count + changed) > changes->room) {
        put_range(changes, &any);
        return;
    }
    for (uint32_t i = 0; i < changes->count; i++)
        put_range(changes, &changes->list[i]);
}

void changes_file(struct changes *changes, const struct journal_file *file, uint64_t generation, uint64_t before)
{
    struct mapshare_abi_entry *record = &changes->record;
    uint64_t room = changes->end + changes->room;

    if (changes->room) {
        record->inode = file->identity.inode;
        record->generation = generation;
        record->size = file->size;
        merge(changes);
        put_ranges(changes, file, before);
        if (file->path &&
            (strlen(file->path) <= text_room(record) || changes->end + 1 + strlen(file->path) / MAPSHARE_ABI_RECORD_TEXT < room))
            put_path(changes, file->path);
        put(changes, true);
    }
    changes->count = 0;
    changes->sorted = true;
    changes->incomplete = false;
}

void changes_end(struct changes *changes, const struct journal_chunk *chunk)
{
    if (!changes->room) {
        changes->record.kind = MAPSHARE_ABI_MANY;
        put(changes, true);
    }
    feed_prepare(&changes->feed, changes->end, position_seal(chunk->position));
}

void changes_done(const struct arena *arena, int error)
{
    struct feed feed = feed_of(arena, MAPSHARE_ABI_COMMITS);

    error ? feed_withdraw(&feed) : feed_publish(&feed);
}

/* ---- takeover ---- */

void changes_take_over(const struct arena *arena)
{
    const struct journal_state *journal = &arena->header->journal;
    uint64_t sequence = journal->points[journal->current % 2].sequence;
    struct feed commits = feed_of(arena, MAPSHARE_ABI_COMMITS), happenings = feed_of(arena, MAPSHARE_ABI_HAPPENINGS);
    uint64_t position = commits.state->position;

    if (!position_is_sound(position))
        commits.state->begun = 0;
    feed_take_over(&commits, position && journal_published(journal, position), sequence);
    feed_take_over(&happenings, false, sequence);
}
