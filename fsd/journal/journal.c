/* Writing the log.
 *
 * 1. A chunk's place is fixed by journal_reserve, under the lock: places follow each other without gaps.
 * 2. A COMMIT is published after all chunks before it are settled (a DATA chunk when its write is done, a COMMIT when it is
 *    published itself), and after a flush that began later than that. So the published log has no holes.
 * 3. What is published is never written over before the superblock with a later tail is durable.
 * 4. The tail is never between a commit and what was written ahead for it.
 * 5. A write that failed poisons the log: nothing behind it can be published. journal_rollback waits until nobody is writing, then
 *    starts a new epoch at the published head; places reserved earlier are refused from then on.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "log.h"
#include "journal/prepare.h"
#include "journal/scan.h"
#include "journal/span.h"

#define FIRST_EPOCH 1 /* 0 is the superblock's of a sealed log */

/* Memory of one chunk being written; used again by the next one. */
struct scratch {
    SLIST_ENTRY(scratch) next;
    unsigned char *header;
    uint64_t header_capacity;
    struct iovec *iov;
    size_t iov_capacity;
};

struct journal {
    struct store *store;
    struct journal_state *state;
    int fd;
    size_t slots;
    uint64_t capacity;
    unsigned char uuid[FORMAT_UUID_SIZE];

    pthread_mutex_t release_lock; /* taken before `lock` */
    struct superblock superblock; /* as on disk */

    pthread_mutex_t lock; /* all below, and the state but for its reading */
    pthread_cond_t changed;
    uint64_t next_position; /* of the next chunk reserved */
    uint64_t next_number;
    uint64_t epoch_number;   /* of the first chunk of this epoch */
    uint64_t settled_number; /* all chunks before it are settled */
    bool *settled;           /* by number % slots, from settled_number on */
    unsigned writing;        /* chunks in write_chunk */
    int poison;              /* -errno of a write that failed */
    bool rolling_back;
    struct spans spans;
    SLIST_HEAD(, scratch) scratches;
};

static struct journal_point *current_point(struct journal_state *state)
{
    return &state->points[atomic_load_explicit(&state->current, memory_order_acquire) & 1];
}

/* The other point is written, then one store makes it the current one: a reader in any process sees one or the other. */
static void publish(struct journal_state *state, struct journal_point point)
{
    uint32_t other = (atomic_load_explicit(&state->current, memory_order_relaxed) & 1) ^ 1;
    state->points[other] = point;
    atomic_store_explicit(&state->current, other, memory_order_release);
}

bool journal_published(const struct journal_state *state, uint64_t position)
{
    uint32_t current = atomic_load_explicit(&state->current, memory_order_acquire) & 1;
    return position < state->points[current].head;
}

static void start_at_head(struct journal *journal)
{
    const struct journal_point *point = current_point(journal->state);
    journal->next_position = point->head;
    journal->next_number = point->next_number;
    journal->epoch_number = point->next_number;
    journal->settled_number = point->next_number;
    memset(journal->settled, 0, journal->slots * sizeof(*journal->settled));
    journal->poison = 0;
    spans_forget_open(&journal->spans);
}

/* An empty log, whatever was written before; fills the state. */
static int start_fresh(struct journal *journal)
{
    struct scan scan;
    struct superblock *superblock = &journal->superblock;
    int result = scan_open(&scan, journal->fd);
    if (result < 0)
        return result;
    result = scan_next(&scan);
    scan_close(&scan);
    if (result != 0)
        return result < 0 ? result : -EUCLEAN;
    result = superblock_renew(superblock);
    superblock->epoch = FIRST_EPOCH;
    for (int copy = 0; copy < 2 && result == 0; copy++) /* the log is found by either */
        result = superblock_write(journal->store, journal->fd, superblock);
    if (result < 0)
        return result;
    publish(journal->state, (struct journal_point){
                                .head = superblock->tail,
                                .next_number = superblock->tail_number,
                                .tail = superblock->tail,
                                .tail_number = superblock->tail_number,
                                .sequence = superblock->sequence,
                            });
    journal->state->epoch = FIRST_EPOCH;
    return 0;
}

/* Where a dead process stopped. What it wrote may still be in the disk's cache only: flushed before anything relies on it. */
static int start_again(struct journal *journal)
{
    const struct journal_point *point = current_point(journal->state);
    if (point->tail > point->head || point->head - point->tail > journal->superblock.capacity)
        return -EUCLEAN;
    journal->state->epoch++;
    return journal->store->operations->flush(journal->store, journal->fd);
}

