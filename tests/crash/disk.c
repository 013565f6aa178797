#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"

uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void disk_init(struct disk *disk, const uint64_t limits[DISK_SLOTS])
{
    *disk = (struct disk){0};
    for (int i = 0; i < DISK_SLOTS; i++) {
        disk->limits[i] = limits[i];
        disk->files[i].bytes = calloc(1, limits[i]);
        assert(disk->files[i].bytes != NULL);
    }
}

void disk_copy(struct disk *to, const struct disk *from)
{
    for (int i = 0; i < DISK_SLOTS; i++) {
        unsigned char *bytes = to->files[i].bytes;
        memcpy(bytes, from->files[i].bytes, from->limits[i]);
        to->files[i] = from->files[i];
        to->files[i].bytes = bytes;
        to->pending_count[i] = 0;
    }
    to->names = from->names;
    to->rename_count = 0;
}

void disk_free(struct disk *disk)
{
    for (int i = 0; i < DISK_SLOTS; i++) {
        free(disk->files[i].bytes);
        free(disk->pending[i]);
    }
    free(disk->renames);
}

static void set_size(struct disk_file *file, uint64_t size)
{
    if (size < file->size)
        memset(file->bytes + size, 0, file->size - size);
    file->size = size;
}

static void copy_within(struct disk_file *file, const struct disk_event *event, uint64_t offset, uint64_t length)
{
    if (offset + length > event->length)
        length = event->length - offset;
    if (event->offset + offset >= file->size)
        return;
    if (event->offset + offset + length > file->size)
        length = file->size - event->offset - offset;
    memcpy(file->bytes + event->offset + offset, event->data + offset, length);
}

/* The part of an operation that is in the file system's log. */
static void apply_metadata(struct disk_file *file, const struct disk_event *event)
{
    uint64_t end = event->offset + event->length;
    switch (event->operation) {
    case DISK_WRITE:
        if (end > file->size)
            set_size(file, end);
        file->times[1] = (struct timespec){.tv_sec = JUNK_TIME};
        break;
    case DISK_TRUNCATE:
        set_size(file, event->offset);
        break;
    case DISK_PUNCH:
        if (event->offset < file->size)
            memset(file->bytes + event->offset, 0, (end < file->size ? end : file->size) - event->offset);
        break;
    case DISK_TIMES:
        file->times[0] = event->times[0];
        file->times[1] = event->times[1];
        break;
    case DISK_UNLINK:
        file->exists = false;
        break;
    default:
        break;
    }
}

static void apply_whole(struct disk_file *file, const struct disk_event *event)
{
    apply_metadata(file, event);
    if (event->operation == DISK_WRITE)
        copy_within(file, event, 0, event->length);
}

static void make_durable(struct disk *disk, int slot, bool times)
{
    size_t left = 0;
    for (size_t i = 0; i < disk->pending_count[slot]; i++) {
        const struct disk_event *event = disk->pending[slot][i];
        if (!times && event->operation == DISK_TIMES)
            disk->pending[slot][left++] = event;
        else
            apply_whole(&disk->files[slot], event);
    }
    disk->pending_count[slot] = left;
}

static void apply_rename(struct disk_names *names, const struct disk_event *event)
{
    if (event->operation == DISK_COUNT)
        names->count = event->offset;
    else
        names->moved[event->slot] = event->offset != 0;
}

/* What was written to the journal before this, for the disk was flushed then. Events of one record lie in their order. */
static void make_journal_durable(struct disk *disk, const struct disk_event *before)
{
    size_t left = 0;
    for (size_t i = 0; i < disk->pending_count[DISK_JOURNAL]; i++) {
        const struct disk_event *event = disk->pending[DISK_JOURNAL][i];
        if (event < before)
            apply_whole(&disk->files[DISK_JOURNAL], event);
        else
            disk->pending[DISK_JOURNAL][left++] = event;
    }
    disk->pending_count[DISK_JOURNAL] = left;
}

static void make_renames_durable(struct disk *disk)
{
    for (size_t i = 0; i < disk->rename_count; i++)
        apply_rename(&disk->names, disk->renames[i]);
    if (disk->rename_count > 0)
        make_journal_durable(disk, disk->renames[disk->rename_count - 1]);
    disk->rename_count = 0;
}

