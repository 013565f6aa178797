#include "config.h"

#include "file/transaction.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/ahead.h"
#include "cache/seal.h"
#include "file/carry.h"
#include "file/checkpoint.h"
#include "file/damage.h"
#include "file/metadata.h"
#include "file/page.h"
#include "file/record.h"
#include "file/snapshot.h"
#include "file/unchanged.h"
#include "file/version.h"
#include "journal/grow.h"
#include "log.h"
#include "usdt.h"

void transaction_begin(struct transaction *transaction)
{
    transaction->part_count = transaction->page_count = transaction->weight = 0;
}

/* ---- before the commit point ---- */

static void mark_failed(struct files *files, struct file_index *index, int error)
{
    char text[INODE_TEXT_BYTES];

    if (!file_is_damaged(file_truth(files, index)))
        file_truth(files, index)->error = -error;
    atomic_fetch_add(&files->arena->header->counters.write_errors, 1);
    log_limited(&files->error_logged, "%s: cannot be committed: %s; its pages are kept, and every sync of it fails until it can",
                inode_text(files->inodes, file_truth(files, index)->inode, text), strerror(-error));
}

/* Undo take_part: the pages are received again, and the next sync tries again (invariant 6). -EAGAIN: nothing failed. */
static void put_back(struct files *files, const struct part *part, int error)
{
    struct file_index *index = &files->index[part->file];
    struct frame_index *frame, *next;

    ahead_alone(files);
    file_lock(files, index);
    TAILQ_FOREACH_SAFE (frame, &index->view.lists[FRAME_COMMITTING], link, next) {
        frame->stream_epoch = 0;
        atomic_store(&frame_truth(files->frames, frame)->position, 0); /* or a later commit's publishing would publish it */
        if (error != -EAGAIN)
            page_set_failed(index, frame, true);
        page_move(files, index, frame, frame->in_view ? FRAME_RECEIVED : FRAME_FREE);
    }
    version_abort(files, index, part->void_from);
    ahead_end(index);
    if (error != -EAGAIN)
        mark_failed(files, index, error);
    pthread_mutex_unlock(&index->lock);
    ahead_not_alone(files);
}

/* Another waiter of this transaction has the file. */
static int share(const struct transaction *transaction, uint32_t number, bool group, bool *again)
{
    for (uint32_t i = 0; i < transaction->part_count; i++) {
        if (transaction->parts[i].file == number && !transaction->parts[i].whole) {
            *again = true;
            return group ? -EAGAIN : 0;
        }
    }
    return 0;
}

/* Takes what the file has received into the transaction. Returns 1 when there is something, 0 when not, -EAGAIN when it must wait for the
 * next transaction, -errno. waiter->again: there is more than one commit can hold; a default file takes several, but not in a `group`, all of whose files
 * get the commit's number, those without changes too. */
static int take_part(struct files *files, struct transaction *transaction, uint32_t number, struct commit_waiter *waiter,
                     bool group)
{
    struct file_index *index = &files->index[number];
    struct file *file = &files->arena->files[number];
    bool divisible = !group && !(file->flags & FILE_ATOMIC);
    uint32_t limit = ahead_pages_limit(files, divisible), used, room;
    struct frame_index *frame;
    struct part *part = &transaction->parts[transaction->part_count];
    struct journal_file *entry = &transaction->files[transaction->part_count];
    bool whole;

    ahead_lock_for_commit(files, index, limit);
    if (index->versions.committing) {
        pthread_mutex_unlock(&index->lock);
        return share(transaction, number, group, &waiter->again);
    }
    if (waiter->carries)
        carry_pages(files, index);
    if (file->flags & (FILE_TORN | FILE_DAMAGED)) {
        pthread_mutex_unlock(&index->lock);
        return file_is_damaged(file) ? -EUCLEAN : -ENOSPC;
    }
    if (!group && !version_has_changes(index)) {
        pthread_mutex_unlock(&index->lock);
        return 0;
    }
    if (!waiter->carries)
        unchanged_drop(files, index);
    used = transaction->weight + index->view.counts[FRAME_COMMITTING];
    room = limit > used ? limit - used : 0;
    whole = index->view.counts[FRAME_RECEIVED] <= room;
    waiter->again |= !whole;
    if (!whole)
        wish(&files->wishes, WISH_JOURNAL);
    if (!whole && (transaction->part_count || !divisible)) {
        pthread_mutex_unlock(&index->lock);
        return transaction->part_count ? -EAGAIN : -EFBIG;
    }
    if (whole)
        page_move_all(files, index, FRAME_RECEIVED, FRAME_COMMITTING);
    for (uint32_t i = 0; i < room && (frame = TAILQ_FIRST(&index->view.lists[FRAME_RECEIVED])); i++)
        page_move(files, index, frame, FRAME_COMMITTING);
    transaction->weight += index->view.counts[FRAME_COMMITTING];
    *part = (struct part){.file = number, .whole = whole};
    version_begin(files, index, whole, entry, &part->void_from);
    inode_identity(files->inodes, file->inode, &entry->identity);
    pthread_mutex_unlock(&index->lock);
    transaction->part_count++;
    return 1;
}

