/* Writing the log.
 *
 * 1. A chunk's place is fixed by journal_reserve, under the lock: places follow each other without gaps.
 * 2. A COMMIT is published after a flush that began when it and all chunks before it were written, and after all of these are settled
 *    (a DATA chunk when its write is done, a COMMIT when it is published itself). So the published log has no holes, and one commit
 *    may be written while another's flush is under way.
 * 3. What is published is never written over before the superblock with a later tail is durable.
 * 4. The tail is never between a commit and what was written ahead for it.
 * 5. A write that failed poisons the log: nothing behind it can be published. journal_rollback waits until nobody is writing, then
 *    starts a new epoch at the published head; places reserved earlier are refused from then on. The error of a DATA chunk is that of a commit
 *    behind it; others' errors are their own.
 * 6. The superblock is written over none but our own. Once it was another's, nothing is published any more.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "journal/chunk.h"
#include "journal/writing.h"

#define NAMES_ROOM 64 /* this part of the log is left for changes of names */

void log_move(struct journal_state *state, struct journal_point point)
{
    uint32_t other = (atomic_load_explicit(&state->current, memory_order_relaxed) & 1) ^ 1;
    state->points[other] = point;
    atomic_store_explicit(&state->current, other, memory_order_release);
}

void log_go_on_at(struct journal_state *state, uint64_t position)
{
    struct journal_point point = *log_point(state);
    point.head = point.tail = position;
    point.tail_number = point.next_number;
    log_move(state, point);
}

bool journal_published(const struct journal_state *state, uint64_t position)
{
    uint32_t current = atomic_load_explicit(&state->current, memory_order_acquire) & 1;
    return position < state->points[current].committed;
}

void log_start_at_head(struct journal *journal)
{
    const struct journal_point *point = log_point(journal->state);
    journal->next_position = point->head;
    journal->next_number = point->next_number;
    journal->epoch_number = point->next_number;
    journal->written_number = journal->settled_number = point->next_number;
    memset(journal->marks, 0, journal->slots * sizeof(*journal->marks));
    journal->next_sequence = point->sequence + 1;
    journal->committing = 0;
    journal->poison = 0;
    spans_forget_open(&journal->spans);
}

int log_write_superblock(struct journal *journal, struct superblock *superblock)
{
    int result = superblock_write(journal->store, journal->fd, &journal->superblock, superblock);
    if (result == -ESTALE && journal->lost != NULL)
        journal->lost();
    if (result == 0)
        journal->superblock = *superblock;
    return result;
}

int log_write_tail(struct journal *journal, uint64_t tail, uint64_t tail_number)
{
    struct superblock superblock = journal->superblock;
    pthread_mutex_lock(&journal->lock);
    struct journal_point point = *log_point(journal->state);
    superblock.epoch = journal->state->epoch;
    pthread_mutex_unlock(&journal->lock);
    superblock.epoch_number = point.next_number;
    superblock.tail = tail;
    superblock.tail_number = tail_number;
    if (tail >= point.committed)
        superblock.sequence = point.sequence;
    int result = log_write_superblock(journal, &superblock);
    if (result == 0)
        journal->unfenced = false;
    return result;
}

int log_fence(struct journal *journal)
{
    pthread_mutex_lock(&journal->release_lock);
    journal->unfenced = true;
    int result = log_write_tail(journal, journal->superblock.tail, journal->superblock.tail_number);
    pthread_mutex_unlock(&journal->release_lock);
    return result;
}

int log_fence_if_needed(struct journal *journal)
{
    return journal->unfenced ? log_fence(journal) : 0;
}

uint64_t journal_chunk_length(const struct journal_chunk *chunk)
{
    uint64_t length = chunk_header_length(chunk);
    for (uint32_t i = 0; i < chunk->page_count; i++)
        length += chunk->pages[i].kind == JOURNAL_DATA ? FORMAT_BLOCK : 0;
    return length;
}

/* Names change also when the log is full for commits. */
static uint64_t room_left(const struct journal *journal, const struct journal_chunk *chunk)
{
    return chunk->type == JOURNAL_CHUNK_NAMES ? 0 : journal->capacity / NAMES_ROOM / FORMAT_BLOCK * FORMAT_BLOCK;
}

int log_check_size(const struct journal *journal, const struct journal_chunk *chunk)
{
    return journal_chunk_length(chunk) + room_left(journal, chunk) > journal->capacity ? -EFBIG : 0;
}

