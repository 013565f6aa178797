#include "config.h"

#include "backup/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct timespec time_of(const struct statx_timestamp *stamp)
{
    return (struct timespec){stamp->tv_sec, stamp->tv_nsec};
}

void backup_state_of(const struct statx *status, struct backup_state *out)
{
    *out = (struct backup_state){
        .size = status->stx_size, .modified = time_of(&status->stx_mtime), .changed = time_of(&status->stx_ctime)};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool backup_state_same(const struct backup_state *a, const struct backup_state *b)
{
    return a->size == b->size && same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}

static bool write_bytes(FILE *list, const char *bytes, uint32_t length)
{
    return fwrite(bytes, 1, length, list) == length;
}

int backup_list_write(FILE *list, const struct backup_entry *entry)
{
    const struct backup_record *record = &entry->record;

    if (fwrite(record, sizeof *record, 1, list) == 1 && write_bytes(list, entry->name, record->name_length) &&
        write_bytes(list, entry->target, record->target_length) && write_bytes(list, entry->attributes, record->attributes_length))
        return 0;
    return errno ? -errno : -EIO;
}

static int read_bytes(FILE *list, char *bytes, uint32_t length)
{
    bytes[length] = '\0';
    return fread(bytes, 1, length, list) == length ? 0 : -EIO;
}

int backup_list_read(FILE *list, struct backup_entry *entry)
{
    struct backup_record *record = &entry->record;
    size_t size;
    int error;

    if (fread(record, sizeof *record, 1, list) != 1)
        return ferror(list) ? -EIO : 0;
    size = (size_t)record->name_length + record->target_length + record->attributes_length + 3;
    if (size > entry->capacity) {
        char *memory = realloc(entry->name, size);

        if (!memory)
            return -ENOMEM;
        entry->name = memory;
        entry->capacity = size;
    }
    entry->target = entry->name + record->name_length + 1;
    entry->attributes = entry->target + record->target_length + 1;
    error = read_bytes(list, entry->name, record->name_length);
    if (!error)
        error = read_bytes(list, entry->target, record->target_length);
    if (!error)
        error = read_bytes(list, entry->attributes, record->attributes_length);
    return error ? error : 1;
}

void backup_entry_free(struct backup_entry *entry)
{
    free(entry->name);
    *entry = (struct backup_entry){0};
}