static uint32_t owner_of(int fd)
{
    struct stat stat;

    return fstat(fd, &stat) ? JOURNAL_NO_OWNER : stat.st_uid;
}

/* Invariant 7 after a power cut: blocks reserved for the commit are there when recovery needs them. Where the store has room for all that the
 * journal can hold, recovery reserves them anew; else they are flushed first, when it begins to be so all of them. */
static bool space_is_scarce(struct files *files, struct transaction *transaction)
{
    bool scarce = file_room_is_scarce(files);

    if (scarce && !transaction->space_was_scarce && syncfs(files->inodes->store))
        return true; /* this one file's are flushed; the others' the next time */
    transaction->space_was_scarce = scarce;
    return scarce;
}

static int make_ready(struct files *files, struct transaction *transaction, uint32_t part)
{
    uint32_t number = transaction->parts[part].file, inode = files->arena->files[number].inode;
    struct file_index *index = &files->index[number];
    struct descriptor *descriptor;
    bool reserved = false;
    int error = file_open(files, index, FRAME_COMMITTING, &descriptor);

    if (error)
        return error;
    transaction->files[part].owner = owner_of(descriptor->fd);
    file_lock(files, index);
    error = file_reserve_blocks(files, index, descriptor->fd, FRAME_COMMITTING, &reserved);
    pthread_mutex_unlock(&index->lock);
    if (!error && (metadata_is_unsynced(files, inode) || (reserved && space_is_scarce(files, transaction))))
        error = metadata_flush_open(files, inode, descriptor->fd);
    descriptor_put(files->descriptors, descriptor);
    return error;
}

static int add_page(struct files *files, struct transaction *transaction, uint32_t part, const struct frame_index *frame)
{
    bool hole = frame_truth(files->frames, frame)->flags & FRAME_HOLE;

    if (!grow(&transaction->pages, &transaction->page_max, transaction->page_count + 1, sizeof *transaction->pages))
        return -ENOMEM;
    transaction->pages[transaction->page_count++] = (struct journal_page){
        .file = part,
        .kind = hole ? JOURNAL_HOLE : JOURNAL_DATA,
        .page = frame->page,
        .count = 1,
        .data = hole ? NULL : frame_memory(files->frames, frame),
    };
    return 0;
}

static int add_pages(struct files *files, struct transaction *transaction, uint32_t part)
{
    struct file_index *index = &files->index[transaction->parts[part].file];
    uint32_t epoch = journal_epoch(files->journal);
    const struct frame_index *frame;
    int error = 0;

    file_lock(files, index);
    TAILQ_FOREACH (frame, &index->view.lists[FRAME_COMMITTING], link) {
        if (!error && frame->stream_epoch != epoch)
            error = add_page(files, transaction, part, frame);
    }
    pthread_mutex_unlock(&index->lock);
    return error;
}

/* Whether any of its files has something to commit. */
static bool is_needed(struct files *files, const struct commit_waiter *waiter)
{
    bool needed = false;

    for (uint32_t i = 0; i < waiter->count && !needed; i++) {
        struct file_index *index = &files->index[waiter->files[i]];

        file_lock(files, index);
        needed = version_has_changes(index);
        pthread_mutex_unlock(&index->lock);
    }
    return needed;
}

/* The record that the timer found may have become an atomic file's meanwhile, of which only programs make commits. */
static bool is_stale(const struct files *files, const struct commit_waiter *waiter, uint32_t number)
{
    return waiter->by_timer && files->arena->files[number].flags & FILE_ATOMIC;
}

