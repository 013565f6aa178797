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
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "journal/prepare.h"
#include "journal/scan.h"
#include "journal/span.h"
#include "journal/writer.h"
#include "store/trust.h"

#define NAMES_ROOM 64 /* this part of the log is left for changes of names */
#define WRITE_TRIES 3 /* of a change of names, when others' writes fail */
#define FIRST_EPOCH 1 /* 0 is the superblock's of a sealed log */

struct journal {
    struct store *store;
    struct journal_state *state;
    int fd;
    int names_fd; /* its size is the number of the last change made */
    size_t slots;
    uint64_t capacity;
    struct writer writer;

    pthread_rwlock_t names_lock;  /* taken before all others; alone by who changes names */
    pthread_mutex_t release_lock; /* taken before `lock` */
    struct superblock superblock; /* as on disk */
    bool unfenced;                /* the last fence failed; with the release lock */
    bool direct;                  /* writes go past the page cache */

    pthread_mutex_t lock; /* all below, and the state but for its reading */
    pthread_cond_t changed;
    uint64_t next_position; /* of the next chunk reserved */
    uint64_t next_number;
    uint64_t epoch_number;   /* of the first chunk of this epoch */
    uint64_t committing;     /* position after the last COMMIT reserved; 0: published, or given up */
    uint64_t settled_number; /* all chunks before it are settled */
    bool *settled;           /* by number % slots, from settled_number on */
    unsigned writing;        /* chunks in writer_write */
    int poison;              /* -errno of a write that failed */
    bool rolling_back;
    struct spans spans;
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
    return position < state->points[current].committed;
}

static void start_at_head(struct journal *journal)
{
    const struct journal_point *point = current_point(journal->state);
    journal->next_position = point->head;
    journal->next_number = point->next_number;
    journal->epoch_number = point->next_number;
    journal->settled_number = point->next_number;
    memset(journal->settled, 0, journal->slots * sizeof(*journal->settled));
    journal->committing = 0;
    journal->poison = 0;
    spans_forget_open(&journal->spans);
}

/* An empty log, whatever was written before; fills the state. */
static int start_fresh(struct journal *journal, int private_folder)
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
    result = superblock_own(superblock, journal->fd, private_folder);
    if (result == 0)
        result = superblock_renew(superblock);
    superblock->epoch = FIRST_EPOCH;
    for (int copy = 0; copy < 2 && result == 0; copy++) /* the log is found by either */
        result = superblock_write(journal->store, journal->fd, superblock);
    if (result < 0)
        return result;
    publish(journal->state, (struct journal_point){
                                .head = superblock->tail,
                                .next_number = superblock->tail_number,
                                .committed = superblock->tail,
                                .tail = superblock->tail,
                                .tail_number = superblock->tail_number,
                                .sequence = superblock->sequence,
                            });
    journal->state->epoch = FIRST_EPOCH;
    journal->state->changing = 0;
    return 0;
}

/* Where a dead process stopped. What it wrote may still be in the disk's cache only: flushed before anything relies on it. */
static int start_again(struct journal *journal)
{
    const struct journal_point *point = current_point(journal->state);
    if (journal->state->changing >= point->next_number) /* it did not get into the log */
        journal->state->changing = 0;
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
    if (tail >= point.committed)
        superblock.sequence = point.sequence;
    int result = superblock_write(journal->store, journal->fd, &superblock);
    if (result == 0) {
        journal->superblock = superblock;
        journal->unfenced = false;
    }
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
    pthread_mutex_lock(&journal->release_lock);
    bool needed = journal->unfenced;
    pthread_mutex_unlock(&journal->release_lock);
    return needed ? fence(journal) : 0;
}

