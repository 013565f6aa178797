#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/format.h"
#include "journal/recover.h"
#include "steps.h"

#define CHUNK_PAGES 16

const char *const mutation_names[MUTATIONS] = {
    [NO_MUTATION] = "none",
    [FLUSH_REMOVED] = "flush-removed",
    [SPACE_REUSED_EARLY] = "space-reused-early",
    [CHECKSUM_OF_PAGES_DROPPED] = "checksum-of-pages-dropped",
    [CHECKSUM_OF_HEADER_DROPPED] = "checksum-of-header-dropped",
    [EPOCH_IGNORED] = "epoch-ignored",
    [EPOCH_NOT_FENCED] = "epoch-not-fenced",
    [UUID_NOT_RENEWED] = "uuid-not-renewed",
    [RELEASE_BEFORE_SYNC] = "release-before-sync",
    [TIMES_NOT_SYNCED] = "times-not-synced",
    [WRITTEN_BEFORE_COMMIT] = "written-before-commit",
    [VALID_NOT_TOLD] = "valid-not-told",
    [UNDER_WAY_NOT_TOLD] = "under-way-not-told",
    [OPEN_STREAM_RELEASED] = "open-stream-released",
    [RECOVERY_DOES_NOT_SYNC] = "recovery-does-not-sync",
    [RECOVERY_DOES_NOT_FLUSH_FIRST] = "recovery-does-not-flush-first",
    [RENAME_TOLD_LATE] = "rename-told-late",
    [RENAME_NOT_UNDONE] = "rename-not-undone",
    [RENAMES_NOT_COUNTED] = "renames-not-counted",
    [RENAMES_COUNTED_EARLY] = "renames-counted-early",
    [RENAMES_RELEASED_EARLY] = "renames-released-early",
};
enum mutation mutation;

static bool same_page(struct model_page a, struct model_page b)
{
    return (a.tag == 0 && b.tag == 0) || (a.tag == b.tag && a.cut == b.cut);
}

struct attempt *new_attempt(struct model *model, const struct model_state *state)
{
    struct history *history = model->history;
    if (history->count == history->capacity) {
        history->capacity = 2 * history->capacity + 64;
        history->attempts = realloc(history->attempts, history->capacity * sizeof(*history->attempts));
        assert(history->attempts != NULL);
    }
    struct attempt *attempt = &history->attempts[history->count++];
    *attempt = (struct attempt){.state = *state, .begun = model->record->count, .acknowledged = NEVER, .undone = NEVER};
    return attempt;
}

void history_clear(struct history *history)
{
    free(history->attempts);
    free(history->boundaries);
    *history = (struct history){0};
}

void identify(struct model *model, int slot, const struct model_file *state, struct journal_file *entry)
{
    struct file_handle *handle = malloc(sizeof(*handle) + IDENTITY_HANDLE_MAX);
    int mount;
    assert(handle != NULL);
    handle->handle_bytes = IDENTITY_HANDLE_MAX;
    *entry = (struct journal_file){
        .identity.inode = place.inodes[slot],
        .identity.birth.tv_sec = MODEL_BIRTH + state->generation,
        .path = place_path(slot),
        .owner = below(model, 2) == 0 ? JOURNAL_NO_OWNER : geteuid(),
        .size = state->size,
        .valid = UINT64_MAX,
        .atime = state->times[0],
        .mtime = state->times[1],
    };
    if (below(model, 2) == 0 && name_to_handle_at(place.fds[slot], "", handle, &mount, AT_EMPTY_PATH) == 0) {
        entry->identity.handle_type = handle->handle_type;
        entry->identity.handle_length = handle->handle_bytes;
        memcpy(entry->identity.handle, handle->f_handle, handle->handle_bytes);
    }
    free(handle);
}

static void *page_memory(struct model *model, unsigned index, struct model_page page)
{
    unsigned char *bytes = model->memory + (size_t)index * 4096;
    page_fill(page, bytes);
    return bytes;
}