static void add_rename(struct disk *disk, const struct disk_event *event)
{
    if (disk->rename_count == disk->rename_capacity) {
        disk->rename_capacity = 2 * disk->rename_capacity + 16;
        disk->renames = realloc(disk->renames, disk->rename_capacity * sizeof(*disk->renames));
        assert(disk->renames != NULL);
    }
    disk->renames[disk->rename_count++] = event;
    if (event->operation == DISK_COUNT && event->offset == 0) /* a new log: the count is synced */
        make_renames_durable(disk);
}

bool disk_step(struct disk *disk, const struct disk_event *event)
{
    int slot = event->slot;
    struct disk_file *file = &disk->files[slot];
    switch (event->operation) {
    case DISK_FLUSH:
    case DISK_SYNC:
        make_durable(disk, slot, event->operation == DISK_SYNC);
        if (event->operation == DISK_SYNC)
            make_renames_durable(disk);
        return true;
    case DISK_RENAME:
    case DISK_COUNT:
        add_rename(disk, event);
        return true;
    case DISK_CREATE: /* the number is used again: what was there is gone for good */
        disk->pending_count[slot] = 0;
        set_size(file, 0);
        file->exists = true;
        file->generation++;
        return true;
    default:
        break;
    }
    if (disk->pending_count[slot] == disk->pending_capacity[slot]) {
        disk->pending_capacity[slot] = 2 * disk->pending_capacity[slot] + 16;
        disk->pending[slot] = realloc(disk->pending[slot], disk->pending_capacity[slot] * sizeof(*disk->pending[slot]));
        assert(disk->pending[slot] != NULL);
    }
    disk->pending[slot][disk->pending_count[slot]++] = event;
    return true;
}

static void apply_any_sectors(struct disk_file *file, const struct disk_event *event, uint64_t *random)
{
    uint64_t percent = random_below(random, 3) * 49 + 1;
    for (uint64_t offset = 0; offset < event->length; offset += DISK_SECTOR) {
        if (random_below(random, 100) < percent)
            copy_within(file, event, offset, DISK_SECTOR);
    }
}

static void apply_loss(struct disk_file *file, const struct disk_event *event, enum disk_loss loss, bool chosen, uint64_t *random)
{
    if (event->operation != DISK_WRITE || loss == LOSE_ALL || (chosen && loss == LOSE_ONE))
        return;
    if (loss == LOSE_NOTHING || loss == SPOIL_ONE || !chosen)
        copy_within(file, event, 0, event->length);
    else if (loss == TEAR_ONE)
        copy_within(file, event, 0, random_below(random, event->length / DISK_SECTOR + 1) * DISK_SECTOR);
    else if (random_below(random, 2) == 0)
        apply_any_sectors(file, event, random);
    else if (random_below(random, 2) == 0)
        copy_within(file, event, 0, event->length);
}

void disk_crash(const struct disk *disk, enum disk_loss loss, uint64_t *random, struct disk *state)
{
    disk_copy(state, disk);
    size_t renames = loss == LOSE_ALL       ? 0
                     : loss == LOSE_NOTHING ? disk->rename_count
                                            : random_below(random, disk->rename_count + 1);
    const struct disk_event *last = renames == 0 ? NULL : disk->renames[renames - 1];
    for (size_t i = 0; i < renames; i++)
        apply_rename(&state->names, disk->renames[i]);
    for (int slot = 0; slot < DISK_SLOTS; slot++) {
        size_t count = disk->pending_count[slot];
        /* Which write is chosen, and how much of the metadata has got there. */
        size_t chosen = count == 0 ? 0 : random_below(random, count);
        size_t metadata = loss == LOSE_ALL ? 0 : loss == LOSE_NOTHING ? count : random_below(random, count + 1);
        if (slot == DISK_JOURNAL) /* it has none */
            metadata = count;
        for (size_t i = 0; i < count; i++) {
            const struct disk_event *event = disk->pending[slot][i];
            if (slot == DISK_JOURNAL && last != NULL && event < last) {
                apply_whole(&state->files[slot], event);
                continue;
            }
            if (i < metadata)
                apply_metadata(&state->files[slot], event);
            apply_loss(&state->files[slot], event, loss, loss == LOSE_ANY || i == chosen, random);
            if (loss == SPOIL_ONE && slot == DISK_JOURNAL && i == chosen)
                state->files[slot].bytes[event->offset + random_below(random, 2 * DISK_SECTOR)] ^= 1 << random_below(random, 8);
        }
    }
}
