#include "config.h"

#include "file/takeover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "file/ahead.h"
#include "cache/damage.h"
#include "cache/seal.h"
#include "file/changes.h"
#include "file/commit.h"
#include "file/damage.h"
#include "file/lists.h"
#include "file/page.h"
#include "file/record.h"
#include "file/rollback.h"
#include "file/snapshot.h"
#include "file/used.h"
#include "file/sweep.h"
#include "file/version.h"
#include "log.h"

/* The oldest commit of all comes first for a file's list, and of the frames of a page the newest last. */
static int by_age(const void *a, const void *b, void *arena)
{
    const struct frame *frames = ((const struct arena *)arena)->frames;
    const struct frame *x = &frames[*(const uint32_t *)a], *y = &frames[*(const uint32_t *)b];

    if (x->position != y->position)
        return x->position < y->position ? -1 : 1;
    return x->version < y->version ? -1 : x->version > y->version;
}

/* Mostly they are in order: memory is taken from the lowest on. */
static void sort(const struct files *files, uint32_t *numbers, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        if (by_age(&numbers[i - 1], &numbers[i], files->arena) > 0) {
            qsort_r(numbers, count, sizeof *numbers, by_age, files->arena);
            return;
        }
    }
}

static void take_frame(struct files *files, struct frame *truth)
{
    struct file_index *index = &files->index[truth->file];
    const struct file_version *current = &file_truth(files, index)->current;
    struct frame_index *frame = &files->frames->index[truth - files->arena->frames], *seen;
    bool committed = truth->position != 0; /* count_frames() */
    bool backed;

    *frame = (struct frame_index){.page = truth->page, .version = truth->version};
    if (truth->flags & FRAME_VOID || version_voids(files, index, truth, committed) ||
        (!committed &&
         truth->page << PAGE_SHIFT >= current->size)) { /* beyond the end: amid a truncation, or a WRITE that is sent again */
        frame_free(files->frames, frame);               /* nobody's share has counted it */
        return;
    }
    if (committed && truth->page << PAGE_SHIFT >= current->void_from)
        truth->flags |= FRAME_HIDDEN;
    seen = page_find(index, truth->page);
    backed = seen && seen->backed;
    if (seen && !(truth->flags & FRAME_HIDDEN) && seen->version < frame->version) {
        if (seen->state == FRAME_RECEIVED)
            page_move(files, index, seen, FRAME_FREE);
        else
            page_hide(files, index, seen);
        seen = NULL;
    }
    if (!committed && (truth->flags & FRAME_HIDDEN || seen)) { /* replaced, but not yet freed */
        frame_free(files->frames, frame);                      /* nobody's share has counted it */
        return;
    }
    page_move(files, index, frame, FRAME_RECEIVED);
    if (!(truth->flags & FRAME_HIDDEN) && !seen) {
        page_enter_view(index, frame);
    } else {
        atomic_fetch_or(&truth->flags, FRAME_HIDDEN);
        if (seen && seen->state == FRAME_RECEIVED)
            seen->older = frame_number(files->frames, frame);
    }
    if (committed) {
        page_move(files, index, frame, FRAME_COMMITTING);
        page_move(files, index, frame, FRAME_COMMITTED);
    }
    if (frame->in_view) {
        used_enter(files, index, frame, backed);
    } else if (seen && committed && !(truth->flags & FRAME_HOLE)) { /* its blocks were reserved: also for what replaced it */
        used_leave(index, seen);
        used_enter(files, index, seen, true);
    }
}

static void take_over(struct files *files, struct file_index *index)
{
    uint32_t *numbers = files->untaken + index->untaken_first;

    index->untaken = false;
    sort(files, numbers, index->untaken_count);
    for (uint32_t i = 0; i < index->untaken_count; i++)
        take_frame(files, &files->arena->frames[numbers[i]]);
    version_recovered(files, index);
    rollback_go_on(files, index);
}

/* True when the frame is its file's. What was to be committed by the dead worker is received again: later commits must not be taken for that one. */
static bool check_frame(struct files *files, uint32_t number, uint32_t *dropped)
{
    const struct arena *arena = files->arena;
    struct frame *frame = &arena->frames[number];
    const char *damage = frame_damage(files, frame);

    if (damage) {
        damage_drop_frame(files, number, damage);
        return false;
    }
    if (!arena->files[frame->file].inode) { /* invariant 13 */
        ++*dropped;
        frame_use(frame, 0, 0);
        return false;
    }
    if (frame->position && !journal_published(&arena->header->journal, frame->position))
        atomic_store(&frame->position, 0);
    if (frame->version > arena->header->version)
        arena->header->version = frame->version;
    return true;
}

/* Of each file. */
static void count_frames(struct files *files)
{
    const struct arena *arena = files->arena;
    uint32_t dropped = 0;

    for (uint32_t i = arena_frame_last(arena->header); i; i = arena_frame_before(arena->header, i)) {
        if (arena->frames[i].use && check_frame(files, i, &dropped))
            files->index[arena->frames[i].file].untaken_count++;
    }
    if (dropped)
        log_line(LOG_WARN, "takeover: %" PRIu32 " frames that name no file are dropped", dropped);
}

