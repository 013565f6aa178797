/* The journal of a mount, from when it is opened until it is sealed: writing.c has the rules of the log. */
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

#define FIRST_EPOCH 1 /* 0 is the superblock's of a sealed log */

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
    log_move(journal->state, (struct journal_point){
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

bool journal_is_fenced(struct journal *journal)
{
    return log_fence_if_needed(journal) == 0;
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
    log_start_at_head(journal);
    if (!fresh) {
        /* What the process before us wrote ahead for its commits is not known: its part of the log is given back as a whole. */
        const struct journal_point *point = log_point(state);
        journal->spans.all[0] =
            (struct span){.position = point->tail, .number = point->tail_number, .commit = point->committed - 1};
        journal->spans.count = 1;
        log_fence(journal);
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

int journal_reserve(struct journal *journal, struct journal_chunk *chunk)
{
    int result = log_check_size(journal, chunk);
    if (result == 0 && chunk->type == JOURNAL_CHUNK_COMMIT)
        result = change_settle(journal);
    return result < 0 ? result : log_reserve(journal, chunk);
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
    log_mark(journal, chunk->number, CHUNK_WRITTEN);
    int result = log_wait(journal, chunk, &journal->written_number);
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
    int result = log_fence_if_needed(journal);
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
    int result = log_wait(journal, chunk, &journal->settled_number);
    if (result == 0) {
        log_publish(journal, chunk);
        log_mark(journal, chunk->number, CHUNK_SETTLED);
    }
    pthread_mutex_unlock(&journal->lock);
    return result < 0 ? fail(journal, chunk, result) : 0;
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
        result = log_write_tail(journal, position, number);
    if (result == 0 && position > point.tail) {
        pthread_mutex_lock(&journal->lock);
        point = *log_point(journal->state);
        point.tail = position;
        point.tail_number = number;
        log_move(journal->state, point);
        spans_forget_before(&journal->spans, position);
        pthread_mutex_unlock(&journal->lock);
    }
    pthread_mutex_unlock(&journal->release_lock);
    return result;
}