/* A waiter's files come into the transaction, or none of them does. */
void transaction_take(struct files *files, struct transaction *transaction, struct commit_waiter *waiter)
{
    uint32_t first = transaction->part_count, weight = transaction->weight;
    bool group = waiter->count > 1 && is_needed(files, waiter);
    int error;

    waiter->again = waiter->joined = false;
    error = waiter->flush_inode ? metadata_flush(files, waiter->flush_inode) : 0;
    if (!grow(&transaction->parts, &transaction->part_max, first + waiter->count, sizeof *transaction->parts) ||
        !grow(&transaction->files, &transaction->file_max, first + waiter->count, sizeof *transaction->files))
        error = -ENOMEM;
    for (uint32_t i = 0; i < waiter->count && !error; i++) {
        uint32_t number = waiter->files[i], inode = files->arena->files[number].inode;
        int taken = is_stale(files, waiter, number) ? 0 : take_part(files, transaction, number, waiter, group);

        if (taken < 0)
            error = taken;
        else if (taken > 0)
            error = make_ready(files, transaction, transaction->part_count - 1);
        else if (inode && metadata_is_unsynced(files, inode))
            error = metadata_flush(files, inode);
        if (taken > 0 && !error)
            error = add_pages(files, transaction, transaction->part_count - 1);
        waiter->joined |= files->index[number].versions.committing; /* there is one transaction at a time */
    }
    if (error) {
        while (transaction->part_count > first) {
            transaction->part_count--;
            while (transaction->page_count && transaction->pages[transaction->page_count - 1].file == transaction->part_count)
                transaction->page_count--;
            put_back(files, &transaction->parts[transaction->part_count], error);
        }
        transaction->weight = weight;
        if (error == -EAGAIN && !first) /* alone, and too large */
            error = -EFBIG;
    }
    waiter->result.error = error;
}

/* ---- the commit point ---- */

static bool has_stream(const struct journal_chunk *chunk)
{
    for (uint32_t i = 0; i < chunk->file_count; i++) {
        if (chunk->files[i].stream)
            return true;
    }
    return false;
}

/* What the files are called now: recovery goes by it where the store was copied. */
static void find_paths(struct files *files, struct transaction *transaction)
{
    bool room = grow(&transaction->paths, &transaction->path_max, transaction->part_count, sizeof *transaction->paths);

    for (uint32_t i = 0; i < transaction->part_count; i++) {
        uint32_t inode = files->arena->files[transaction->parts[i].file].inode;
        struct journal_file *entry = &transaction->files[i];

        entry->unnamed = files->arena->inodes[inode].flags & INODE_UNLINKED;
        entry->path =
            room && !entry->unnamed && inode_path(files->inodes, inode, transaction->paths[i]) ? transaction->paths[i] : NULL;
    }
}

/* No name changes from when the paths are found to when the chunk has its place. */
static int reserve_with_paths(struct files *files, struct transaction *transaction, struct journal_chunk *chunk)
{
    int error;

    journal_paths_begin(files->journal);
    find_paths(files, transaction);
    error = journal_reserve(files->journal, chunk);
    journal_paths_end(files->journal);
    return error;
}

/* Room in the journal: where there is none, a checkpoint makes it (invariant 4). -EAGAIN: where the commit's own streams hold the tail,
 * nothing can: it is made again without them. */
static int reserve(struct files *files, struct transaction *transaction, struct journal_chunk *chunk)
{
    int error;

    while ((error = reserve_with_paths(files, transaction, chunk)) == -ENOSPC) {
        if (has_stream(chunk))
            return -EAGAIN;
        error = wish_round(&files->wishes, WISH_CHECKPOINT | WISH_NO_STREAMS);
        if (error)
            break;
        ahead_roll_back(files);
    }
    return error;
}

/* Truth first: with the position set, publishing the commit in the journal publishes all of it, and what the feed tells of it. */
static void set_positions(struct files *files, struct transaction *transaction, const struct journal_chunk *chunk)
{
    uint64_t position = position_seal(chunk->position);
    struct changes *changes = &transaction->changes;

    changes_begin(changes, files->arena, chunk, journal_sequence(files->journal) + 1);
    for (uint32_t i = 0; i < transaction->part_count; i++) {
        struct file_index *index = &files->index[transaction->parts[i].file];
        const struct file *file = file_truth(files, index);
        struct frame_index *frame;
        uint64_t before;

        file_lock(files, index);
        TAILQ_FOREACH (frame, &index->view.lists[FRAME_COMMITTING], link) {
            struct frame *truth = frame_truth(files->frames, frame);

            atomic_store_explicit(&truth->position, position, memory_order_relaxed);
            changes_page(changes, frame->page, truth->flags & FRAME_HOLE);
        }
        before = file->commits[index->versions.last].size;
        version_place(files, index, chunk);
        pthread_mutex_unlock(&index->lock);
        changes_file(changes, &transaction->files[i], files->arena->inodes[file->inode].generation, before);
    }
    changes_end(changes, chunk);
}

