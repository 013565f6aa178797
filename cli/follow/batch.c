#include "config.h"

#include "follow/batch.h"

#include "clock.h"
#include "follow/news.h"
#include "inspect.h"
#include "message.h"

#include "journal/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 256u /* files, where they need not be of one commit */

static struct tree *tree_of(struct batch *batch)
{
    return batch->walked ? &batch->now : &batch->follow->theirs;
}

void batch_drop(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->files[i].fd >= 0)
            close(batch->files[i].fd);
        free(batch->files[i].hashes);
    }
    free(batch->files);
    batch->files = NULL;
    batch->count = 0;
}

static void add_file(struct batch *batch, const struct tree_file *file, const struct dirty_file *changes)
{
    batch->files[batch->count++] = (struct content_file){
        .id = file->id, .name = file->name, .changes = changes, .there = tree_find(&batch->follow->theirs, &file->id), .fd = -1};
}

int batch_find(struct batch *batch)
{
    struct follow *follow = batch->follow;
    const struct tree *tree = tree_of(batch);
    struct dirty_file **dirty = dirty_list(&follow->dirty);

    batch_drop(batch);
    batch->files = calloc(tree->file_count + 1, sizeof batch->files[0]);
    if (!dirty || !batch->files) {
        free(dirty);
        return -ENOMEM;
    }
    for (size_t i = 0; i < follow->dirty.count && !follow->whole; i++) {
        const struct tree_file *file = tree_find(tree, &dirty[i]->id);

        if (file)
            add_file(batch, file, dirty[i]);
        else
            follow->wants_walk = true;
    }
    for (size_t i = 0; i < tree->file_count && (batch->walked || follow->whole); i++) {
        const struct tree_file *file = &tree->files[i];

        if (follow->whole || (!tree_find(&follow->theirs, &file->id) && !dirty_find(&follow->dirty, &file->id)))
            add_file(batch, file, NULL);
    }
    free(dirty);
    return 0;
}

int batch_walk(struct batch *batch)
{
    struct follow *follow = batch->follow;
    int64_t begun = clock_milliseconds();
    int error;

    tree_free(&batch->now);
    error = tree_read(&batch->now, follow->root, &follow->parts, &follow->wire);
    batch->walked = true;
    follow->wants_walk = false;
    follow->walked = clock_milliseconds();
    follow->walking = follow->walked - begun;
    return error;
}

/* Opens what the tree has under this name. -EAGAIN: something else is there now. */
static int open_file(struct batch *batch, struct content_file *file)
{
    struct tree *tree = tree_of(batch);
    struct tree_name *name = &tree->names[file->name];
    int place = path_open(batch->follow->root, tree_path(tree, name)), error = place < 0 ? place : 0;
    struct wire_id id;

    if (!error)
        error = tree_identify(place, &id);
    if (!error && wire_id_compare(&id, &file->id))
        error = -EAGAIN;
    if (!error)
        error = tree_refresh(tree, name, place);
    if (!error) {
        file->fd = path_reopen(place, O_RDONLY | O_NONBLOCK | O_NOATIME);
        if (file->fd == -EPERM)
            file->fd = path_reopen(place, O_RDONLY | O_NONBLOCK);
        error = file->fd < 0 ? file->fd : 0;
    }
    if (error == -EACCES)
        message("%s/%s: cannot be read: run as root, or as the owner of the mount", quoted(batch->follow->parts.mount),
                quoted(tree_path(tree, name)));
    if (place >= 0)
        close(place);
    return error == -ENOENT || error == -ENOTDIR || error == -ELOOP || error == -ESTALE ? -EAGAIN : error;
}

/* ---- sending ---- */

static int take_snapshot(struct batch *batch, struct content_file *files, size_t count, uint64_t *sequence)
{
    int *fds = calloc(count + 1, sizeof *fds), error = 0;

    if (!fds)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        fds[i] = files[i].fd;
    batch->content.snapshot = inspect_snapshot(batch->follow->root, fds, count, sequence);
    free(fds);
    if (batch->content.snapshot < 0)
        return batch->content.snapshot;
    for (size_t i = 0; i < count && !error; i++)
        error = inspect_snapshot_size(batch->content.snapshot, i, &files[i].size);
    return error;
}

static void end_snapshot(struct batch *batch)
{
    if (batch->content.snapshot >= 0)
        close(batch->content.snapshot);
    batch->content.snapshot = -1;
}

static int send_files(struct batch *batch, struct content_file *files, size_t count)
{
    int error = content_ask(&batch->content, files, count);

    for (size_t i = 0; i < count && !error; i++)
        error = content_send(&batch->content, &files[i], i);
    return error;
}

/* Some of many files: what is committed meanwhile is in the feed, and is sent once more. So a snapshot may end, and the next one does as well. */
static int send_chunk(struct batch *batch, struct content_file *files, size_t count)
{
    uint64_t sequence;
    size_t open = 0;
    int error;

    for (size_t i = 0; i < count; i++) {
        error = open_file(batch, &files[i]);
        if (error && error != -EAGAIN)
            return error;
        if (!error) {
            struct content_file file = files[i];

            files[i] = files[open];
            files[open++] = file;
        }
    }
    do {
        error = open ? take_snapshot(batch, files, open, &sequence) : 0;
        if (!error)
            error = send_files(batch, files, open);
        end_snapshot(batch);
        if (error == -ESTALE && follow_between(batch->follow))
            return -EPIPE;
    } while (error == -ESTALE);
    batch->many += open;
    for (size_t i = 0; i < open && !error; i++) {
        close(files[i].fd);
        files[i].fd = -1;
        if (!files[i].there)
            error = tree_add_file(&batch->follow->theirs, &files[i].id, 0);
    }
    return error;
}

