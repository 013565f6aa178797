#include "config.h"

#include "cache/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cache/seal.h"
#include "clock.h"
#include "log.h"

#define SPILL_STEP 4096u /* frames: blocks are reserved for so many at a time, so that no store to the mapping can fail */
#define SHRINK_STEP (4 * SPILL_STEP)
#define WAIT_NANOSECONDS 200000000l

int frame_compare(const struct frame_index *a, const struct frame_index *b)
{
    return a->page < b->page ? -1 : a->page > b->page;
}

RB_GENERATE(frame_tree, frame_index, view, frame_compare)

int frame_table_open(struct frame_table *table, struct arena *arena, int spill)
{
    size_t all = (size_t)arena->header->frame_max + arena->header->spill_max + 1;

    *table = (struct frame_table){
        .arena = arena,
        .lock = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP,
        .freed = PTHREAD_COND_INITIALIZER,
        .spill = spill,
    };
    /* Sparse like the arena: what the spill file would need is not touched until it is used. */
    table->index = mmap(NULL, all * (sizeof *table->index + sizeof(uint32_t) + 2), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (table->index == MAP_FAILED)
        return -errno;
    table->free = (uint64_t *)(table->index + all);
    table->spill_free = (uint32_t *)(table->free + arena->header->frame_max / 64 + 1);
    table->present = (unsigned char *)(table->spill_free + arena->header->spill_max);
    table->limit = arena_tuning(arena->header)->cache_size / PAGE_BYTES;
    return 0;
}

static void count(struct frame_table *table, uint32_t change)
{
    atomic_store_explicit(&table->free_count, frame_free_count(table) + change, memory_order_relaxed);
}

/* The lock is held; there is a free frame. */
static uint32_t take_lowest(struct frame_table *table)
{
    uint64_t *word = &table->free[table->free_hint];
    uint32_t bit;

    while (!*word)
        word++;
    table->free_hint = word - table->free;
    count(table, -1);
    bit = __builtin_ctzll(*word);
    *word &= *word - 1;
    return table->free_hint * 64 + bit;
}

/* 64 neighbours. The lock is held. False when there are none. */
static bool take_word(struct frame_table *table, uint32_t *frames)
{
    uint32_t end = (table->limit + 1) / 64;

    while (table->whole_hint < end && table->free[table->whole_hint] != UINT64_MAX)
        table->whole_hint++;
    if (table->whole_hint >= end)
        return false;
    table->free[table->whole_hint] = 0;
    count(table, -64);
    for (uint32_t i = 0; i < 64; i++)
        frames[i] = table->whole_hint * 64 + i;
    return true;
}

/* Of free frames that are not taken any more. */
static void drop_memory(struct frame_table *table, uint32_t first, uint32_t frames)
{
    memset(table->present + first, 0, frames);
    madvise(arena_page(table->arena, first), (size_t)frames << PAGE_SHIFT, MADV_REMOVE);
}

static void mark_free(struct frame_table *table, uint32_t frame)
{
    table->free[frame / 64] |= 1ull << frame % 64;
}

static void give_back(struct frame_table *table, uint32_t frame)
{
    uint32_t word = frame / 64;

    mark_free(table, frame);
    if (frame > table->limit) {
        drop_memory(table, frame, 1);
        return;
    }
    count(table, 1);
    if (word < table->free_hint)
        table->free_hint = word;
    if (table->free[word] == UINT64_MAX && word < table->whole_hint)
        table->whole_hint = word;
}

/* What is in use of the spill file's frames is no list's. */
static void fill_spill(struct frame_table *table)
{
    const struct arena_header *header = table->arena->header;

    table->spill_free_count = 0;
    for (uint32_t i = header->frame_max + header->spilled; i > header->frame_max; i--) {
        if (!table->arena->frames[i].file)
            table->spill_free[table->spill_free_count++] = i;
    }
}

/* The lock is held. */
static void count_free(struct frame_table *table)
{
    uint32_t words = table->limit / 64;
    uint32_t free = __builtin_popcountll(table->free[words] & (UINT64_MAX >> (63 - table->limit % 64)));

    for (uint32_t i = 0; i < words; i++)
        free += __builtin_popcountll(table->free[i]);
    atomic_store_explicit(&table->free_count, free, memory_order_relaxed);
    table->free_hint = table->whole_hint = 0;
}

void frame_table_fill(struct frame_table *table)
{
    const struct arena_header *header = table->arena->header;
    uint32_t used = arena_frame_used(header);

    for (uint32_t word = 0; word <= used / 64; word++) {
        const struct frame *frames = &table->arena->frames[word * 64];
        uint64_t free = 0;

        for (uint32_t bit = 0; bit < 64 && word * 64 + bit <= used; bit++)
            free |= (uint64_t)!frames[bit].file << bit;
        table->free[word] = word ? free : free & ~1ull; /* number 0 is none */
    }
    count_free(table);
    fill_spill(table);
}

/* Nobody takes them meanwhile. */
static void drop_free(struct frame_table *table, uint32_t from, uint32_t to)
{
    for (uint32_t frame = from, run; frame <= to; frame += run ? run : 1) {
        for (run = 0; frame + run <= to && table->free[(frame + run) / 64] >> (frame + run) % 64 & 1; run++)
            ;
        if (run)
            drop_memory(table, frame, run);
    }
}

void frame_table_limit(struct frame_table *table, uint32_t limit)
{
    struct arena_header *header = table->arena->header;
    uint32_t before = table->limit, used = arena_frame_used(header);

    pthread_mutex_lock(&table->lock);
    arena_use_frames(header, limit);
    for (uint32_t i = used + 1; i <= limit; i++)
        mark_free(table, i);
    table->limit = limit;
    count_free(table);
    drop_free(table, limit + 1, before);
    pthread_cond_broadcast(&table->freed);
    pthread_mutex_unlock(&table->lock);
}

uint32_t frame_take(struct frame_table *table, uint32_t *frames, uint32_t wanted)
{
    uint32_t taken = 0;

    pthread_mutex_lock(&table->lock);
    while (wanted - taken >= 64 && take_word(table, frames + taken))
        taken += 64;
    while (taken < wanted && table->free_count)
        frames[taken++] = take_lowest(table);
    pthread_mutex_unlock(&table->lock);
    for (uint32_t i = 0; i < taken; i++) {
        if (!table->present[frames[i]]) {
            *(volatile char *)arena_page(table->arena, frames[i]) = 0;
            table->present[frames[i]] = 1;
        }
    }
    return taken;
}

void frame_shrink_spill(struct frame_table *table)
{
    struct arena_header *header = table->arena->header;
    uint32_t have, keep;

    pthread_mutex_lock(&table->lock);
    have = header->spilled;
    if (have && table->spill_free_count == have) {
        keep = have > SHRINK_STEP ? have - SHRINK_STEP : 0;
        atomic_store(&header->spilled, keep);
        fill_spill(table);
        if (ftruncate(table->spill, (off_t)keep << PAGE_SHIFT))
            log_limited(&table->spill_logged, "the spill file keeps its blocks: %s", strerror(errno));
    }
    pthread_mutex_unlock(&table->lock);
}

/* The lock is held. */
static int grow_spill(struct frame_table *table)
{
    struct arena_header *header = table->arena->header;
    uint32_t have = header->spilled, step = header->spill_max - have;

    if (!step)
        return -ENOSPC;
    if (step > SPILL_STEP)
        step = SPILL_STEP;
    if (fallocate(table->spill, 0, (off_t)have << PAGE_SHIFT, (off_t)step << PAGE_SHIFT))
        return -ENOSPC;
    log_limited(&table->spill_logged,
                "cache_size is used up: pages go to the spill file in the store (a larger cache_size avoids it)");
    atomic_store(&header->spilled, have + step);
    for (uint32_t i = step; i; i--)
        table->spill_free[table->spill_free_count++] = header->frame_max + have + i;
    return 0;
}

int frame_take_one(struct frame_table *table, enum frame_place place, uint32_t *frame)
{
    int error = 0;

    pthread_mutex_lock(&table->lock);
    if (table->free_count && place != FRAME_IN_SPILL) {
        *frame = take_lowest(table);
    } else if (place == FRAME_IN_MEMORY) {
        error = -EAGAIN;
    } else {
        if (!table->spill_free_count)
            error = grow_spill(table);
        if (!error)
            *frame = table->spill_free[--table->spill_free_count];
    }
    pthread_mutex_unlock(&table->lock);
    return error;
}

bool frame_wait(struct frame_table *table)
{
    struct timespec until = clock_after(WAIT_NANOSECONDS);
    int error = 0;
    bool free;

    pthread_mutex_lock(&table->lock);
    table->waiting++;
    while (!table->free_count && !error)
        error = clock_wait(&table->freed, &table->lock, &until);
    table->waiting--;
    free = table->free_count > 0;
    pthread_mutex_unlock(&table->lock);
    return free;
}

void frame_give(struct frame_table *table, const uint32_t *frames, uint32_t count)
{
    pthread_mutex_lock(&table->lock);
    for (uint32_t i = count; i--;) {
        if (frames[i] <= table->arena->header->frame_max)
            give_back(table, frames[i]);
        else
            table->spill_free[table->spill_free_count++] = frames[i];
    }
    if (table->waiting)
        pthread_cond_broadcast(&table->freed);
    pthread_mutex_unlock(&table->lock);
}

void frame_publish(struct frame_table *table, uint32_t frame, uint32_t file, uint64_t page, uint32_t flags)
{
    struct frame *truth = &table->arena->frames[frame];

    truth->page = page;
    truth->version = atomic_fetch_add(&table->arena->header->version, 1) + 1;
    atomic_store_explicit(&truth->position, 0, memory_order_relaxed);
    frame_use(truth, file, flags | frame_seal(file, page, truth->version));
    table->index[frame] = (struct frame_index){.page = page, .version = truth->version};
}

void frame_free(struct frame_table *table, struct frame_index *frame)
{
    uint32_t number = frame_number(table, frame);

    frame_use(frame_truth(table, frame), 0, 0);
    *frame = (struct frame_index){0};
    frame_give(table, &number, 1);
}