/* What this commit replaced need not be written to the store any more: its journal copy is newer. */
static void drop_older(struct files *files, struct file_index *index, struct frame_index *frame)
{
    struct frame_index *older = page_older(files, index, frame);

    if (older && older->state == FRAME_COMMITTED)
        page_move(files, index, older, FRAME_FREE);
    frame->older = 0;
}

/* Invariant 8: what the commit's truncation cut off. */
static void drop_void(struct files *files, struct file_index *index, uint64_t void_from)
{
    struct frame_index *frame, *next;

    TAILQ_FOREACH_SAFE (frame, &index->view.lists[FRAME_COMMITTED], link, next) {
        if (frame->page << PAGE_SHIFT >= void_from)
            page_move(files, index, frame, FRAME_FREE);
    }
    TAILQ_FOREACH (frame, &index->view.lists[FRAME_WRITEBACK], link) {
        if (frame->page << PAGE_SHIFT >= void_from)
            atomic_fetch_or(&frame_truth(files->frames, frame)->flags, FRAME_VOID);
    }
    if (index->blocks.until > void_from)
        index->blocks.until = void_from;
}

static void publish(struct files *files, const struct part *part, const struct journal_chunk *chunk)
{
    struct file_index *index = &files->index[part->file];
    struct file *file = &files->arena->files[part->file];
    struct frame_index *frame;
    uint64_t pages;

    file_lock(files, index);
    pages = index->view.counts[FRAME_COMMITTING];
    if (part->void_from != UINT64_MAX)
        drop_void(files, index, part->void_from);
    TAILQ_FOREACH (frame, &index->view.lists[FRAME_COMMITTING], link) {
        if (frame->older)
            drop_older(files, index, frame);
        if (frame->failed && !index->versions.carried)
            page_set_failed(index, frame, false);
    }
    page_move_all(files, index, FRAME_COMMITTING, FRAME_COMMITTED);
    if (!index->view.failed && !file_is_damaged(file))
        file->error = 0;
    version_publish(files, index, part->void_from, chunk);
    ahead_end(index); /* not before `needed` holds the journal's tail in its place */
    pthread_mutex_unlock(&index->lock);
    atomic_fetch_add_explicit(&files->arena->header->counters.pages_committed, pages, memory_order_relaxed);
}

int transaction_commit(struct files *files, struct transaction *transaction, struct commit_result *result)
{
    struct journal_chunk chunk = {
        .type = JOURNAL_CHUNK_COMMIT,
        .files = transaction->files,
        .file_count = transaction->part_count,
        .pages = transaction->pages,
        .page_count = transaction->page_count,
        .time = time_unpack(time_now()),
    };
    int error;

    USDT(commit__begin, chunk.file_count, chunk.page_count);
    for (uint32_t i = 0; i < transaction->part_count; i++)
        snapshot_expect(files, transaction->parts[i].file);
    error = reserve(files, transaction, &chunk);
    if (!error) {
        set_positions(files, transaction, &chunk);
        error = journal_commit(files->journal, &chunk);
    }
    for (uint32_t i = 0; i < transaction->part_count && !error; i++)
        snapshot_keep(files, transaction->parts[i].file, transaction->parts[i].void_from);
    for (uint32_t i = 0; i < transaction->part_count; i++) {
        if (error)
            put_back(files, &transaction->parts[i], error);
        else
            publish(files, &transaction->parts[i], &chunk);
    }
    changes_done(files->arena, error); /* who sees it in the feed sees it of the file */
    if (!error)
        tail_remember(&files->tail, &chunk);
    if (checkpoint_is_due(files))
        wish(&files->wishes, WISH_CHECKPOINT);
    log_line(LOG_TRACE, "commit %llu of %u files, %u pages: %s", (unsigned long long)chunk.sequence, chunk.file_count,
             chunk.page_count, error ? strerror(-error) : "durable");
    USDT(commit__end, chunk.sequence, error);
    result->sequence = chunk.sequence;
    result->time = time_pack(chunk.time);
    if (!error)
        atomic_fetch_add_explicit(&files->arena->header->counters.commits, 1, memory_order_relaxed);
    return error;
}
