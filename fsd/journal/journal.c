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
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "journal/change.h"
#include "journal/hold.h"
#include "journal/writing.h"
#include "journal/prepare.h"
#include "journal/reserve.h"
#include "journal/scan.h"

#define NAMES_ROOM 64 /* this part of the log is left for changes of names */
#define FIRST_EPOCH 1 /* 0 is the superblock's of a sealed log */

/* The other point is written, then one store makes it the current one: a reader in any process sees one or the other. */
static void publish(struct journal_state *state, struct journal_point point)
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
    publish(state, point);
}

bool journal_published(const struct journal_state *state, uint64_t position)
{
    uint32_t current = atomic_load_explicit(&state->current, memory_order_acquire) & 1;
    return position < state->points[current].committed;
}

static void start_at_head(struct journal *journal)
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

void journal_when_lost(struct journal *journal, void (*lost)(void))
{
    journal->lost = lost;
}

/* An empty log, whatever was written before; fills the state. */
static int start_fresh(struct journal *journal, int private_folder)
{
    struct superblock superblock = journal->superblock;
    int result = scan_finds_nothing(journal->fd);
    if (result <= 0)
        return result < 0 ? result : -EUCLEAN;
    result = superblock_own(&superblock, journal->fd, private_folder);
    if (result == 0)
        result = superblock_renew(&superblock);
    superblock.epoch = FIRST_EPOCH;
    superblock.tail = log_next_start(superblock.tail, superblock.capacity);
    for (int copy = 0; copy < 2 && result == 0; copy++) /* the log is found by either */
        result = log_write_superblock(journal, &superblock);
    if (result < 0)
        return result;
    memcpy(journal->state->uuids[0], superblock.uuid, JOURNAL_UUID_SIZE);
    memcpy(journal->state->uuids[1], superblock.uuid, JOURNAL_UUID_SIZE);
    publish(journal->state, (struct journal_point){
                                .head = superblock.tail,
                                .next_number = superblock.tail_number,
                                .committed = superblock.tail,
                                .tail = superblock.tail,
                                .tail_number = superblock.tail_number,
                                .sequence = superblock.sequence,
                            });
    journal->state->epoch = FIRST_EPOCH;
    journal->state->changing = 0;
    journal->state->last_names = 0;
    journal->state->hold = 0;
    return 0;
}

/* The file of this name may be another daemon's by now. */
static bool is_of(const struct superblock *superblock, const struct journal_state *state)
{
    return memcmp(superblock->uuid, state->uuids[0], JOURNAL_UUID_SIZE) == 0 ||
           memcmp(superblock->uuid, state->uuids[1], JOURNAL_UUID_SIZE) == 0;
}

/* Where a dead process stopped. What it wrote may still be in the disk's cache only: flushed before anything relies on it. */
static int start_again(struct journal *journal)
{
    const struct journal_point *point = log_point(journal->state);
    if (!is_of(&journal->superblock, journal->state))
        return -ESTALE;
    if (journal->state->changing >= point->next_number) /* it did not get into the log */
        journal->state->changing = 0;
    journal->died_changing = journal->state->changing != 0;
    if (journal->superblock.tail > point->head) /* it died over journal_rewind */
        log_go_on_at(journal->state, journal->superblock.tail);
    point = log_point(journal->state);
    if (point->tail > point->head || point->head - point->tail > journal->superblock.capacity)
        return -EUCLEAN;
    hold_check(journal->state);
    journal->state->epoch++;
    return journal->store->operations->flush(journal->store, journal->fd);
}

/* The superblock with this tail, and with what is known now of all chunks that are not published yet. Durable on return. With the
 * release lock held. */
static int write_superblock(struct journal *journal, uint64_t tail, uint64_t tail_number)
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

/* What was written beyond the head but not published can no longer be taken for a commit. Until that is durable there is no next one. */
static int fence(struct journal *journal)
{
    pthread_mutex_lock(&journal->release_lock);
    journal->unfenced = true;
    int result = write_superblock(journal, journal->superblock.tail, journal->superblock.tail_number);
    pthread_mutex_unlock(&journal->release_lock);
    return result;
}

static int fence_if_needed(struct journal *journal)
{
    return journal->unfenced ? fence(journal) : 0;
}

bool journal_is_fenced(struct journal *journal)
{
    return fence_if_needed(journal) == 0;
}

int journal_open(struct journal **out, struct store *store, int private_folder, uint64_t size, uint64_t generation,
                 struct journal_state *state)
{
    struct journal *journal = calloc(1, sizeof(*journal));
    if (journal == NULL)
        return -ENOMEM;
    journal->store = store;
    journal->state = state;
    journal->folder = private_folder;
    journal->fd = journal->names_fd = -1;
    writer_init(&journal->writer);
    pthread_rwlock_init(&journal->names_lock, NULL);
    pthread_mutex_init(&journal->release_lock, NULL);
    pthread_mutex_init(&journal->lock, NULL);
    pthread_cond_init(&journal->changed, NULL);