/* Nothing of a damaged file is believed: it has no frames. */
static void drop_frames(struct files *files)
{
    const struct arena *arena = files->arena;

    for (uint32_t i = arena_frame_last(arena->header); i; i = arena_frame_before(arena->header, i)) {
        struct frame *frame = &arena->frames[i];

        if (!frame->file || !file_is_damaged(&arena->files[frame->file]))
            continue;
        files->index[frame->file].untaken_count--;
        frame_use(frame, 0, 0);
    }
}

/* What takes long, a file's tree and lists, is made when the file is first touched: until then it is on both lists and holds the journal's
 * tail. So what a worker's death costs its clients does not depend on how much is cached. */
static int sort_frames(struct files *files)
{
    const struct arena *arena = files->arena;
    uint32_t first = 0;

    for (uint32_t i = 1; i <= arena->header->file_used; i++) {
        files->index[i].untaken_first = first;
        first += files->index[i].untaken_count;
        files->index[i].untaken_count = 0;
    }
    files->untaken = malloc((first + 1ul) * sizeof *files->untaken);
    if (!files->untaken)
        return -ENOMEM;
    for (uint32_t i = arena_frame_last(arena->header); i; i = arena_frame_before(arena->header, i)) {
        struct file_index *index = &files->index[arena->frames[i].file];

        if (arena->frames[i].file)
            files->untaken[index->untaken_first + index->untaken_count++] = i;
    }
    frame_table_fill(files->frames);
    return 0;
}

/* One that has no seal was about to be opened, or closed. */
static void check_handles(struct files *files)
{
    const struct arena *arena = files->arena;

    for (uint32_t i = 1; i <= arena->header->handle_used; i++) {
        struct handle *handle = &arena->handles[i];
        const char *damage = handle->seal ? handle_damage(arena, i) : NULL;

        if (damage)
            damage_drop_handle(files, i, damage);
        else if (!handle->seal)
            atomic_store(&handle->inode, 0);
    }
}

static void take_handles(struct files *files)
{
    const struct arena *arena = files->arena;

    for (uint32_t i = 1; i <= arena->header->handle_used; i++) {
        uint32_t inode = arena->handles[i].inode;

        if (inode && arena->inodes[inode].number && arena->inodes[inode].file)
            file_count_handle(files, arena->inodes[inode].file, &arena->handles[i], 1);
    }
}

static void take_file(struct files *files, struct file_index *index)
{
    uint32_t first = index->untaken_first, count = index->untaken_count;

    file_index_start(index);
    share_charge_to(files, index, file_truth(files, index)->user);
    if (file_is_damaged(file_truth(files, index))) {
        index->versions.needed = files->tail.released;
        damage_contain(files, index);
        return;
    }
    version_recover(files, index);
    index->untaken = count != 0;
    index->untaken_first = first;
    index->untaken_count = count;
    if (!index->untaken) {
        version_recovered(files, index);
        rollback_go_on(files, index);
        return;
    }
    list_set(files, index, LIST_CHANGED, true);
    list_set(files, index, LIST_COMMITTED, true);
}

/* Invariant 13. */
static void take_records(struct files *files)
{
    uint32_t dropped = records_take_over(files);

    if (dropped)
        log_line(LOG_NOTE, "takeover: %" PRIu32 " files' records that a dead worker left half made or half ended are dropped",
                 dropped);
}

/* What is damaged of inodes and files is known before anything of them is used. Returns whether anything is. */
static bool find_damage(struct files *files)
{
    const struct arena *arena = files->arena;
    bool found = false;

    for (uint32_t i = 1; i <= arena->header->file_used; i++) {
        const struct file *file = &arena->files[i];
        const char *damage = NULL;

        if (file->inode)
            damage = arena->inodes[file->inode].flags & INODE_DAMAGED ? "its inode's" : file_damage(files, i);
        if (damage)
            damage_mark(files, i, damage);
        found |= damage != NULL;
    }
    return found;
}

/* Once all are counted. */
static void take_files(struct files *files)
{
    for (uint32_t i = 1; i <= files->arena->header->file_used; i++) {
        if (files->arena->files[i].inode)
            take_file(files, &files->index[i]);
    }
}

static int open_parts(struct files *files)
{
    struct arena_header *header = files->arena->header;
    int error;

    files->index = mmap(NULL, (header->file_max + 1ul) * sizeof *files->index, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (files->index == MAP_FAILED)
        return -errno;
    pthread_mutex_init(&files->opens_lock, NULL);
    pthread_mutex_init(&files->events_lock, NULL);
    changes_take_over(files->arena);
    lists_open(files);
    wishes_open(&files->wishes, &header->stalls);
    shares_open(files);
    error = snapshots_open(files);
    if (error)
        return error;
    tail_open(&files->tail, &header->journal, header->file_used > 0);
    error = slots_open(&files->slots, &header->file_used, header->file_max);
    return error ? error : ahead_open(files);
}

int files_open(struct files *files, void (*committed)(void *context, uint32_t file), void *context)
{
    int error = open_parts(files);

    if (!error)
        error = commit_open(files, committed, context);
    if (!error)
        error = sweep_open(files);
    if (error)
        return error;
    files->take_over = take_over;
    files->searches = SEARCHES_MAX;
    inodes_find_damage(files->inodes);
    take_records(files);
    count_frames(files);
    check_handles(files);
    if (find_damage(files))
        drop_frames(files);
    error = sort_frames(files);
    if (error)
        return error;
    take_files(files);
    take_handles(files);
    return 0;
}