int log_reserve(struct journal *journal, struct journal_chunk *chunk)
{
    uint64_t length = journal_chunk_length(chunk);
    int result = 0;
    pthread_mutex_lock(&journal->lock);
    while (journal->rolling_back)
        pthread_cond_wait(&journal->changed, &journal->lock);
    if (chunk->stream_epoch != 0 && chunk->stream_epoch != journal->state->epoch) {
        result = -ECANCELED;
    } else if (journal->next_position + length + room_left(journal, chunk) - log_point(journal->state)->tail > journal->capacity) {
        result = -ENOSPC;
    } else if (chunk->type == JOURNAL_CHUNK_DATA) {
        result = spans_open(&journal->spans, chunk, journal->next_position, journal->next_number);
    }
    if (result == 0) {
        chunk->position = journal->next_position;
        chunk->length = length;
        chunk->number = journal->next_number++;
        chunk->epoch = journal->state->epoch;
        journal->next_position += length;
        if (chunk->type == JOURNAL_CHUNK_COMMIT) {
            chunk->sequence = journal->next_sequence++;
            chunk->under_way = chunk->sequence - 1 - log_point(journal->state)->sequence;
            journal->committing = journal->next_position;
        }
    }
    pthread_mutex_unlock(&journal->lock);
    return result;
}

/* With the lock held. */
static bool is_stale(const struct journal *journal, const struct journal_chunk *chunk)
{
    return journal->rolling_back || chunk->epoch != journal->state->epoch;
}

/* A place reserved before the last rollback is no longer the chunk's. */
int log_begin(struct journal *journal, const struct journal_chunk *chunk)
{
    pthread_mutex_lock(&journal->lock);
    int result = is_stale(journal, chunk) ? -ECANCELED : journal->poison;
    if (result == 0)
        journal->writing++;
    pthread_mutex_unlock(&journal->lock);
    return result;
}

void log_mark(struct journal *journal, uint64_t number, int marks)
{
    journal->marks[number % journal->slots] |= marks;
    while (journal->marks[journal->written_number % journal->slots] & CHUNK_WRITTEN)
        journal->written_number++;
    while (journal->marks[journal->settled_number % journal->slots] & CHUNK_SETTLED)
        journal->marks[journal->settled_number++ % journal->slots] = 0;
    pthread_cond_broadcast(&journal->changed);
}

void log_end(struct journal *journal, const struct journal_chunk *chunk, int marks, int result)
{
    pthread_mutex_lock(&journal->lock);
    journal->writing--;
    if (result == 0)
        log_mark(journal, chunk->number, marks);
    else if (journal->poison == 0)
        journal->poison = chunk->type == JOURNAL_CHUNK_DATA ? result : -ECANCELED;
    pthread_cond_broadcast(&journal->changed);
    pthread_mutex_unlock(&journal->lock);
}

int log_wait(struct journal *journal, const struct journal_chunk *chunk, const uint64_t *reached)
{
    while (*reached < chunk->number && journal->poison == 0 && !is_stale(journal, chunk))
        pthread_cond_wait(&journal->changed, &journal->lock);
    if (is_stale(journal, chunk))
        return -ECANCELED;
    return *reached < chunk->number ? journal->poison : 0;
}

int log_wait_for_earlier(struct journal *journal, const struct journal_chunk *chunk)
{
    pthread_mutex_lock(&journal->lock);
    int result = log_wait(journal, chunk, &journal->settled_number);
    pthread_mutex_unlock(&journal->lock);
    return result;
}

void log_publish(struct journal *journal, const struct journal_chunk *chunk)
{
    struct journal_point point = *log_point(journal->state);
    point.head = chunk->position + chunk->length;
    point.next_number = chunk->number + 1;
    if (chunk->type == JOURNAL_CHUNK_COMMIT) {
        point.committed = point.head;
        point.sequence = chunk->sequence;
        if (journal->committing == point.head)
            journal->committing = 0;
    }
    if (chunk->type == JOURNAL_CHUNK_NAMES)
        journal->state->last_names = chunk->position;
    log_move(journal->state, point);
    if (chunk->type == JOURNAL_CHUNK_COMMIT)
        spans_close(&journal->spans, chunk);
}

void journal_rollback(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    if (journal->rolling_back) {
        while (journal->rolling_back)
            pthread_cond_wait(&journal->changed, &journal->lock);
    } else {
        journal->rolling_back = true;
        pthread_cond_broadcast(&journal->changed);
        while (journal->writing > 0)
            pthread_cond_wait(&journal->changed, &journal->lock);
        journal->state->epoch++;
        journal->unfenced = true;
        log_start_at_head(journal);
        pthread_mutex_unlock(&journal->lock);
        log_fence(journal);
        pthread_mutex_lock(&journal->lock);
        journal->rolling_back = false;
        pthread_cond_broadcast(&journal->changed);
    }
    pthread_mutex_unlock(&journal->lock);
}
