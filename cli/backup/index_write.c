#include "config.h"

#include "backup/index_write.h"
#include "backup/list.h"
#include "backup/reuse.h"
#include "message.h"

#include "journal/format.h"
#include "journal/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STILL_SECONDS 2

/* Nothing was written to it since the backup began, and what is written to it from now on will be seen. */
static bool is_known(const struct backup *backup, const struct backup_record *record)
{
    return S_ISREG(record->mode) && !backup_is_replayed(backup, record->object) &&
           record->state.changed.tv_sec < backup->listed_at - STILL_SECONDS;
}

static int add(const struct backup *backup, const struct backup_record *source, const char *path, FILE *out, uint64_t *count)
{
    struct backup_index_record record = {.source = source->state, .path_length = (uint32_t)strlen(path)};
    static const char end[8];
    struct identity identity;
    struct statx status;
    int place = path_open(backup->target, path), error;

    if (place < 0)
        return place;
    error = statx(place, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &status) ? -errno : 0;
    close(place);
    if (error)
        return error;
    identity_of(&status, &identity);
    identity_name(&identity, record.who);
    strcpy(record.object, source->object);
    record.mode = status.stx_mode;
    record.uid = status.stx_uid;
    record.gid = status.stx_gid;
    record.links = status.stx_nlink;
    backup_state_of(&status, &record.copy);
    fwrite(&record, sizeof record, 1, out);
    fputs(path, out);
    fwrite(end, 1, 8 - (sizeof record + record.path_length) % 8, out);
    ++*count;
    return ferror(out) ? -ENOMEM : 0;
}

/* The path of the folder that the list is in, with a slash behind it. */
struct folder {
    char *path;
    size_t length, capacity;
};

static int append(struct folder *folder, const char *name, const char *end)
{
    size_t needed = folder->length + strlen(name) + strlen(end) + 1;
    char *path = needed > folder->capacity ? realloc(folder->path, needed * 2) : folder->path;

    if (!path)
        return -ENOMEM;
    if (path != folder->path)
        folder->capacity = needed * 2;
    folder->path = path;
    stpcpy(stpcpy(path + folder->length, name), end);
    return 0;
}

/* The first folder is the backup's own, without a name. */
static int add_entry(const struct backup *backup, const struct backup_entry *entry, struct folder *folder, FILE *out,
                     uint64_t *count)
{
    const char *slash = *entry->name ? "/" : "";
    int error;

    if (entry->record.kind == BACKUP_LEAVE) {
        folder->length -= strlen(entry->name) + strlen(slash);
        return 0;
    }
    if (entry->record.kind == BACKUP_ITEM && !is_known(backup, &entry->record))
        return 0;
    error = append(folder, entry->name, entry->record.kind == BACKUP_ENTER ? slash : "");
    if (!error && entry->record.kind == BACKUP_ENTER)
        folder->length += strlen(entry->name) + strlen(slash);
    else if (!error)
        error = add(backup, &entry->record, folder->path, out, count);
    return error;
}

static int add_all(const struct backup *backup, FILE *out, uint64_t *count)
{
    struct backup_entry entry = {0};
    struct folder folder = {0};
    int more, error = 0;

    rewind(backup->list);
    while (!error && (more = backup_list_read(backup->list, &entry)) == 1)
        error = add_entry(backup, &entry, &folder, out, count);
    free(folder.path);
    backup_entry_free(&entry);
    return error ? error : more;
}

static int write_file(const struct backup *backup, const struct backup_index_header *header, const char *bytes)
{
    int fd = openat(backup->target, BACKUP_INDEX_PATH, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), error;
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    if (!file)
        return -errno;
    error = fwrite(header, sizeof *header, 1, file) == 1 && fwrite(bytes, 1, header->bytes, file) == header->bytes ? 0 : -errno;
    return fclose(file) && !error ? -errno : error;
}

int backup_index_write(struct backup *backup)
{
    struct backup_index_header header = {0};
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    int error = out ? backup_index_begin(backup->target, backup->store, &header) : -ENOMEM;

    if (!error)
        error = add_all(backup, out, &header.count);
    if (out && fclose(out) && !error)
        error = -ENOMEM;
    if (!error) {
        header.bytes = size;
        header.checksum = format_checksum(bytes, size);
        error = write_file(backup, &header, bytes);
    }
    free(bytes);
    if (error)
        message_error(backup->destination, error);
    return error ? -1 : 0;
}