    bool fresh = state->epoch == 0;
    int result = prepare_file(private_folder, size, generation, fresh, &journal->fd, &journal->superblock);
    if (result == 0)
        result = change_open(journal, private_folder, fresh);
    if (result == 0)
        result = fresh ? start_fresh(journal, private_folder) : start_again(journal);
    if (result == 0 && fresh)
        reserve_make(private_folder, journal->superblock.capacity);
    if (result == 0) {
        journal->capacity = journal->superblock.capacity;
        journal->slots = journal->capacity / FORMAT_BLOCK;
        journal->direct = (fcntl(journal->fd, F_GETFL) & O_DIRECT) != 0;
        journal->writer.store = store;
        journal->writer.fd = journal->fd;
        journal->writer.capacity = journal->capacity;
        memcpy(journal->writer.uuid, journal->superblock.uuid, FORMAT_UUID_SIZE);
        journal->marks = calloc(journal->slots, sizeof(*journal->marks));
        result = journal->marks == NULL ? -ENOMEM : spans_init(&journal->spans);
    }
    if (result < 0) {
        journal_close(journal);
        return result;
    }
    start_at_head(journal);
    if (!fresh) {
        /* What the process before us wrote ahead for its commits is not known: its part of the log is given back as a whole. */
        const struct journal_point *point = log_point(state);
        journal->spans.all[0] =
            (struct span){.position = point->tail, .number = point->tail_number, .commit = point->committed - 1};
        journal->spans.count = 1;
        fence(journal);
    }
    *out = journal;
    return 0;
}

void journal_seal(struct journal *journal)
{
    const struct journal_point *point = log_point(journal->state);
    if (point->tail >= point->committed && point->tail < point->head) /* a change of names came last */
        journal_release(journal, point->head, point->next_number);
    pthread_mutex_lock(&journal->release_lock);
    point = log_point(journal->state);
    struct superblock superblock = journal->superblock;
    superblock.sequence = point->sequence;
    if (superblock.tail == point->head) {
        int result = superblock_renew(&superblock);
        memcpy(journal->state->uuids[1], superblock.uuid,
               JOURNAL_UUID_SIZE); /* whoever comes next, should we die now, knows either */
        if (result == 0)
            result = log_write_superblock(journal, &superblock);
        if (result < 0)
            log_line(LOG_NOTE, "the journal cannot be sealed (%s): the next mount searches it for damage", strerror(-result));
    }
    pthread_mutex_unlock(&journal->release_lock);
}

void journal_close(struct journal *journal)
{
    if (journal == NULL)
        return;
    writer_free(&journal->writer);
    if (journal->fd >= 0)
        close(journal->fd);
    if (journal->names_fd >= 0)
        close(journal->names_fd);
    pthread_cond_destroy(&journal->changed);
    pthread_mutex_destroy(&journal->lock);
    pthread_mutex_destroy(&journal->release_lock);
    free(journal->marks);
    spans_free(&journal->spans);
    free(journal);
}

int journal_is_of(int private_folder, const struct journal_state *state)
{
    struct superblock superblock;
    int fd, result = superblock_open_file(private_folder, O_RDONLY, &fd);
    if (result < 0)
        return result;
    result = superblock_read(fd, &superblock);
    close(fd);
    return result < 0 ? result : is_of(&superblock, state) ? 0 : -ESTALE;
}

uint64_t journal_size(const struct journal *journal)
{
    return journal->capacity;
}

bool journal_is_direct(const struct journal *journal)
{
    return journal->direct;
}

uint64_t journal_end(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    uint64_t end = journal->next_position;
    pthread_mutex_unlock(&journal->lock);
    return end;
}

uint64_t journal_used(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    uint64_t used = journal->next_position - log_point(journal->state)->tail;
    pthread_mutex_unlock(&journal->lock);
    return used;
}

uint64_t journal_generation(struct journal *journal)
{
    return journal->superblock.generation; /* it never changes */
}

uint64_t journal_sequence(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    uint64_t sequence = log_point(journal->state)->sequence;
    pthread_mutex_unlock(&journal->lock);
    return sequence;
}

