#include "config.h"

#include "backup.h"
#include "backup_index.h"
#include "backup_list.h"
#include "mapshare-abi.h"
#include "message.h"

#include "journal/format.h"
#include "journal/path.h"
#include "store/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INDEX_NAME "index"
#define INDEX_PATH MAPSHARE_PRIVATE_FOLDER "/" INDEX_NAME
#define MAGIC UINT64_C(0x5844495041485350) /* "PSHAPIDX" */
#define STILL_SECONDS 2

struct header {
    uint64_t magic;
    uint64_t record_size;
    char backup[IDENTITY_NAME_MAX], store[IDENTITY_NAME_MAX]; /* their folders */
    uint64_t count;
    uint64_t bytes; /* that follow */
    uint64_t checksum;
};

static int name_folder(int folder, char name[IDENTITY_NAME_MAX])
{
    struct identity identity;
    int error = identity_take(folder, "", false, &identity);

    memset(name, 0, IDENTITY_NAME_MAX);
    if (!error)
        identity_name(&identity, name);
    return error;
}

static int begin_header(const struct backup *backup, int folder, struct header *header)
{
    int error = name_folder(folder, header->backup);

    header->magic = MAGIC;
    header->record_size = sizeof(struct backup_index_record);
    return error ? error : name_folder(backup->store, header->store);
}

/* ---- an earlier one ---- */

static int compare(const void *a, const void *b)
{
    const struct backup_index_entry *x = a, *y = b;

    return strncmp(x->record->object, y->record->object, IDENTITY_NAME_MAX);
}

/* Entries that refer to the bytes. False: they make no sense. */
static bool split(struct backup_index *index, const struct header *header)
{
    char *at = index->bytes, *end = at + header->bytes;

    for (index->count = 0; index->count < header->count; index->count++) {
        const struct backup_index_record *record = (const void *)at;

        if ((size_t)(end - at) < sizeof *record || (size_t)(end - at) - sizeof *record <= record->path_length)
            return false;
        index->entries[index->count] = (struct backup_index_entry){.record = record, .path = at + sizeof *record};
        at += (sizeof *record + record->path_length + 1 + 7) & ~(size_t)7;
        if (at > end)
            return false;
    }
    qsort(index->entries, index->count, sizeof *index->entries, compare);
    return true;
}

/* 0, -ENOMEM or -errno; -EBADMSG: it is damaged. */
static int load(struct backup_index *index, int fd, const struct header *header)
{
    struct stat status;

    if (fstat(fd, &status))
        return -errno;
    if (header->bytes != (uint64_t)status.st_size - sizeof *header ||
        header->count > header->bytes / sizeof(struct backup_index_record))
        return -EBADMSG;
    index->bytes = calloc(header->bytes + 1, 1);
    index->entries = calloc(header->count + 1, sizeof *index->entries);
    if (!index->bytes || !index->entries)
        return -ENOMEM;
    if (pread(fd, index->bytes, header->bytes, sizeof *header) != (ssize_t)header->bytes)
        return -EIO;
    if (format_checksum(index->bytes, header->bytes) != header->checksum || !split(index, header))
        return -EBADMSG;
    return 0;
}

/* Why it cannot be used; NULL: it can. *error is set where the system tells. */
static const char *read_index(const struct backup *backup, struct backup_index *index, int fd, int *error)
{
    struct header header, right = {0};

    if (trust_doubt(fd, S_IFREG))
        return trust_doubt(fd, S_IFREG);
    *error = begin_header(backup, index->root, &right);
    if (*error)
        return "cannot be looked at";
    if (pread(fd, &header, sizeof header, 0) != sizeof header || header.magic != right.magic ||
        header.record_size != right.record_size)
        return "is of another version, or damaged";
    if (memcmp(header.backup, right.backup, sizeof header.backup))
        return "was made for another folder, of which this is a copy";
    if (memcmp(header.store, right.store, sizeof header.store))
        return "is of a backup of another store";
    *error = load(index, fd, &header);
    return *error ? "cannot be read" : NULL;
}

static int refuse(const struct backup_index *index, const char *why)
{
    message("%s: %s; give a backup of the same store that was made with this command and not mounted since, or make a whole one",
            quoted(index->name), why);
    return -1;
}

static int open_index(const struct backup *backup, struct backup_index *index)
{
    int private = openat(index->root, MAPSHARE_PRIVATE_FOLDER, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), error = 0;
    int fd = private < 0 ? -1 : openat(private, INDEX_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const char *why;
    char text[128];

    if (private >= 0)
        close(private);
    if (fd < 0)
        return refuse(index, errno == ENOENT ? "has no " INDEX_PATH : strerror(errno));
    why = read_index(backup, index, fd, &error);
    close(fd);
    if (!why)
        return 0;
    snprintf(text, sizeof text, "its " INDEX_PATH " %s", why);
    return refuse(index, text);
}

int backup_index_open(struct backup *backup)
{
    struct backup_index *index = &backup->earlier;
    struct stat here, there;

    index->root = open(index->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (index->root < 0 || fstat(index->root, &here) || fstat(backup->target, &there)) {
        message_error(index->name, -errno);
        return -1;
    }
    if (!faccessat(index->root, MAPSHARE_INCOMPLETE, F_OK, AT_SYMLINK_NOFOLLOW))
        return refuse(index, "is not complete");
    if (here.st_dev != there.st_dev) {
        message("%s: lies on another file system than %s; files are shared within one only", quoted(index->name),
                quoted(backup->destination));
        return -1;
    }
    return open_index(backup, index);
}

struct backup_index_entry *backup_index_find(const struct backup_index *index, const char *object)
{
    struct backup_index_record key = {0};

    strcpy(key.object, object);
    return index->count ? bsearch(&(struct backup_index_entry){.record = &key}, index->entries, index->count,
                                  sizeof *index->entries, compare)
                        : NULL;
}

void backup_index_close(struct backup_index *index)
{
    if (index->root >= 0)
        close(index->root);
    free(index->bytes);
    free(index->entries);
}

/* ---- the new one ---- */

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

static int write_file(const struct backup *backup, const struct header *header, const char *bytes)
{
    int fd = openat(backup->target, INDEX_PATH, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), error;
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    if (!file)
        return -errno;
    error = fwrite(header, sizeof *header, 1, file) == 1 && fwrite(bytes, 1, header->bytes, file) == header->bytes ? 0 : -errno;
    return fclose(file) && !error ? -errno : error;
}

int backup_index_write(struct backup *backup)
{
    struct header header = {0};
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    int error = out ? begin_header(backup, backup->target, &header) : -ENOMEM;

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