int batch_send_many(struct batch *batch)
{
    struct follow *follow = batch->follow;
    struct dirty taken = follow->dirty;
    size_t chunk = follow->files_most < CHUNK ? follow->files_most : CHUNK;
    int error = 0;

    follow->dirty = (struct dirty){.since = taken.since};
    follow->whole = false;
    for (size_t at = 0; at < batch->count && !error; at += chunk) {
        size_t left = batch->count - at;

        error = send_chunk(batch, batch->files + at, left < chunk ? left : chunk);
    }
    tree_sort(&follow->theirs);
    batch_drop(batch);
    dirty_free(&taken);
    return error;
}

static bool is_sent(void *context, const struct wire_id *id)
{
    const struct batch *batch = context;

    for (size_t low = 0, high = batch->count; low < high;) {
        size_t middle = (low + high) / 2;
        int order = wire_id_compare(id, &batch->files[middle].id);

        if (!order)
            return true;
        low = order > 0 ? middle + 1 : low;
        high = order > 0 ? high : middle;
    }
    return false;
}

static int compare_by_id(const void *a, const void *b)
{
    return wire_id_compare(&((const struct content_file *)a)->id, &((const struct content_file *)b)->id);
}

static int send_names(struct batch *batch, size_t *told)
{
    struct follow *follow = batch->follow;
    int error = 0;

    *told = 0;
    if (batch->walked)
        return tree_send_changes(&follow->wire, &follow->theirs, &batch->now, is_sent, batch, told);
    for (size_t i = 0; i < batch->count && !error; i++)
        error = tree_send_entry(&follow->wire, &follow->theirs, &follow->theirs.names[batch->files[i].name]);
    return error;
}

/* The far side has all of it. */
static void finish(struct batch *batch, const struct wire_done *done, size_t told)
{
    struct follow *follow = batch->follow;

    if (batch->walked) {
        tree_free(&follow->theirs);
        follow->theirs = batch->now;
        batch->now = (struct tree){0};
    }
    dirty_free(&follow->dirty);
    follow->dirty = follow->next;
    follow->next = (struct dirty){0};
    follow->broken = 0;
    follow->done.sequence = done->sequence;
    follow->done.failed = done->failed;
    follow->done.files = batch->count + batch->many;
    follow->done.bytes = batch->content.bytes;
    follow->done.names = told;
}

/* Whether the files that are in the snapshot are all that commits up to it changed; by what the feed tells now. */
static int is_all(struct batch *batch)
{
    struct content_file *files = batch->files;
    size_t count = batch->count;
    bool is_it;
    int error;

    batch->files = NULL;
    batch->count = 0;
    error = batch_find(batch);
    is_it = batch->count == count && !batch->follow->whole;
    batch_drop(batch);
    batch->files = files;
    batch->count = count;
    return error ? error : is_it ? 0 : -EAGAIN;
}

static int send_batch(struct batch *batch, uint64_t sequence, struct timespec as_of, bool *idle)
{
    struct follow *follow = batch->follow;
    struct wire_commit commit = {.sequence = sequence, .seconds = as_of.tv_sec, .nanoseconds = as_of.tv_nsec};
    struct wire_done done;
    size_t told;
    int error = wire_send(&follow->wire, WIRE_BEGIN, NULL, 0);

    if (!error)
        error = send_names(batch, &told);
    if (!error)
        error = send_files(batch, batch->files, batch->count);
    if (error)
        return error;
    *idle = !batch->count && !told && sequence == follow->done.sequence;
    if (*idle)
        done = (struct wire_done){.sequence = sequence, .failed = follow->done.failed};
    else
        error = wire_send(&follow->wire, WIRE_COMMIT, &commit, sizeof commit);
    if (!error && !*idle)
        error = wire_expect(&follow->wire, WIRE_DONE, &done, sizeof done);
    if (!error && done.sequence != sequence)
        error = -EPROTO;
    if (error)
        return error;
    follow->done.time = as_of;
    finish(batch, &done, told);
    return 0;
}

int batch_send_few(struct batch *batch, bool *idle)
{
    struct follow *follow = batch->follow;
    uint64_t sequence = follow->reader.feed.sequence;
    struct timespec as_of;
    int error = 0;

    clock_gettime(CLOCK_REALTIME, &as_of);
    if (batch->count)
        qsort(batch->files, batch->count, sizeof batch->files[0], compare_by_id);
    for (size_t i = 0; i < batch->count && !error; i++)
        error = open_file(batch, &batch->files[i]);
    if (error == -EAGAIN) {
        error = batch_walk(batch);
        return error ? error : -EAGAIN;
    }
    if (!error && batch->count)
        error = take_snapshot(batch, batch->files, batch->count, &sequence);
    follow->split = sequence;
    if (!error)
        error = follow_take_feed_up_to(follow, sequence);
    if (!error)
        error = is_all(batch);
    if (!error)
        error = send_batch(batch, sequence, as_of, idle);
    end_snapshot(batch);
    follow->split = UINT64_MAX;
    if (!error)
        return 0;
    if (dirty_take(&follow->dirty, &follow->next))
        return -ENOMEM;
    follow->broken += error == -ESTALE;
    return error == -ESTALE ? -EAGAIN : error;
}
