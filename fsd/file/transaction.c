#include "config.h"

#include "file/transaction.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/ahead.h"
#include "file/carry.h"
#include "file/checkpoint.h"
#include "file/damage.h"
#include "file/metadata.h"
#include "file/outcome.h"
#include "file/page.h"
#include "file/record.h"
#include "file/snapshot.h"
#include "file/unchanged.h"
#include "file/version.h"
#include "journal/grow.h"
#include "log.h"
#include "usdt.h"

void transaction_begin(struct files *files, struct transaction *transaction)
{
    transaction->epoch = journal_epoch(files->journal);
    transaction->part_count = transaction->page_count = transaction->weight = 0;
}

/* ---- before the commit point ---- */

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
        transaction->refused = used + index->view.counts[FRAME_RECEIVED];
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
static bool space_is_scarce(struct files *files)
{
    bool scarce = file_room_is_scarce(files);

    if (scarce && !files->space_was_scarce && syncfs(files->inodes->store))
        return true; /* this one file's are flushed; the others' the next time */
    files->space_was_scarce = scarce;
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
    if (!error && (metadata_is_unsynced(files, inode) || (reserved && space_is_scarce(files))))
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
    const struct frame_index *frame;
    int error = 0;

    file_lock(files, index);
    TAILQ_FOREACH (frame, &index->view.lists[FRAME_COMMITTING], link) {
        if (!error && frame->stream_epoch != transaction->epoch)
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
        waiter->joined |= files->index[number].versions.committing; /* no other transaction has one of its files */
    }
    if (error) {
        while (transaction->part_count > first) {
            transaction->part_count--;
            while (transaction->page_count && transaction->pages[transaction->page_count - 1].file == transaction->part_count)
                transaction->page_count--;
            outcome_take_back(files, &transaction->parts[transaction->part_count], error);
        }
        transaction->weight = weight;
        if (error == -EAGAIN && !first) /* alone, and too large */
            error = -EFBIG;
    }
    waiter->result.error = error;
}

/* ---- the commit point ---- */

static bool has_stream(const struct transaction *transaction)
{
    for (uint32_t i = 0; i < transaction->part_count; i++) {
        if (transaction->files[i].stream)
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
static int reserve_with_paths(struct files *files, struct transaction *transaction)
{
    int error;

    journal_paths_begin(files->journal);
    find_paths(files, transaction);
    error = journal_reserve(files->journal, &transaction->chunk);
    journal_paths_end(files->journal);
    return error;
}

int transaction_place_alone(struct files *files, struct transaction *transaction)
{
    int error;

    while ((error = reserve_with_paths(files, transaction)) == -ENOSPC) {
        if (has_stream(transaction))
            return -EAGAIN;
        error = wish_round(&files->wishes, WISH_CHECKPOINT | WISH_NO_STREAMS);
        if (error)
            break;
        ahead_roll_back(files);
    }
    return error;
}

int transaction_place(struct files *files, struct transaction *transaction)
{
    struct journal_chunk *chunk = &transaction->chunk;

    *chunk = (struct journal_chunk){
        .type = JOURNAL_CHUNK_COMMIT,
        .files = transaction->files,
        .file_count = transaction->part_count,
        .pages = transaction->pages,
        .page_count = transaction->page_count,
        .time = time_unpack(time_now()),
        .stream_epoch = has_stream(transaction) ? transaction->epoch : 0,
    };
    USDT(commit__begin, chunk->file_count, chunk->page_count);
    for (uint32_t i = 0; i < transaction->part_count; i++)
        snapshot_expect(files, transaction->parts[i].file);
    return reserve_with_paths(files, transaction);
}

int transaction_flush(struct files *files, struct transaction *transaction)
{
    return journal_flush(files->journal, &transaction->chunk);
}

static int publish(struct files *files, struct transaction *transaction)
{
    int error;

    outcome_prepare(files, transaction);
    error = journal_publish(files->journal, &transaction->chunk);
    for (uint32_t i = 0; i < transaction->part_count && !error; i++)
        snapshot_keep(files, transaction->parts[i].file, transaction->parts[i].void_from);
    for (uint32_t i = 0; i < transaction->part_count && !error; i++)
        outcome_publish(files, &transaction->parts[i], &transaction->chunk);
    changes_done(files->arena, error); /* who sees it in the feed sees it of the file */
    return error;
}

int transaction_end(struct files *files, struct transaction *transaction, int error, struct commit_result *result)
{
    const struct journal_chunk *chunk = &transaction->chunk;

    if (!error)
        error = publish(files, transaction);
    if (error == -ECANCELED)
        error = -EAGAIN;
    for (uint32_t i = 0; i < transaction->part_count && error; i++)
        outcome_take_back(files, &transaction->parts[i], error);
    if (!error)
        tail_remember(&files->tail, chunk);
    if (checkpoint_is_due(files))
        wish(&files->wishes, WISH_CHECKPOINT);
    log_line(LOG_TRACE, "commit %llu of %u files, %u pages: %s", (unsigned long long)chunk->sequence, chunk->file_count,
             chunk->page_count, error ? strerror(-error) : "durable");
    USDT(commit__end, chunk->sequence, error);
    result->sequence = chunk->sequence;
    result->time = time_pack(chunk->time);
    if (!error)
        atomic_fetch_add_explicit(&files->arena->header->counters.commits, 1, memory_order_relaxed);
    return error;
}
