#include "config.h"

#include "request/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "cache/feed.h"
#include "file/status.h"
#include "request/current.h"

#define LOOKED_AT 4096u /* records in a call, so that it is short however many are others' */

/* Whose commits are asked for: all, or one file's. */
struct reader {
    struct feed feed;
    uint64_t number, generation; /* of the file; 0: all */
    uint64_t end;
};

uint64_t feed_sequence(const struct server *server)
{
    struct feed feed = feed_of(&server->arena, MAPSHARE_ABI_COMMITS);
    uint64_t sequence;

    feed_end(&feed, &sequence);
    return sequence;
}

static int check(struct server *server, uint32_t inode, const struct handle *handle, uint32_t log)
{
    if (log >= MAPSHARE_ABI_LOGS)
        return -EINVAL;
    if (server->arena.inodes[inode].type != S_IFREG || log != MAPSHARE_ABI_COMMITS)
        return request_may_manage(server, inode);
    return handle && (handle->flags & O_ACCMODE) != O_WRONLY ? 0 : -EBADF;
}

/* The log need not be known back to `since` where the file has no commit after it. After the end was asked for: what is in the log is in the file. */
static bool is_unchanged(struct server *server, uint32_t inode, uint64_t since)
{
    uint32_t file = server->arena.inodes[inode].file;

    return file && status_sequence(&server->files, file) <= since;
}

static bool is_wanted(const struct reader *reader, const struct mapshare_abi_entry *record)
{
    return !reader->number || (record->inode == reader->number && record->generation == (uint32_t)reader->generation);
}

/* From out->next on. */
static int fill(const struct reader *reader, struct mapshare_abi_feed *out)
{
    uint64_t at = out->next - 1, stop = at + LOOKED_AT < reader->end ? at + LOOKED_AT : reader->end;
    const uint32_t max = sizeof out->records / sizeof out->records[0];

    for (; at < stop && out->count < max; at++) {
        struct mapshare_abi_entry *record = &out->records[out->count];

        if (feed_read(&reader->feed, at, record))
            return -ERANGE;
        if (reader->number && record->kind == MAPSHARE_ABI_MANY)
            return -ERANGE;
        out->count += is_wanted(reader, record);
    }
    out->more = at < reader->end;
    out->next = at + 1;
    return 0;
}

static int find_begin(struct server *server, uint32_t inode, const struct reader *reader, struct mapshare_abi_feed *out)
{
    uint64_t first = reader->end;
    int error = 0;

    if (out->since != MAPSHARE_ABI_NOW &&
        !(reader->number && out->since <= out->sequence && is_unchanged(server, inode, out->since)))
        error = feed_find(&reader->feed, out->since, reader->end, &first);
    out->next = first + 1;
    return error;
}

static int read_feed(struct server *server, uint32_t inode, struct mapshare_abi_feed *out)
{
    struct reader reader = {.feed = feed_of(&server->arena, out->log)};
    int error = 0;

    if (server->arena.inodes[inode].type == S_IFREG) {
        reader.number = server->arena.inodes[inode].number;
        reader.generation = server->arena.inodes[inode].generation;
    }
    reader.end = feed_end(&reader.feed, &out->sequence);
    if (!out->next)
        error = find_begin(server, inode, &reader, out);
    else if (out->next - 1 > reader.end)
        error = -ERANGE;
    return error ? error : fill(&reader, out);
}

void feed_serve(fuse_req_t request, uint32_t inode, const struct handle *handle, const struct mapshare_abi_feed *in)
{
    struct server *server = server_of(request);
    struct mapshare_abi_feed *out = calloc(1, sizeof *out);
    int error = out ? check(server, inode, handle, in->log) : -ENOMEM;

    if (!error) {
        out->next = in->next;
        out->since = in->since;
        out->log = in->log;
        error = read_feed(server, inode, out);
    }
    if (error)
        request_reply(request, error);
    else
        fuse_reply_ioctl(request, 0, out, sizeof *out);
    free(out);
}
