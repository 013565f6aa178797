/* Streams: pages journaled ahead of their commit, so that a large one need not wait for the end. */
#include "config.h"

#include "file/ahead.h"

#include <errno.h>
#include <stdlib.h>

#include "file/page.h"

uint32_t ahead_pages_limit(const struct files *files, bool divisible)
{
    uint32_t pages = journal_size(files->journal) / PAGE_BYTES;

    return divisible ? pages / 2 : pages / 8 * 7;
}

bool ahead_is_in_the_way(struct files *files, const struct file_index *index, uint32_t pages)
{
    uint64_t size = journal_size(files->journal), head = files->released + journal_used(files->journal);

    return index->stream && head - index->stream_position + (uint64_t)pages * PAGE_BYTES > size / 16 * 15;
}

bool ahead_lock_file(struct files *files, struct file_index *index)
{
    for (;;) {
        bool stream = index->stream;

        if (stream)
            pthread_rwlock_wrlock(&files->ahead_lock);
        pthread_mutex_lock(&index->lock);
        if (stream || !index->stream)
            return stream;
        pthread_mutex_unlock(&index->lock);
    }
}

#define AHEAD_PAGES 1024u

/* The file's lock is held from choosing the frames until their place in the journal is fixed, so that a commit which finds them
 * journaled comes after them in the log. */
static int reserve_ahead(struct files *files, struct file_index *index, struct journal_chunk *chunk, struct journal_page *pages)
{
    struct frame_index *frame, *chosen[AHEAD_PAGES];
    uint32_t count = 0;
    int error;

    TAILQ_FOREACH (frame, &index->lists[FRAME_RECEIVED], link) {
        if (frame_truth(files->frames, frame)->flags & FRAME_HOLE)
            continue;
        pages[count] = (struct journal_page){
            .kind = JOURNAL_DATA, .page = frame->page, .count = 1, .data = frame_memory(files->frames, frame)};
        chosen[count++] = frame;
        if (count == AHEAD_PAGES)
            break;
    }
    chunk->page_count = count;
    error = journal_reserve(files->journal, chunk);
    if (error)
        return error;
    for (uint32_t i = 0; i < count; i++) {
        page_move(files, index, chosen[i], FRAME_COMMITTING);
        chosen[i]->stream_epoch = index->stream_epoch;
    }
    return 0;
}

/* Neighbours in memory are one vector of the write. */
static int by_memory(const void *a, const void *b)
{
    const char *first = ((const struct journal_page *)a)->data, *second = ((const struct journal_page *)b)->data;

    return first < second ? -1 : first > second;
}

void ahead_journal(struct files *files, uint32_t number)
{
    struct file_index *index = &files->index[number];
    struct journal_page pages[AHEAD_PAGES];
    struct journal_file entry = {0};
    struct journal_chunk chunk = {.type = JOURNAL_CHUNK_DATA, .files = &entry, .file_count = 1, .pages = pages};
    uint32_t epoch;
    int error = -EBUSY;

    pthread_rwlock_rdlock(&files->ahead_lock);
    pthread_mutex_lock(&index->lock);
    epoch = journal_epoch(files->journal);
    /* After a rollback what was journaled goes with the commit's own pages, which come after the stream's: older ones after newer ones. */
    index->ahead_full = index->committing_file || index->stream_void || (index->stream && index->stream_epoch != epoch) ||
                        index->counts[FRAME_COMMITTING] >= ahead_pages_limit(files, true) / 2;
    if (!index->ahead_full && index->counts[FRAME_RECEIVED]) {
        bool first = !index->stream;

        if (first) {
            index->stream = ++files->next_stream;
            index->stream_epoch = epoch;
        }
        entry.stream = index->stream;
        inode_identity(files->inodes, file_truth(files, index)->inode, &entry.identity);
        error = reserve_ahead(files, index, &chunk, pages);
        if (!error && (first || chunk.position < index->stream_position)) /* less: the journal was rolled back */
            index->stream_position = chunk.position;
        if (error && first)
            index->stream = 0;
        index->ahead_full = error != 0;
    }
    pthread_mutex_unlock(&index->lock);
    if (!error) {
        qsort(pages, chunk.page_count, sizeof pages[0], by_memory);
        journal_write(files->journal, &chunk); /* a failure is told by the commit that names the stream */
    }
    pthread_rwlock_unlock(&files->ahead_lock);
}

bool ahead_claim(struct files *files, uint32_t number)
{
    const struct file_index *index = &files->index[number];

    if (index->counts[FRAME_RECEIVED] < AHEAD_PAGES || index->ahead_full)
        return false;
    if (atomic_fetch_add(&files->ahead_threads, 1) < files->options->threads / 2)
        return true;
    atomic_fetch_sub(&files->ahead_threads, 1);
    return false;
}

void ahead_of_commit(struct files *files, uint32_t number)
{
    ahead_journal(files, number);
    atomic_fetch_sub(&files->ahead_threads, 1);
}

void ahead_abandon(struct files *files, struct file_index *index)
{
    struct frame_index *frame, *next;

    if (index->committing_file)
        return;
    TAILQ_FOREACH_SAFE (frame, &index->lists[FRAME_COMMITTING], link, next) {
        frame->stream_epoch = 0;
        page_move(files, index, frame, frame->in_view ? FRAME_RECEIVED : FRAME_FREE);
    }
    index->stream = 0;
    index->stream_void = false;
}

void ahead_forget(struct files *files)
{
    pthread_rwlock_wrlock(&files->ahead_lock);
    journal_rollback(files->journal);
    pthread_rwlock_unlock(&files->ahead_lock);
}
