#include "config.h"

#include "file/event.h"

#include <string.h>

/* Stamped as commits are: by the clock, and with the last one's number. */
static void append(const struct arena *arena, struct mapshare_abi_entry *record)
{
    struct feed commits = feed_of(arena, MAPSHARE_ABI_COMMITS), happenings = feed_of(arena, MAPSHARE_ABI_HAPPENINGS);
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    record->seconds = now.tv_sec;
    record->nanoseconds = now.tv_nsec;
    record->last = 1;
    feed_end(&commits, &record->sequence);
    feed_append(&happenings, record);
}

static void append_locked(struct files *files, struct mapshare_abi_entry *record)
{
    pthread_mutex_lock(&files->events_lock);
    append(files->arena, record);
    pthread_mutex_unlock(&files->events_lock);
}

void event_tell(struct files *files, enum mapshare_abi_kind kind, uint64_t figure, uint64_t other)
{
    struct mapshare_abi_entry record = {.kind = kind, .figures = {figure, other}};

    append_locked(files, &record);
}

/* The end of a path that is too long. */
void event_tell_file(struct files *files, enum mapshare_abi_kind kind, uint32_t inode)
{
    struct mapshare_abi_entry record = {.kind = kind, .inode = files->arena->inodes[inode].number};
    char path[4096];
    size_t length = inode_path(files->inodes, inode, path) ? strlen(path) : 0;

    record.text_bytes = length < MAPSHARE_ABI_RECORD_TEXT ? length : MAPSHARE_ABI_RECORD_TEXT;
    memcpy(record.text, path + length - record.text_bytes, record.text_bytes);
    append_locked(files, &record);
}

void event_tell_alone(const struct arena *arena, enum mapshare_abi_kind kind, uint64_t figure)
{
    struct mapshare_abi_entry record = {.kind = kind, .figures = {figure}};

    append(arena, &record);
}