/* The worker has died, or a write has failed: nothing that was not published can be part of a commit. */
static void forget_unpublished(struct model *model)
{
    for (int slot = 1; slot < DISK_SLOTS; slot++)
        forget_stream(model, slot);
    if (mutation == EPOCH_IGNORED)
        model->point.epoch = 1;
}

static void open_journal(struct model *model)
{
    model->journal = NULL;
    if (journal_open(&model->journal, &model->recorder.store, place.private_folder, JOURNAL_BYTES, 0, &model->point) < 0)
        model->error = "the journal cannot be opened";
}

/* After so many operations more, nothing reaches the journal: the worker is dead, though it does not know. */
static void stop_journal(struct model *model, int operations)
{
    model->recorder.faults.fail_after = operations;
    model->recorder.faults.fail_more = INT_MAX;
    model->recorder.faults.fail_half = below(model, 2) == 0;
}

/* The epoch after a commit that failed has begun, and that is durable. */
static void last_is_undone(struct model *model)
{
    struct attempt *last = &model->history->attempts[model->history->count - 1];
    if (last->acknowledged == NEVER && last->undone == NEVER)
        last->undone = model->record->count;
}

void take_over(struct model *model)
{
    journal_close(model->journal);
    model->recorder.faults.fail_after = -1;
    open_journal(model);
    last_is_undone(model);
    forget_unpublished(model);
}

/* At most `limit` pages of one file that neither its last commit nor its stream has. */
void gather(struct model *model, int slot, uint32_t index, uint32_t limit, struct journal_page *pages, uint32_t *count)
{
    const struct open_file *open = &model->open[slot];
    const struct model_page *content = model->now.files[slot].pages;
    for (uint64_t page = 0; page < MODEL_PAGES && limit > 0; page++) {
        if (!open->dirty[page] || open->ahead[page])
            continue;
        bool hole = content[page].tag == 0;
        enum journal_page_kind kind = hole ? JOURNAL_HOLE : JOURNAL_DATA;
        void *data = hole ? NULL : page_memory(model, *count, content[page]);
        pages[(*count)++] = (struct journal_page){.file = index, .kind = kind, .page = page, .count = 1, .data = data};
        limit--;
    }
}

static void step_write_ahead(struct model *model)
{
    struct journal_page pages[CHUNK_PAGES];
    struct journal_file entry;
    struct journal_chunk chunk = {.type = JOURNAL_CHUNK_DATA, .files = &entry, .file_count = 1, .pages = pages};
    int slot = some_file(model);
    if (slot < 0)
        return;
    struct open_file *open = &model->open[slot];
    uint32_t limit = below(model, 2) == 0 ? 2 : 6; /* often as long as the chunk before: leftovers begin where new chunks do */
    gather(model, slot, 0, limit, pages, &chunk.page_count);
    for (uint32_t i = 0; i < chunk.page_count; i++)
        open->ahead[pages[i].page] = true;
    identify(model, slot, &model->now.files[slot], &entry);
    entry.stream = open->stream;
    if (chunk.page_count == 0)
        return;
    int result = journal_reserve(model->journal, &chunk);
    if (result == 0)
        result = journal_write(model->journal, &chunk);
    if (result < 0) {
        if (result != -ENOSPC)
            journal_rollback(model->journal);
        forget_unpublished(model);
    } else if (open->first_position == 0) {
        open->first_position = chunk.position;
        open->first_number = chunk.number;
    }
}

static void checkpoint_page(struct model *model, int slot, uint64_t page, struct model_page content)
{
    struct store *store = &model->recorder.store;
    struct iovec iov = {.iov_base = page_memory(model, 0, content), .iov_len = 4096};
    struct store_write write = {.fd = place.fds[slot], .offset = (off_t)page * 4096, .iov = &iov, .iovcnt = 1};
    if (content.tag == 0)
        store->operations->punch(store, place.fds[slot], (off_t)page * 4096, 4096);
    else
        store->operations->write(store, &write, 1);
    model->stored.files[slot].pages[page] = content;
}

