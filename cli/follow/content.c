#include "config.h"

#include "follow/content.h"

#include "inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define HASH_BYTES sizeof(XXH128_hash_t)
#define PAGES_MOST (UINT64_MAX / MAPSHARE_PAGE_SIZE - 1)

static int ask_for(struct content *content, const struct content_file *file, uint64_t at)
{
    uint64_t left = file->size - at;
    struct wire_ask ask = {.id = file->id, .range = {.offset = at, .length = left < WIRE_PIECE ? left : WIRE_PIECE}};

    return wire_send(content->wire, WIRE_ASK, &ask, sizeof ask);
}

/* The far side's answer: fewer hashes where its file ends. */
static int take_answer(struct content *content, struct content_file *file)
{
    size_t length;
    int kind = wire_receive(content->wire, &length);

    if (kind != WIRE_HASHES || length % HASH_BYTES || length > WIRE_PIECE / WIRE_BLOCK * HASH_BYTES)
        return kind < 0 ? kind : kind ? -EPROTO : -EPIPE;
    free(file->hashes);
    file->hashes = malloc(length + 1);
    if (!file->hashes)
        return -ENOMEM;
    memcpy(file->hashes, content->wire->message, length);
    file->hash_count = length / HASH_BYTES;
    return 0;
}

static bool is_compared(const struct content_file *file)
{
    return file->there && (!file->changes || file->changes->whole);
}

int content_ask(struct content *content, struct content_file *files, size_t count)
{
    int error = 0;

    for (size_t i = 0; i < count && !error; i++)
        error = is_compared(&files[i]) && files[i].size ? ask_for(content, &files[i], 0) : 0;
    for (size_t i = 0; i < count && !error; i++)
        error = is_compared(&files[i]) && files[i].size ? take_answer(content, &files[i]) : 0;
    return error;
}

static int read_block(struct content *content, size_t place, unsigned char *block, size_t length, uint64_t at)
{
    ssize_t n = inspect_snapshot_read(content->snapshot, place, block, length, at);

    return n < 0 ? (int)n : n == (ssize_t)length ? 0 : -EIO;
}

static int send_block(struct content *content, const unsigned char *block, size_t length, uint64_t at)
{
    struct wire_range hole = {.offset = at, .length = length};
    struct wire_part data[] = {{&at, sizeof at}, {block, length}};

    if (!block[0] && !memcmp(block, block + 1, length - 1))
        return wire_send(content->wire, WIRE_HOLE, &hole, sizeof hole);
    content->bytes += length;
    return wire_send_parts(content->wire, WIRE_DATA, data, 2);
}

/* Up to a piece. */
static int send_range(struct content *content, size_t place, uint64_t at, uint64_t end)
{
    static unsigned char block[WIRE_BLOCK];
    int error = 0;

    while (at < end && !error) {
        size_t length = end - at < WIRE_BLOCK ? (size_t)(end - at) : WIRE_BLOCK;

        error = read_block(content, place, block, length, at);
        if (!error)
            error = send_block(content, block, length, at);
        at += length;
    }
    return error;
}

static int send_changes(struct content *content, const struct content_file *file, size_t place)
{
    int error = 0;

    for (size_t i = 0; i < file->changes->count && !error; i++) {
        const struct dirty_range *range = &file->changes->ranges[i];
        uint64_t at = range->first > PAGES_MOST ? file->size : range->first * MAPSHARE_PAGE_SIZE;
        uint64_t end = range->last > PAGES_MOST ? file->size : (range->last + 1) * MAPSHARE_PAGE_SIZE;

        if (end > file->size)
            end = file->size;
        while (at < end && !error) {
            uint64_t next = end - at < WIRE_PIECE ? end : at + WIRE_PIECE;

            error = send_range(content, place, at, next);
            at = next;
            if (!error)
                error = content->between(content->context);
        }
    }
    return error;
}

/* Where the far side has nothing, there is nothing to be said of zeros. */
static int send_different(struct content *content, const struct content_file *file, size_t place, uint64_t at, uint64_t end)
{
    static unsigned char block[WIRE_BLOCK];
    int error = 0;

    for (size_t i = 0; at < end && !error; i++) {
        size_t length = end - at < WIRE_BLOCK ? (size_t)(end - at) : WIRE_BLOCK;
        XXH128_hash_t hash;

        error = read_block(content, place, block, length, at);
        if (error)
            return error;
        if (is_compared(file) && i < file->hash_count) {
            hash = XXH3_128bits(block, length);
            if (memcmp(&hash, file->hashes + i * HASH_BYTES, HASH_BYTES))
                error = send_block(content, block, length, at);
        } else if (block[0] || memcmp(block, block + 1, length - 1)) {
            error = send_block(content, block, length, at);
        }
        at += length;
    }
    return error;
}

static int send_whole(struct content *content, struct content_file *file, size_t place)
{
    int error = 0;

    while (file->done < file->size && !error) {
        uint64_t end = file->size - file->done < WIRE_PIECE ? file->size : file->done + WIRE_PIECE;

        if (is_compared(file) && file->done)
            error = ask_for(content, file, file->done);
        if (!error && is_compared(file) && file->done)
            error = take_answer(content, file);
        if (!error)
            error = send_different(content, file, place, file->done, end);
        if (!error) {
            file->done = end;
            error = content->between(content->context);
        }
    }
    return error;
}

int content_send(struct content *content, struct content_file *file, size_t place)
{
    struct wire_file head = {.id = file->id, .size = file->size};
    int error = wire_send(content->wire, WIRE_FILE, &head, sizeof head);

    if (error)
        return error;
    return file->there && file->changes && !file->changes->whole ? send_changes(content, file, place)
                                                                 : send_whole(content, file, place);
}
