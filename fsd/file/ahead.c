/* Streams: pages journaled ahead of their commit, so that a large one need not wait for the end. */
#include "config.h"

#include "file/ahead.h"

#include <errno.h>
#include <stdlib.h>

#include "file/lists.h"
#include "file/page.h"
#include "file/record.h"

struct ahead {
    pthread_rwlock_t lock;    /* ahead.h */
    _Atomic uint32_t threads; /* serving threads that journal ahead */
    _Atomic uint64_t next_stream;
};

uint32_t ahead_pages_limit(const struct files *files, bool divisible)
{
    uint32_t pages = journal_size(files->journal) / PAGE_BYTES;

    return divisible ? pages / 2 : pages / 8 * 7;
}

static bool is_in_the_way(struct files *files, const struct file_index *index, uint32_t pages)
{
    uint64_t size = journal_size(files->journal);

    return index->stream.number &&
           journal_end(files->journal) - index->stream.position + (uint64_t)pages * PAGE_BYTES > size / 16 * 15;
}

void ahead_alone(struct files *files)
{
    pthread_rwlock_wrlock(&files->ahead->lock);
}

void ahead_not_alone(struct files *files)
{
    pthread_rwlock_unlock(&files->ahead->lock);
}

/* So that its stream can be let go: not while pages are being journaled ahead. True: ahead_not_alone must follow. */
static bool lock_file(struct files *files, struct file_index *index)
{
    for (;;) {
        bool stream = index->stream.number;

        if (stream)
            ahead_alone(files);
        file_lock(files, index);
        if (stream || !index->stream.number)
            return stream;
        pthread_mutex_unlock(&index->lock);
    }
}

/* lock_file's locks are held. */
static void abandon(struct files *files, struct file_index *index)
{
    struct frame_index *frame, *next;

    if (index->versions.committing)
        return;
    TAILQ_FOREACH_SAFE (frame, &index->view.lists[FRAME_COMMITTING], link, next) {
        frame->stream_epoch = 0;
        page_move(files, index, frame, frame->in_view ? FRAME_RECEIVED : FRAME_FREE);
    }
    index->stream.number = 0;
    index->stream.is_void = false;
}

void ahead_abandon_file(struct files *files, struct file_index *index)
{
    bool alone = lock_file(files, index);

    abandon(files, index);
    if (alone)
        ahead_not_alone(files);
}

void ahead_lock_for_commit(struct files *files, struct file_index *index, uint32_t pages)
{
    bool alone = lock_file(files, index);

    if (index->stream.is_void || is_in_the_way(files, index, pages))
        abandon(files, index);
    if (alone)
        ahead_not_alone(files);
}

void ahead_end(struct file_index *index)
{
    index->stream.number = 0;
    index->stream.is_void = false;
    index->stream.full_at = 0;
}

#define AHEAD_PAGES 1024u

/* The file's lock is held from choosing the frames until their place in the journal is fixed, so that a commit which finds them
 * journaled comes after them in the log. */
static int reserve_ahead(struct files *files, struct file_index *index, struct journal_chunk *chunk, struct journal_page *pages)
{
    struct frame_index *frame, *chosen[AHEAD_PAGES];
    uint32_t count = 0;
    int error;

    TAILQ_FOREACH (frame, &index->view.lists[FRAME_RECEIVED], link) {
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
        chosen[i]->stream_epoch = index->stream.epoch;
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
    uint64_t size;
    uint32_t epoch;
    int error = -EBUSY;
    bool full;

    pthread_rwlock_rdlock(&files->ahead->lock);
    file_lock(files, index);
    epoch = journal_epoch(files->journal);
    /* After a rollback what was journaled goes with the commit's own pages, which come after the stream's: older ones after newer ones. */
    size = journal_size(files->journal);
    full = index->versions.committing || index->stream.is_void || (index->stream.number && index->stream.epoch != epoch) ||
           index->view.counts[FRAME_COMMITTING] >= ahead_pages_limit(files, true) / 2;
    if (!full && index->view.counts[FRAME_RECEIVED]) {
        bool first = !index->stream.number;

        if (first) {
            index->stream.position = 0; /* not known yet: the tail stays until it is */
            index->stream.number = ++files->ahead->next_stream;
            index->stream.epoch = epoch;
        }
        entry.stream = index->stream.number;
        inode_identity(files->inodes, file_truth(files, index)->inode, &entry.identity);
        error = reserve_ahead(files, index, &chunk, pages);
        if (!error && (first || chunk.position < index->stream.position)) /* less: the journal was rolled back */
            index->stream.position = chunk.position;
        if (error && first)
            index->stream.number = 0;
        full = error != 0;
    }
    index->stream.full_at = full ? size : 0;
    pthread_mutex_unlock(&index->lock);
    if (error == -ENOSPC || index->view.counts[FRAME_COMMITTING] >= ahead_pages_limit(files, true) / 2)
        wish(&files->wishes, WISH_JOURNAL | WISH_CHECKPOINT); /* now: it goes on in a longer one */
    if (!error) {
        qsort(pages, chunk.page_count, sizeof pages[0], by_memory);
        journal_write(files->journal, &chunk); /* a failure is told by the commit that names the stream */
    }
    pthread_rwlock_unlock(&files->ahead->lock);
}

bool ahead_claim(struct files *files, uint32_t number)
{
    const struct file_index *index = &files->index[number];

    if (index->view.counts[FRAME_RECEIVED] < AHEAD_PAGES || index->stream.full_at == journal_size(files->journal))
        return false;
    if (atomic_fetch_add(&files->ahead->threads, 1) < files->options->threads / 2)
        return true;
    atomic_fetch_sub(&files->ahead->threads, 1);
    return false;
}

void ahead_of_commit(struct files *files, uint32_t number)
{
    ahead_journal(files, number);
    atomic_fetch_sub(&files->ahead->threads, 1);
}

static bool has_stream(const struct files *files, struct file_index *index, int64_t argument)
{
    (void)files, (void)argument;
    return index->stream.number && !index->versions.committing;
}

void ahead_abandon_all(struct files *files)
{
    uint32_t number;

    while (list_take(files, LIST_CHANGED, &number, 1, has_stream, 0)) {
        ahead_abandon_file(files, &files->index[number]);
        pthread_mutex_unlock(&files->index[number].lock);
        file_put(files, number);
    }
}

void ahead_roll_back(struct files *files)
{
    ahead_alone(files);
    journal_rollback(files->journal);
    ahead_not_alone(files);
}

int ahead_open(struct files *files)
{
    pthread_rwlockattr_t attributes;

    files->ahead = calloc(1, sizeof *files->ahead);
    if (!files->ahead)
        return -ENOMEM;
    pthread_rwlockattr_init(&attributes); /* or who lets a stream go might wait as long as pages come */
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&files->ahead->lock, &attributes);
    files->ahead->next_stream = (uint64_t)files->arena->header->journal.epoch
                                << 32; /* no stream of a dead worker's is ever named again */
    return 0;
}