/* Where the log may be cut: not beyond a stream that is still open. */
static void release(struct model *model)
{
    const struct journal_point *point = &model->point.points[model->point.current];
    uint64_t position = point->head, number = point->next_number;
    for (int slot = 1; slot < DISK_SLOTS && mutation != OPEN_STREAM_RELEASED; slot++) {
        if (model->open[slot].first_position != 0 && model->open[slot].first_position < position) {
            position = model->open[slot].first_position;
            number = model->open[slot].first_number;
        }
    }
    /* A worker that dies here has moved the tail further than it could tell. */
    bool dies = below(model, 8) == 0;
    if (dies)
        stop_journal(model, 1);
    journal_release(model->journal, position, number);
    if (dies)
        take_over(model);
}

static void checkpoint(struct model *model)
{
    struct store *store = &model->recorder.store;
    if (mutation == RELEASE_BEFORE_SYNC)
        release(model);
    for (int slot = 1; slot < DISK_SLOTS; slot++) {
        const struct model_state *from = mutation == WRITTEN_BEFORE_COMMIT ? &model->now : &model->committed;
        const struct model_file *file = &from->files[slot];
        struct model_file empty = {.exists = true, .generation = model->now.files[slot].generation};
        if (!model->now.files[slot].exists) /* its pages will be gone from the log: so must be its name */
            record_add(model->record, (struct disk_event){.operation = DISK_SYNC, .slot = slot});
        if (!file->exists || !model->now.files[slot].exists)
            continue;
        if (file->generation != model->now.files[slot].generation) /* created, and never committed */
            file = &empty;
        for (uint64_t page = 0; page < MODEL_PAGES; page++) {
            if (!same_page(file->pages[page], model->stored.files[slot].pages[page]))
                checkpoint_page(model, slot, page, file->pages[page]);
        }
        store->operations->truncate(store, place.fds[slot], (off_t)file->size);
        store->operations->set_times(store, place.fds[slot], file->times);
        if (mutation == TIMES_NOT_SYNCED)
            store->operations->flush(store, place.fds[slot]);
        else
            store->operations->sync(store, place.fds[slot]);
    }
    if (mutation != RELEASE_BEFORE_SYNC)
        release(model);
}

/* Whatever keeps the log from being cut is given up. */
static void make_room(struct model *model)
{
    for (int slot = 1; slot < DISK_SLOTS; slot++)
        forget_stream(model, slot);
    checkpoint(model);
}

/* The name goes, and sometimes the number comes back as another file's. */
static void step_unlink(struct model *model)
{
    int slot = 1 + (int)below(model, DISK_SLOTS - 1);
    struct model_file *file = &model->now.files[slot];
    if (file->exists) {
        file->exists = false;
        record_add(model->record, (struct disk_event){.operation = DISK_UNLINK, .slot = slot});
        place_set_inside(slot, false);
        forget_stream(model, slot);
        model->open[slot].changed = false;
    } else {
        make_room(model);
        if (journal_used(model->journal) > 0 || !journal_is_fenced(model->journal))
            return; /* until its commits are gone the removed file keeps the number */
        place_set_inside(slot, true);
        *file = (struct model_file){.exists = true, .generation = ++place.generations[slot]};
        record_add(model->record, (struct disk_event){.operation = DISK_SYNC, .slot = slot}); /* of what it will be called */
        record_add(model->record, (struct disk_event){.operation = DISK_CREATE, .slot = slot});
        int result = ftruncate(place.fds[slot], 0);
        assert(result == 0);
        model->stored.files[slot] = *file;
        model->open[slot] = (struct open_file){.stream = model->next_stream++};
        touch(model, slot);
    }
}