/* Numbers begin anew with a fresh log. */
static int open_names(struct journal *journal, int private_folder, bool fresh)
{
    journal->names_fd = openat(private_folder, JOURNAL_NAMES_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (journal->names_fd < 0)
        return -errno;
    if (trust_doubt(journal->names_fd, S_IFREG) != NULL)
        return -EPERM;
    return fresh && (ftruncate(journal->names_fd, 0) < 0 || fsync(journal->names_fd) < 0) ? -errno : 0;
}

int journal_open(struct journal **out, struct store *store, int private_folder, uint64_t size, struct journal_state *state)
{
    struct journal *journal = calloc(1, sizeof(*journal));
    if (journal == NULL)
        return -ENOMEM;
    journal->store = store;
    journal->state = state;
    journal->fd = journal->names_fd = -1;
    writer_init(&journal->writer);
    pthread_rwlock_init(&journal->names_lock, NULL);
    pthread_mutex_init(&journal->release_lock, NULL);
    pthread_mutex_init(&journal->lock, NULL);
    pthread_cond_init(&journal->changed, NULL);

    bool fresh = state->epoch == 0;
    int result = prepare_file(private_folder, size, fresh, &journal->fd, &journal->superblock);
    if (result == 0)
        result = open_names(journal, private_folder, fresh);
    if (result == 0)
        result = fresh ? start_fresh(journal, private_folder) : start_again(journal);
    if (result == 0) {
        journal->capacity = journal->superblock.capacity;
        journal->slots = journal->capacity / FORMAT_BLOCK;
        journal->direct = (fcntl(journal->fd, F_GETFL) & O_DIRECT) != 0;
        journal->writer.store = store;
        journal->writer.fd = journal->fd;
        journal->writer.capacity = journal->capacity;
        memcpy(journal->writer.uuid, journal->superblock.uuid, FORMAT_UUID_SIZE);
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
    const struct journal_point *point = current_point(journal->state);
    if (point->tail >= point->committed && point->tail < point->head) /* a change of names came last */
        journal_release(journal, point->head, point->next_number);
    pthread_mutex_lock(&journal->release_lock);
    point = current_point(journal->state);
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
    pthread_rwlock_destroy(&journal->names_lock);
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

static int settle_change(struct journal *journal);

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
    int result = chunk->type == JOURNAL_CHUNK_COMMIT ? settle_change(journal) : 0;
    if (result < 0)
        return result;
    pthread_mutex_lock(&journal->lock);
    while (journal->rolling_back)
        pthread_cond_wait(&journal->changed, &journal->lock);
    if (journal->next_position + length + room_left(journal, chunk) - current_point(journal->state)->tail > journal->capacity) {
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
        if (chunk->type == JOURNAL_CHUNK_COMMIT)
            journal->committing = journal->next_position;
    }
    pthread_mutex_unlock(&journal->lock);
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

static void publish_chunk(struct journal *journal, const struct journal_chunk *chunk)
{
    pthread_mutex_lock(&journal->lock);
    struct journal_point point = *current_point(journal->state);
    point.head = chunk->position + chunk->length;
    point.next_number = chunk->number + 1;
    if (chunk->type == JOURNAL_CHUNK_COMMIT) {
        point.committed = point.head;
        point.sequence = chunk->sequence;
        if (journal->committing == point.head)
            journal->committing = 0;
    }
    publish(journal->state, point);
    if (chunk->type == JOURNAL_CHUNK_COMMIT)
        spans_close(&journal->spans, chunk);
    pthread_mutex_unlock(&journal->lock);
}

int journal_write(struct journal *journal, struct journal_chunk *chunk)
{
    int result = begin(journal, chunk);
    if (result == 0) {
        result = writer_write(&journal->writer, chunk, journal->epoch_number);
        end(journal, chunk, result);
    }
    return result;
}

int journal_commit(struct journal *journal, struct journal_chunk *chunk)
{
    pthread_mutex_lock(&journal->lock);
    chunk->sequence = current_point(journal->state)->sequence + 1;
    pthread_mutex_unlock(&journal->lock);
    int result = fence_if_needed(journal);
    if (result == 0)
        result = begin(journal, chunk);
    if (result == 0) {
        result = writer_write(&journal->writer, chunk, journal->epoch_number);
        if (result == 0)
            result = wait_for_earlier(journal, chunk);
        if (result == 0)
            result = journal->store->operations->flush(journal->store, journal->fd);
        if (result == 0)
            publish_chunk(journal, chunk);
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

/* A NAMES chunk of one change: written, and published after all before it. Without a flush, where writes go past the page cache: see
 * format.h. */
static int write_names(struct journal *journal, struct journal_chunk *chunk)
{
    int result = journal_reserve(journal, chunk);
    if (result < 0)
        return result;
    result = begin(journal, chunk);
    if (result == 0) {
        result = writer_write(&journal->writer, chunk, journal->epoch_number);
        if (result == 0)
            result = wait_for_earlier(journal, chunk);
        if (result == 0 && !journal->direct)
            result = journal->store->operations->flush(journal->store, journal->fd);
        if (result == 0) {
            journal->state->changing = chunk->names->change == JOURNAL_UNDONE ? 0 : chunk->number;
            publish_chunk(journal, chunk);
        }
        end(journal, chunk, result);
    }
    if (result < 0 && result != -ECANCELED)
        journal_rollback(journal);
    return result;
}

/* Once more where another's write failed and took the place with it. */
static int record_change(struct journal *journal, const struct journal_name *change)
{
    int result = -ECANCELED;
    for (int i = 0; i < WRITE_TRIES && result < 0 && result != -ENOSPC; i++) {
        struct journal_chunk chunk = {.type = JOURNAL_CHUNK_NAMES, .names = change, .name_count = 1};
        clock_gettime(CLOCK_REALTIME, &chunk.time);
        result = write_names(journal, &chunk);
    }
    return result;
}

/* A change that was recorded by a worker that died over it, or that was not made: a COMMIT behind it would say that it was. */
static int settle_change(struct journal *journal)
{
    static const struct journal_name undone = {.change = JOURNAL_UNDONE};
    return journal->state->changing == 0 ? 0 : record_change(journal, &undone);
}

/* Whether a path in the log, or in a commit that has its place there, may become stale. */
static bool holds_paths(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    const struct journal_point *point = current_point(journal->state);
    bool holds = point->committed > point->tail || journal->committing > point->tail;
    pthread_mutex_unlock(&journal->lock);
    return holds;
}

int journal_change_begin(struct journal *journal, const struct journal_name *change)
{
    pthread_rwlock_wrlock(&journal->names_lock);
    int result = settle_change(journal);
    if (result == 0 && holds_paths(journal))
        result = record_change(journal, change);
    if (result < 0)
        pthread_rwlock_unlock(&journal->names_lock);
    return result;
}

/* Where it cannot be written now that the change was not made, it is written before the next chunk that counts. */
void journal_change_end(struct journal *journal, bool made)
{
    if (!made) {
        settle_change(journal);
    } else if (journal->state->changing != 0) {
        /* Where this fails, a copy after a power cut is believed to have less than it has, and refused. */
        if (ftruncate(journal->names_fd, (off_t)journal->state->changing) < 0)
            log_line(LOG_NOTE, "a change of names cannot be counted: %s", strerror(errno));
        journal->state->changing = 0;
    }
    pthread_rwlock_unlock(&journal->names_lock);
}

void journal_paths_begin(struct journal *journal)
{
    pthread_rwlock_rdlock(&journal->names_lock);
}

void journal_paths_end(struct journal *journal)
{
    pthread_rwlock_unlock(&journal->names_lock);
}

/* After the last commit nothing is needed but what open streams have there. With the lock held. */
static void pass_names(const struct journal *journal, uint64_t *position, uint64_t *number)
{
    const struct journal_point *point = current_point(journal->state);
    uint64_t head = point->head, next_number = point->next_number;
    spans_first_open(&journal->spans, *position, &head, &next_number);
    *position = head;
    *number = next_number;
}

int journal_release(struct journal *journal, uint64_t position, uint64_t number)
{
    pthread_mutex_lock(&journal->release_lock);
    pthread_mutex_lock(&journal->lock);
    struct journal_point point = *current_point(journal->state);
    int result = position > point.head || number > point.next_number ? -EINVAL : 0;
    spans_keep_together(&journal->spans, &position, &number);
    if (result == 0 && position >= point.committed)
        pass_names(journal, &position, &number);
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