uint32_t journal_epoch(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    uint32_t epoch = journal->state->epoch;
    pthread_mutex_unlock(&journal->lock);
    return epoch;
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

int journal_reserve(struct journal *journal, struct journal_chunk *chunk)
{
    uint64_t length = journal_chunk_length(chunk);
    if (length + room_left(journal, chunk) > journal->capacity)
        return -EFBIG;
    int result = chunk->type == JOURNAL_CHUNK_COMMIT ? change_settle(journal) : 0;
    if (result < 0)
        return result;
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

/* With the lock held. */
static void mark(struct journal *journal, uint64_t number, int marks)
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
        mark(journal, chunk->number, marks);
    else if (journal->poison == 0)
        journal->poison = chunk->type == JOURNAL_CHUNK_DATA ? result : -ECANCELED;
    pthread_cond_broadcast(&journal->changed);
    pthread_mutex_unlock(&journal->lock);
}

/* Until the number that is `reached` is the chunk's, or the first error. With the lock held. */
static int wait_until(struct journal *journal, const struct journal_chunk *chunk, const uint64_t *reached)
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
    int result = wait_until(journal, chunk, &journal->settled_number);
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
    publish(journal->state, point);
    if (chunk->type == JOURNAL_CHUNK_COMMIT)
        spans_close(&journal->spans, chunk);
}

int journal_write(struct journal *journal, struct journal_chunk *chunk)
{
    int result = log_begin(journal, chunk);
    if (result == 0) {
        result = writer_write(&journal->writer, chunk, journal->epoch_number);
        log_end(journal, chunk, CHUNK_WRITTEN | CHUNK_SETTLED, result);
    }
    return result;
}

/* It is written; until those before it are, too. */
static int wait_for_writes(struct journal *journal, const struct journal_chunk *chunk)
{
    pthread_mutex_lock(&journal->lock);
    mark(journal, chunk->number, CHUNK_WRITTEN);
    int result = wait_until(journal, chunk, &journal->written_number);
    pthread_mutex_unlock(&journal->lock);
    return result;
}

/* A commit that failed takes the places of all that follow with it, unless somebody else's has taken its own. */
static int fail(struct journal *journal, const struct journal_chunk *chunk, int result)
{
    pthread_mutex_lock(&journal->lock);
    bool mine = chunk->epoch == journal->state->epoch;
    pthread_mutex_unlock(&journal->lock);
    if (mine)
        journal_rollback(journal);
    return result;
}

int journal_flush(struct journal *journal, const struct journal_chunk *chunk)
{
    int result = fence_if_needed(journal);
    if (result == 0)
        result = change_sync_untold(journal);
    if (result == 0)
        result = log_begin(journal, chunk);
    if (result == 0) {
        result = writer_write(&journal->writer, chunk, journal->epoch_number);
        if (result == 0)
            result = wait_for_writes(journal, chunk);
        if (result == 0)
            result = journal->store->operations->flush(journal->store, journal->fd);
        log_end(journal, chunk, CHUNK_WRITTEN, result);
    }
    return result < 0 ? fail(journal, chunk, result) : 0;
}

int journal_publish(struct journal *journal, const struct journal_chunk *chunk)
{
    pthread_mutex_lock(&journal->lock);
    int result = wait_until(journal, chunk, &journal->settled_number);
    if (result == 0) {
        log_publish(journal, chunk);
        mark(journal, chunk->number, CHUNK_SETTLED);
    }
    pthread_mutex_unlock(&journal->lock);
    return result < 0 ? fail(journal, chunk, result) : 0;
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
        start_at_head(journal);
        pthread_mutex_unlock(&journal->lock);
        fence(journal);
        pthread_mutex_lock(&journal->lock);
        journal->rolling_back = false;
        pthread_cond_broadcast(&journal->changed);
    }
    pthread_mutex_unlock(&journal->lock);
}

/* After the last commit nothing is needed but what open streams have there. With the lock held. */
static void pass_names(const struct journal *journal, uint64_t *position, uint64_t *number)
{
    const struct journal_point *point = log_point(journal->state);
    uint64_t head = point->head, next_number = point->next_number;
    spans_first_open(&journal->spans, *position, &head, &next_number);
    *position = head;
    *number = next_number;
}

int journal_release(struct journal *journal, uint64_t position, uint64_t number)
{
    pthread_mutex_lock(&journal->release_lock);
    pthread_mutex_lock(&journal->lock);
    struct journal_point point = *log_point(journal->state);
    int result = position > point.head || number > point.next_number ? -EINVAL : 0;
    spans_keep_together(&journal->spans, &position, &number);
    if (result == 0 && position >= point.committed && !log_is_held(journal))
        pass_names(journal, &position, &number);
    pthread_mutex_unlock(&journal->lock);

    if (result == 0 && position > point.tail)
        result = change_sync_told(journal);
    /* A process that died may have got further than it could publish. */
    if (result == 0 && position > journal->superblock.tail)
        result = write_superblock(journal, position, number);
    if (result == 0 && position > point.tail) {
        pthread_mutex_lock(&journal->lock);
        point = *log_point(journal->state);
        point.tail = position;
        point.tail_number = number;
        publish(journal->state, point);
        spans_forget_before(&journal->spans, position);
        pthread_mutex_unlock(&journal->lock);
    }
    pthread_mutex_unlock(&journal->release_lock);
    return result;
}