/* All processes die and the machine stays: what recovery finds is what is true from then on. */
static void step_restart(struct model *model)
{
    struct recover_report report;
    size_t found;
    bool exists[DISK_SLOTS];
    if (below(model, 2) == 0)
        journal_seal(model->journal); /* a clean end, if it is empty */
    journal_close(model->journal);
    model->recorder.faults.lose_next_flushes = mutation == RECOVERY_DOES_NOT_FLUSH_FIRST;
    model->recorder.faults.lose_data_sync = mutation == RECOVERY_DOES_NOT_SYNC;
    syncing = &model->recorder;
    int result = journal_recover(&model->recorder.store, place.root, false, NULL, &report);
    syncing = NULL;
    model->recorder.faults.lose_data_sync = false;
    for (int slot = 1; slot < DISK_SLOTS; slot++) {
        exists[slot] = model->now.files[slot].exists;
        if (!exists[slot]) /* which commit it would be of, should its name come back, cannot be told from the others */
            record_add(model->record, (struct disk_event){.operation = DISK_SYNC, .slot = slot});
    }
    model->error =
        result < 0 ? "recovery failed" : check_files(model->history, model->record->count, place.generations, exists, &found);
    model->journal = NULL;
    if (model->error != NULL)
        return;
    struct model_state state = model->history->attempts[found].state;
    for (int slot = 1; slot < DISK_SLOTS; slot++) {
        struct model_file *file = &state.files[slot];
        if (file->generation != place.generations[slot]) /* created, and never committed */
            *file = (struct model_file){.exists = exists[slot], .generation = place.generations[slot]};
        model->now.files[slot] = *file;
        model->now.files[slot].exists = exists[slot];
        model->open[slot] = (struct open_file){.shortest = file->size, .stream = model->next_stream++};
    }
    model->committed = state;
    model->stored = state;
    new_attempt(model, &state)->acknowledged = model->record->count;
    model->point = (struct journal_state){0};
    open_journal(model);
}

static void step_commit(struct model *model)
{
    struct disk_faults *faults = &model->recorder.faults;
    uint64_t luck = below(model, 12);
    uint32_t epoch = model->point.epoch;
    int more_failures = (int)below(model, 3);
    if (luck == 0) /* what it leaves is often as long as what comes in its place */
        step_write_ahead(model);
    if (luck < 2) {
        stop_journal(model, (int)below(model, 2));
    } else if (luck == 2) {
        stop_journal(model, (int)below(model, 2));
        faults->fail_more = more_failures;
    }
    int result = commit(model);
    bool failed = luck < 3 && result == -EIO;
    faults->fail_after = -1;
    if (result == -ENOSPC) {
        make_room(model);
    } else if (failed && luck == 0) { /* the worker died in between: it had no time to roll back */
        model->point.epoch = epoch;
        take_over(model);
        for (uint64_t i = below(model, 4); i > 0 && model->error == NULL; i--)
            step_write_ahead(model);
    } else if (failed && luck == 1) {
        step_restart(model);
    } else if (failed) {
        if (more_failures == 0)
            last_is_undone(model);
        forget_unpublished(model);
    }
    assert(result == 0 || result == -ENOSPC || failed);
}

static void rename_it(struct model *model, int slot)
{
    place_move(slot);
    record_add(model->record, (struct disk_event){.operation = DISK_RENAME, .slot = slot, .offset = place.moved[slot]});
    if (slot != 0)
        model->open[slot].renamed = true;
}

/* A file or the folder gets its other name. The change may fail, and the worker may die over it. */
static void step_rename(struct model *model)
{
    int slot = (int)below(model, DISK_SLOTS);
    uint64_t luck = below(model, 8);
    struct journal_name name = {.change = JOURNAL_RENAME, .old_path = place_path(slot)};
    if (slot != 0 && !model->now.files[slot].exists)
        return;
    place.moved[slot] = !place.moved[slot];
    name.new_path = place_path(slot);
    place.moved[slot] = !place.moved[slot];
    if (mutation == RENAME_TOLD_LATE)
        rename_it(model, slot);
    if (journal_change_begin(model->journal, &name) < 0) {
        make_room(model);
        if (mutation == RENAME_TOLD_LATE)
            rename_it(model, slot);
        return;
    }
    if (luck == 0 && mutation != RENAME_TOLD_LATE) {
        journal_change_end(model->journal, mutation == RENAME_NOT_UNDONE);
        return;
    }
    bool made = mutation == RENAME_TOLD_LATE;
    if (luck == 1) {
        if (below(model, 2) == 0 && !made) {
            rename_it(model, slot);
            made = true;
        }
        take_over(model);
        if (made && below(model, 2) == 0)
            return; /* the next worker finds it made */
        if (model->error != NULL || journal_change_begin(model->journal, &name) < 0) {
            model->error = "a rename that comes again cannot be told";
            return;
        }
    }
    if (mutation == RENAMES_COUNTED_EARLY)
        journal_change_end(model->journal, true);
    if (!made)
        rename_it(model, slot);
    if (mutation != RENAMES_COUNTED_EARLY)
        journal_change_end(model->journal, true);
}