/* The superblock with this tail, and with what is known now of all chunks that are not published yet. Durable on return. With the
 * release lock held. */
static int write_superblock(struct journal *journal, uint64_t tail, uint64_t tail_number)
{
    struct superblock superblock = journal->superblock;
    pthread_mutex_lock(&journal->lock);
    struct journal_point point = *current_point(journal->state);
    superblock.epoch = journal->state->epoch;
    pthread_mutex_unlock(&journal->lock);
    superblock.epoch_number = point.next_number;
    superblock.tail = tail;
    superblock.tail_number = tail_number;
    if (tail == point.head)
        superblock.sequence = point.sequence;
    int result = superblock_write(journal->store, journal->fd, &superblock);
    if (result == 0)
        journal->superblock = superblock;
    return result;
}

/* What was written beyond the head but not published can no longer be taken for a commit. This may fail, as on a failing disk; then
 * the next commit does the same. */
static void fence(struct journal *journal)
{
    pthread_mutex_lock(&journal->release_lock);
    write_superblock(journal, journal->superblock.tail, journal->superblock.tail_number);
    pthread_mutex_unlock(&journal->release_lock);
}

int journal_open(struct journal **out, struct store *store, int private_folder, uint64_t size, struct journal_state *state)
{
    struct journal *journal = calloc(1, sizeof(*journal));
    if (journal == NULL)
        return -ENOMEM;
    journal->store = store;
    journal->state = state;
    journal->fd = -1;
    SLIST_INIT(&journal->scratches);
    pthread_mutex_init(&journal->release_lock, NULL);
    pthread_mutex_init(&journal->lock, NULL);
    pthread_cond_init(&journal->changed, NULL);

    bool fresh = state->epoch == 0;
    int result = prepare_file(private_folder, size, fresh, &journal->fd, &journal->superblock);
    if (result == 0)
        result = fresh ? start_fresh(journal) : start_again(journal);
    if (result == 0) {
        journal->capacity = journal->superblock.capacity;
        journal->slots = journal->capacity / FORMAT_BLOCK;
        memcpy(journal->uuid, journal->superblock.uuid, FORMAT_UUID_SIZE);
        journal->settled = calloc(journal->slots, sizeof(*journal->settled));
        result = journal->settled == NULL ? -ENOMEM : spans_init(&journal->spans);
    }
    if (result < 0) {
        journal_close(journal);
        return result;
    }
    start_at_head(journal);
    if (!fresh) {
        /* What the process before us wrote ahead for its commits is not known: its part of the log is given back as a whole. */
        const struct journal_point *point = current_point(state);
        journal->spans.all[0] = (struct span){.position = point->tail, .number = point->tail_number, .commit = point->head - 1};
        journal->spans.count = 1;
        fence(journal);
    }
    *out = journal;
    return 0;
}

void journal_seal(struct journal *journal)
{
    pthread_mutex_lock(&journal->release_lock);
    const struct journal_point *point = current_point(journal->state);
    struct superblock superblock = journal->superblock;
    superblock.sequence = point->sequence;
    if (superblock.tail == point->head) {
        int result = superblock_renew(&superblock);
        if (result == 0)
            result = superblock_write(journal->store, journal->fd, &superblock);
        if (result < 0)
            log_line(LOG_NOTE, "the journal cannot be sealed (%s): the next mount searches it for damage", strerror(-result));
    }
    pthread_mutex_unlock(&journal->release_lock);
}

void journal_close(struct journal *journal)
{
    struct scratch *scratch;
    if (journal == NULL)
        return;
    while ((scratch = SLIST_FIRST(&journal->scratches)) != NULL) {
        SLIST_REMOVE_HEAD(&journal->scratches, next);
        free(scratch->header);
        free(scratch->iov);
        free(scratch);
    }
    if (journal->fd >= 0)
        close(journal->fd);
    pthread_cond_destroy(&journal->changed);
    pthread_mutex_destroy(&journal->lock);
    pthread_mutex_destroy(&journal->release_lock);
    free(journal->settled);
    spans_free(&journal->spans);
    free(journal);
}

uint64_t journal_size(const struct journal *journal)
{
    return journal->capacity;
}

