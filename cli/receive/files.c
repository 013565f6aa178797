/* The copy's files: what comes is written to atomic files, which nobody commits but we. */
#include "config.h"

#include "receive/receive.h"

#include "journal/grow.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

static void close_files(struct receive *receive)
{
    for (size_t i = 0; i < receive->count; i++)
        mapshare_close(receive->open[i].ms);
    receive->count = receive->current = 0;
    receive->bytes = 0;
}

static int for_all(struct receive *receive,
                   int (*act)(struct mapshare *const list[], size_t count, struct mapshare_receipt *receipt))
{
    struct mapshare **list = calloc(receive->count + 2, sizeof *list);
    int error;

    if (!list)
        return -ENOMEM;
    for (size_t i = 0; i < receive->count; i++)
        list[i] = receive->open[i].ms;
    list[receive->count] = receive->state;
    list[receive->count + 1] = receive->names;
    error = act(list, receive->count + 2, NULL) ? -errno : 0;
    free(list);
    return error;
}

int receive_commit(struct receive *receive)
{
    int error = receive_write_state(receive);

    if (!error)
        error = for_all(receive, mapshare_commit);
    if (error)
        return receive_tell(receive, "a commit", error);
    close_files(receive);
    return 0;
}

void receive_roll_back(struct receive *receive)
{
    if (receive->state && receive->names)
        for_all(receive, mapshare_rollback);
    close_files(receive);
}

int receive_make_room(struct receive *receive, uint64_t bytes)
{
    struct wire_file again = {0};
    bool has_file = receive->current < receive->count;
    int error;

    receive->bytes += bytes;
    if (receive->bytes <= receive->bytes_most)
        return 0;
    if (has_file)
        again = (struct wire_file){.id = receive->open[receive->current].id, .size = receive->open[receive->current].size};
    receive->done.complete = 0;
    error = receive_commit(receive);
    return error || !has_file ? error : receive_file(receive, &again);
}

/* Another mode than its own lets its owner write to it; the mode comes again with the batch. */
static int open_object(struct receive *receive, const char *name)
{
    int fd = openat(receive->files, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

    if (fd < 0 && errno == EACCES && !fchmodat(receive->files, name, 0600, 0))
        fd = openat(receive->files, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int add_file(struct receive *receive, size_t at, const struct wire_id *id)
{
    struct mapshare_options options = {.struct_size = sizeof options, .flags = MAPSHARE_OPEN_ATOMIC};
    char name[RECEIVE_NAME_MAX];
    struct mapshare *ms;
    int fd;

    receive_file_name(id, name);
    if (!grow(&receive->open, &receive->room, receive->count + 1, sizeof receive->open[0]))
        return -ENOMEM;
    fd = open_object(receive, name);
    if (fd < 0)
        return fd;
    ms = mapshare_fdopen(fd, &options);
    if (!ms) {
        int error = -errno;

        close(fd);
        return error;
    }
    memmove(&receive->open[at + 1], &receive->open[at], (receive->count - at) * sizeof receive->open[0]);
    receive->open[at] = (struct receive_file){.id = *id, .ms = ms};
    receive->count++;
    return 0;
}

/* Where the batch has it, or it would be. */
static size_t find(const struct receive *receive, const struct wire_id *id)
{
    size_t low = 0, high = receive->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (wire_id_compare(&receive->open[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int receive_file(struct receive *receive, const struct wire_file *file)
{
    size_t at = find(receive, &file->id);
    struct stat status;
    int error = 0;

    if (file->size > LLONG_MAX)
        return -EPROTO;
    if (at == receive->count || wire_id_compare(&receive->open[at].id, &file->id)) {
        if (receive->count >= receive->files_most) {
            receive->done.complete = 0;
            error = receive_commit(receive);
            at = 0;
        }
        if (!error)
            error = add_file(receive, at, &file->id);
        if (error)
            return receive_tell(receive, "a file", error);
    }
    receive->current = at;
    receive->open[at].size = file->size;
    if (fstat(mapshare_fd(receive->open[at].ms), &status) ||
        (status.st_size != (off_t)file->size && ftruncate(mapshare_fd(receive->open[at].ms), (off_t)file->size)))
        return receive_tell(receive, "a file's size", -errno);
    return 0;
}

/* Whether this may be written to the current file; and makes room for it. */
static int check_range(struct receive *receive, uint64_t offset, uint64_t length)
{
    const struct receive_file *file = receive->current < receive->count ? &receive->open[receive->current] : NULL;

    if (!file || length > WIRE_BLOCK || offset > file->size || length > file->size - offset)
        return -EPROTO;
    return receive_make_room(receive, length);
}

int receive_data(struct receive *receive, uint64_t offset, const void *bytes, size_t length)
{
    int error = check_range(receive, offset, length), fd;
    size_t done = 0;

    if (error)
        return error;
    fd = mapshare_fd(receive->open[receive->current].ms);
    while (done < length) {
        ssize_t n = pwrite(fd, (const char *)bytes + done, length - done, (off_t)(offset + done));

        if (n < 0 && errno != EINTR)
            return receive_tell(receive, "what is in a file", -errno);
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int receive_hole(struct receive *receive, const struct wire_range *range)
{
    int error = range->length ? check_range(receive, range->offset, range->length) : 0;

    if (error || !range->length)
        return error;
    if (fallocate(mapshare_fd(receive->open[receive->current].ms), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)range->offset,
                  (off_t)range->length))
        return receive_tell(receive, "what is in a file", -errno);
    return 0;
}

int receive_ask(struct receive *receive, const struct wire_ask *ask)
{
    static unsigned char block[WIRE_BLOCK];
    XXH128_hash_t hashes[WIRE_PIECE / WIRE_BLOCK];
    char name[RECEIVE_NAME_MAX];
    size_t count = 0;
    uint64_t at = ask->range.offset;
    ssize_t n = 1;
    int fd;

    if (ask->range.length > WIRE_PIECE || at > LLONG_MAX - WIRE_PIECE)
        return -EPROTO;
    receive_file_name(&ask->id, name);
    fd = openat(receive->files, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    while (fd >= 0 && n > 0 && at < ask->range.offset + ask->range.length) {
        uint64_t left = ask->range.offset + ask->range.length - at;

        n = pread(fd, block, left < WIRE_BLOCK ? (size_t)left : WIRE_BLOCK, (off_t)at);
        if (n > 0)
            hashes[count++] = XXH3_128bits(block, (size_t)n);
        at += WIRE_BLOCK;
    }
    if (fd >= 0)
        close(fd);
    return wire_send(&receive->wire, WIRE_HASHES, hashes, count * sizeof hashes[0]);
}
