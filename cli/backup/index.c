#include "config.h"

#include "backup/index.h"
#include "mapshare-abi.h"
#include "message.h"

#include "journal/format.h"
#include "store/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x5844495041485350) /* "PSHAPIDX" */

int backup_index_begin(int folder, int store, struct backup_index_header *header)
{
    int error = identity_take_name(folder, header->backup);

    header->magic = MAGIC;
    header->record_size = sizeof(struct backup_index_record);
    return error ? error : identity_take_name(store, header->store);
}

static int compare(const void *a, const void *b)
{
    const struct backup_index_entry *x = a, *y = b;

    return strncmp(x->record->object, y->record->object, IDENTITY_NAME_MAX);
}

/* Entries that refer to the bytes. False: they make no sense. */
static bool split(struct backup_index *index, const struct backup_index_header *header)
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
static int load(struct backup_index *index, int fd, const struct backup_index_header *header)
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
static const char *read_index(struct backup_index *index, int store, int fd, int *error)
{
    struct backup_index_header header, right = {0};

    if (trust_doubt(fd, S_IFREG))
        return trust_doubt(fd, S_IFREG);
    *error = backup_index_begin(index->root, store, &right);
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

static int open_index(struct backup_index *index, int store)
{
    int private = openat(index->root, MAPSHARE_PRIVATE_FOLDER, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), error = 0;
    int fd = private < 0 ? -1 : openat(private, BACKUP_INDEX_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const char *why;
    char text[128];

    if (private >= 0)
        close(private);
    if (fd < 0)
        return refuse(index, errno == ENOENT ? "has no " BACKUP_INDEX_PATH : strerror(errno));
    why = read_index(index, store, fd, &error);
    close(fd);
    if (!why)
        return 0;
    snprintf(text, sizeof text, "its " BACKUP_INDEX_PATH " %s", why);
    return refuse(index, text);
}

int backup_index_open(struct backup_index *index, int store, int target, const char *destination)
{
    struct stat here, there;

    index->root = open(index->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (index->root < 0 || fstat(index->root, &here) || fstat(target, &there)) {
        message_error(index->name, -errno);
        return -1;
    }
    if (!faccessat(index->root, MAPSHARE_INCOMPLETE, F_OK, AT_SYMLINK_NOFOLLOW))
        return refuse(index, "is not complete");
    if (here.st_dev != there.st_dev) {
        message("%s: lies on another file system than %s; files are shared within one only", quoted(index->name),
                quoted(destination));
        return -1;
    }
    return open_index(index, store);
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