uint64_t journal_used(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    uint64_t used = journal->next_position - current_point(journal->state)->tail;
    pthread_mutex_unlock(&journal->lock);
    return used;
}

uint64_t journal_sequence(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    uint64_t sequence = current_point(journal->state)->sequence;
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

int journal_reserve(struct journal *journal, struct journal_chunk *chunk)
{
    uint64_t length = journal_chunk_length(chunk);
    if (length > journal->capacity)
        return -EFBIG;
    int result = 0;
    pthread_mutex_lock(&journal->lock);
    while (journal->rolling_back)
        pthread_cond_wait(&journal->changed, &journal->lock);
    if (journal->next_position + length - current_point(journal->state)->tail > journal->capacity) {
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
    }
    pthread_mutex_unlock(&journal->lock);
    return result;
}

static struct scratch *scratch_take(struct journal *journal, uint64_t header_length, size_t vectors)
{
    pthread_mutex_lock(&journal->lock);
    struct scratch *scratch = SLIST_FIRST(&journal->scratches);
    if (scratch != NULL)
        SLIST_REMOVE_HEAD(&journal->scratches, next);
    pthread_mutex_unlock(&journal->lock);

    if (scratch == NULL)
        scratch = calloc(1, sizeof(*scratch));
    if (scratch != NULL && scratch->header_capacity < header_length) {
        free(scratch->header);
        scratch->header = aligned_alloc(FORMAT_BLOCK, header_length);
        scratch->header_capacity = scratch->header == NULL ? 0 : header_length;
    }
    if (scratch != NULL && scratch->iov_capacity < vectors) {
        free(scratch->iov);
        scratch->iov = malloc(vectors * sizeof(*scratch->iov));
        scratch->iov_capacity = scratch->iov == NULL ? 0 : vectors;
    }
    return scratch;
}

static void scratch_give(struct journal *journal, struct scratch *scratch)
{
    if (scratch == NULL)
        return;
    pthread_mutex_lock(&journal->lock);
    SLIST_INSERT_HEAD(&journal->scratches, scratch, next);
    pthread_mutex_unlock(&journal->lock);
}

/* A chunk's memory, in one write up to the log's end and one from its beginning. */
struct gather {
    struct store_write writes[2];
    struct store_write *current;
    uint64_t left; /* to the log's end */
};

static void gather_add(struct gather *gather, const void *memory, uint64_t length)
{
    while (length > 0) {
        struct store_write *write = gather->current;
        uint64_t piece = length < gather->left ? length : gather->left;
        struct iovec *last = write->iovcnt > 0 ? &write->iov[write->iovcnt - 1] : NULL;
        if (last != NULL && (char *)last->iov_base + last->iov_len == memory)
            last->iov_len += piece;
        else
            write->iov[write->iovcnt++] = (struct iovec){.iov_base = (void *)memory, .iov_len = piece};
        memory = (const char *)memory + piece;
        length -= piece;
        gather->left -= piece;
        if (gather->left == 0) {
            gather->current = &gather->writes[1];
            gather->current->iov = write->iov + write->iovcnt;
            gather->left = UINT64_MAX;
        }
    }
}

static int write_chunk(struct journal *journal, const struct journal_chunk *chunk)
{
    uint64_t header_length = chunk_header_length(chunk);
    size_t vectors = (chunk->length - header_length) / FORMAT_BLOCK + 2; /* the header; one is cut in two */
    struct scratch *scratch = scratch_take(journal, header_length, vectors);
    int result = -ENOMEM;
    if (scratch != NULL && scratch->header != NULL && scratch->iov != NULL) {
        chunk_encode(chunk, journal->epoch_number, journal->uuid, scratch->header);
        struct gather gather = {
            .writes = {{.fd = journal->fd, .offset = (off_t)format_offset(chunk->position, journal->capacity), .iov = scratch->iov},
                       {.fd = journal->fd, .offset = FORMAT_LOG_START}},
            .current = &gather.writes[0],
            .left = journal->capacity - chunk->position % journal->capacity,
        };
        gather_add(&gather, scratch->header, header_length);
        for (uint32_t i = 0; i < chunk->page_count; i++) {
            if (chunk->pages[i].kind == JOURNAL_DATA)
                gather_add(&gather, chunk->pages[i].data, FORMAT_BLOCK);
        }
        result = journal->store->operations->write(journal->store, gather.writes, gather.writes[1].iovcnt > 0 ? 2 : 1);
    }
    scratch_give(journal, scratch);
    return result;
}

/* A place reserved before the last rollback is no longer the chunk's. */
static int begin(struct journal *journal, const struct journal_chunk *chunk)
{
    pthread_mutex_lock(&journal->lock);
    bool stale = journal->rolling_back || chunk->epoch != journal->state->epoch;
    int result = stale ? -ECANCELED : journal->poison;
    if (result == 0)
        journal->writing++;
    pthread_mutex_unlock(&journal->lock);
    return result;
}

/* With the lock held. */
static void settle(struct journal *journal, uint64_t number)
{
    journal->settled[number % journal->slots] = true;
    while (journal->settled[journal->settled_number % journal->slots]) {
        journal->settled[journal->settled_number % journal->slots] = false;
        journal->settled_number++;
    }
}

static void end(struct journal *journal, const struct journal_chunk *chunk, int result)
{
    pthread_mutex_lock(&journal->lock);
    journal->writing--;
    if (result == 0)
        settle(journal, chunk->number);
    else if (journal->poison == 0)
        journal->poison = result;
    pthread_cond_broadcast(&journal->changed);
    pthread_mutex_unlock(&journal->lock);
}

/* All chunks before this one, or the first error. */
static int wait_for_earlier(struct journal *journal, const struct journal_chunk *chunk)
{
    pthread_mutex_lock(&journal->lock);
    while (journal->settled_number < chunk->number && journal->poison == 0 && !journal->rolling_back)
        pthread_cond_wait(&journal->changed, &journal->lock);
    int result = journal->rolling_back ? -ECANCELED : journal->poison;
    pthread_mutex_unlock(&journal->lock);
    return result;
}

static void publish_commit(struct journal *journal, const struct journal_chunk *chunk)
{
    pthread_mutex_lock(&journal->lock);
    struct journal_point point = *current_point(journal->state);
    point.head = chunk->position + chunk->length;
    point.next_number = chunk->number + 1;
    point.sequence = chunk->sequence;
    publish(journal->state, point);
    spans_close(&journal->spans, chunk);
    pthread_mutex_unlock(&journal->lock);
}

int journal_write(struct journal *journal, struct journal_chunk *chunk)
{
    int result = begin(journal, chunk);
    if (result == 0) {
        result = write_chunk(journal, chunk);
        end(journal, chunk, result);
    }
    return result;
}

int journal_commit(struct journal *journal, struct journal_chunk *chunk)
{
    pthread_mutex_lock(&journal->lock);
    chunk->sequence = current_point(journal->state)->sequence + 1;
    pthread_mutex_unlock(&journal->lock);
    int result = begin(journal, chunk);
    if (result == 0) {
        result = write_chunk(journal, chunk);
        if (result == 0)
            result = wait_for_earlier(journal, chunk);
        if (result == 0)
            result = journal->store->operations->flush(journal->store, journal->fd);
        if (result == 0)
            publish_commit(journal, chunk);
        end(journal, chunk, result);
    }
    if (result < 0)
        journal_rollback(journal);
    return result;
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
        start_at_head(journal);
        pthread_mutex_unlock(&journal->lock);
        fence(journal);
        pthread_mutex_lock(&journal->lock);
        journal->rolling_back = false;
        pthread_cond_broadcast(&journal->changed);
    }
    pthread_mutex_unlock(&journal->lock);
}

int journal_release(struct journal *journal, uint64_t position, uint64_t number)
{
    pthread_mutex_lock(&journal->release_lock);
    pthread_mutex_lock(&journal->lock);
    struct journal_point point = *current_point(journal->state);
    int result = position > point.head || number > point.next_number ? -EINVAL : 0;
    spans_keep_together(&journal->spans, &position, &number);
    pthread_mutex_unlock(&journal->lock);

    /* A process that died may have got further than it could publish. */
    if (result == 0 && position > journal->superblock.tail)
        result = write_superblock(journal, position, number);
    if (result == 0 && position > point.tail) {
        pthread_mutex_lock(&journal->lock);
        point = *current_point(journal->state);
        point.tail = position;
        point.tail_number = number;
        publish(journal->state, point);
        spans_forget_before(&journal->spans, position);
        pthread_mutex_unlock(&journal->lock);
    }
    pthread_mutex_unlock(&journal->release_lock);
    return result;
}