/* The log is cut between pages written ahead and their commit. */
static void step_checkpoint_in_between(struct model *model)
{
    step_write_ahead(model);
    for (int slot = 1; slot < DISK_SLOTS; slot++) {
        if (model->open[slot].first_position != 0)
            model->left_out = slot;
    }
    touch(model, 1);
    commit(model);
    model->left_out = 0;
    checkpoint(model);
    commit(model);
}

static void step(struct model *model)
{
    uint64_t luck = below(model, 102);
    if (luck < 34)
        step_write(model);
    else if (luck < 42)
        step_truncate(model);
    else if (luck < 46)
        step_punch(model);
    else if (luck < 58)
        step_write_ahead(model);
    else if (luck < 76)
        step_commit(model);
    else if (luck < 82)
        step_commit_two(model);
    else if (luck < 86)
        checkpoint(model);
    else if (luck < 88)
        step_checkpoint_in_between(model);
    else if (luck < 91)
        step_unlink(model);
    else if (luck < 92)
        take_over(model);
    else if (luck < 93)
        step_restart(model);
    else if (luck < 100)
        step_rename(model);
    else
        touch(model, 1);
}

static void remember_boundary(struct model *model)
{
    struct history *history = model->history;
    const struct journal_point *point = &model->point.points[model->point.current];
    if (history->boundary_count == history->boundary_capacity) {
        history->boundary_capacity = 2 * history->boundary_capacity + 64;
        history->boundaries = realloc(history->boundaries, history->boundary_capacity * sizeof(*history->boundaries));
        assert(history->boundaries != NULL);
    }
    history->boundaries[history->boundary_count++] = (struct boundary){
        .events = model->record->count, .head = point->head, .tail = point->tail, .capacity = journal_size(model->journal)};
}

const char *model_run(uint64_t seed, unsigned steps, struct disk_record *record, struct history *history)
{
    struct model model = {.random = seed, .record = record, .history = history, .next_stream = 1, .next_tag = 1, .clock = 5000};
    recorder_init(&model.recorder, record);
    memcpy(model.recorder.inodes, place.inodes, sizeof(place.inodes));
    model.memory = aligned_alloc(4096, (size_t)4096 * DISK_SLOTS * MODEL_PAGES);
    assert(model.memory != NULL);
    for (int slot = 1; slot < DISK_SLOTS; slot++) {
        model.now.files[slot] = (struct model_file){.exists = true};
        forget_stream(&model, slot);
    }
    model.committed = model.stored = model.now;
    new_attempt(&model, &model.now)->acknowledged = 0;
    counting = &model.recorder;
    open_journal(&model);
    model.recorder.faults.lose_journal_flush = mutation == FLUSH_REMOVED;
    model.recorder.faults.lose_superblock_flush = mutation == SPACE_REUSED_EARLY;
    model.recorder.faults.lose_fences = mutation == EPOCH_NOT_FENCED;
    for (unsigned i = 0; i < steps && model.error == NULL; i++) {
        step(&model);
        if (model.error == NULL)
            remember_boundary(&model);
    }
    journal_close(model.journal);
    counting = NULL;
    free(model.memory);
    return model.error;
}
