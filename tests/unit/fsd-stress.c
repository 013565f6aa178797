/* Several threads write, cut, punch, read and commit the same few files while flusher and checkpointer work and the disk fails now and then;
 * every half kilobyte is compared with a model. STRESS_SECONDS and STRESS_SEED (printed) may be set. */
#include "config.h"

#include "fsd-support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file/flusher.h"
#include "file/status.h"

#define FILES 3u
#define PAGES 96u
#define SLOT 512u
#define SLOTS_A_PAGE (PAGE_BYTES / SLOT)
#define SLOTS (PAGES * SLOTS_A_PAGE)
#define THREADS 7u

/* Not cmocka's, which is for one thread. */
#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

static void check_slot(const char *what, unsigned slot, uint64_t found, uint64_t low, uint64_t high)
{
    if (found < low || found > high) {
        fprintf(stderr, "%s: page %u slot %u: %llu, expected %llu to %llu\n", what, slot / 8, slot % 8, (unsigned long long)found,
                (unsigned long long)low, (unsigned long long)high);
        abort();
    }
}

/* A slot is full of one number; the numbers of a slot only grow, but for 0 after a cut. */
struct model {
    uint32_t file;
    pthread_rwlock_t lock; /* shared: writers and readers of single pages; alone: cuts and holes */
    pthread_mutex_t pages[PAGES];
    _Atomic uint64_t slots[SLOTS];
    _Atomic uint64_t cuts;             /* begun or ended: an odd number while one is made */
    _Atomic uint64_t committed[SLOTS]; /* at least this is durable; guarded by commit_lock */
    uint64_t committed_cuts;
    pthread_mutex_t commit_lock;
};

struct stress {
    struct house *house;
    struct model models[FILES];
    _Atomic uint64_t last;           /* number given */
    _Atomic bool stop, stop_cutting; /* cutting ends first, so that what is committed then can be compared */
    unsigned seed;
    _Atomic uint64_t done[THREADS];
};

struct actor {
    struct stress *stress;
    unsigned number, random;
    pthread_t thread;
    void (*act)(struct actor *);
};

static unsigned any(struct actor *actor, unsigned below)
{
    return (unsigned)rand_r(&actor->random) % below;
}

static struct model *any_model(struct actor *actor)
{
    return &actor->stress->models[any(actor, FILES)];
}

static void fill(unsigned char *bytes, uint64_t number)
{
    for (size_t i = 0; i < SLOT; i += sizeof number)
        memcpy(bytes + i, &number, sizeof number);
}

/* The number that a slot is full of. */
static uint64_t number_of(const unsigned char *bytes)
{
    uint64_t number;

    memcpy(&number, bytes, sizeof number);
    CHECK(!memcmp(bytes, bytes + sizeof number, SLOT - sizeof number));
    return number;
}

static void lock_pages(struct model *model, unsigned slot, unsigned count, bool lock)
{
    for (unsigned page = slot / SLOTS_A_PAGE; page <= (slot + count - 1) / SLOTS_A_PAGE; page++)
        CHECK(!(lock ? pthread_mutex_lock : pthread_mutex_unlock)(&model->pages[page]));
}

/* What the model says is written by now. */
static void pass_pages(struct model *model)
{
    for (unsigned page = 0; page < PAGES; page++) {
        CHECK(!pthread_mutex_lock(&model->pages[page]));
        CHECK(!pthread_mutex_unlock(&model->pages[page]));
    }
}

static void act_write(struct actor *actor)
{
    struct stress *stress = actor->stress;
    struct files *files = stress->house->files;
    struct model *model = any_model(actor);
    bool mapped = any(actor, 2);
    unsigned unit = mapped ? SLOTS_A_PAGE : 1, count = (1 + any(actor, 24 / unit)) * unit;
    unsigned slot = any(actor, SLOTS - count + 1) / unit * unit, in_frames = any(actor, 5);
    unsigned char bytes[24 * SLOT];
    uint32_t frames[4];
    struct received data = {.frames = frames, .frame_count = frame_take(files->frames, frames, in_frames)};
    size_t size = (size_t)count * SLOT;

    CHECK(!pthread_rwlock_rdlock(&model->lock));
    lock_pages(model, slot, count, true);
    for (unsigned i = 0; i < count; i++) {
        uint64_t number = ++stress->last;

        fill(bytes + (size_t)i * SLOT, number);
        model->slots[slot + i] = number;
    }
    for (unsigned i = 0; i < data.frame_count && (size_t)i * PAGE_BYTES < size; i++)
        memcpy(arena_page(files->arena, frames[i]), bytes + (size_t)i * PAGE_BYTES,
               size - (size_t)i * PAGE_BYTES < PAGE_BYTES ? size - (size_t)i * PAGE_BYTES : PAGE_BYTES);
    data.rest = bytes + (size_t)data.frame_count * PAGE_BYTES;
    if ((size_t)data.frame_count * PAGE_BYTES > size)
        data.rest = NULL;
    CHECK(file_write(files, model->file, &data, size, (uint64_t)slot * SLOT, mapped ? WRITE_MAPPED : WRITE_PLAIN) == (ssize_t)size);
    lock_pages(model, slot, count, false);
    pthread_rwlock_unlock(&model->lock);
    for (unsigned i = 0; i < data.frame_count; i++) {
        if (frames[i])
            frame_give(files->frames, &frames[i], 1);
    }
}

static void act_cut(struct actor *actor)
{
    struct files *files = actor->stress->house->files;
    struct model *model = any_model(actor);
    unsigned slot = any(actor, SLOTS), end = SLOTS;
    bool punch = any(actor, 2);

    usleep(10000);
    if (actor->stress->stop_cutting)
        return;
    CHECK(!pthread_rwlock_wrlock(&model->lock));
    model->cuts++;
    if (punch) {
        end = slot + 1 + any(actor, SLOTS - slot);
        CHECK(!file_allocate(files, model->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (uint64_t)slot * SLOT,
                             (uint64_t)(end - slot) * SLOT));
    } else {
        CHECK(!file_truncate(files, model->file, (uint64_t)slot * SLOT));
        if (any(actor, 2))
            commit_file(actor->stress->house, model->file);
        CHECK(!file_truncate(files, model->file, (uint64_t)SLOTS * SLOT));
    }
    for (unsigned i = slot; i < end; i++)
        model->slots[i] = 0;
    model->cuts++;
    pthread_rwlock_unlock(&model->lock);
}

static void act_read_page(struct actor *actor)
{
    struct house *house = actor->stress->house;
    struct model *model = any_model(actor);
    unsigned page = any(actor, PAGES);
    unsigned char bytes[PAGE_BYTES];

    CHECK(!pthread_rwlock_rdlock(&model->lock));
    lock_pages(model, page * SLOTS_A_PAGE, 1, true);
    CHECK(file_read(house->files, inode_of(house, model->file), model->file, bytes, sizeof bytes, page * PAGE_BYTES) == PAGE_BYTES);
    for (unsigned i = 0; i < SLOTS_A_PAGE; i++) {
        uint64_t now = model->slots[page * SLOTS_A_PAGE + i];

        check_slot("a page", page * SLOTS_A_PAGE + i, number_of(bytes + (size_t)i * SLOT), now, now);
    }
    lock_pages(model, page * SLOTS_A_PAGE, 1, false);
    pthread_rwlock_unlock(&model->lock);
}

/* While others write: each slot is as it was before, or as somebody made it since. */
static void act_read_all(struct actor *actor)
{
    struct house *house = actor->stress->house;
    struct model *model = any_model(actor);
    static _Thread_local unsigned char bytes[SLOTS * SLOT];
    static _Thread_local uint64_t before[SLOTS], after[SLOTS];
    uint64_t cuts = model->cuts;
    ssize_t n;

    for (unsigned i = 0; i < SLOTS; i++)
        before[i] = model->slots[i];
    pass_pages(model);
    n = file_read(house->files, inode_of(house, model->file), model->file, bytes, sizeof bytes, 0);
    CHECK(n >= 0);
    for (unsigned i = 0; i < SLOTS; i++)
        after[i] = model->slots[i];
    if (cuts % 2 || model->cuts != cuts)
        return;
    CHECK(n == sizeof bytes);
    for (unsigned i = 0; i < SLOTS; i++)
        check_slot("a file", i, number_of(bytes + (size_t)i * SLOT), before[i], after[i]);
}

static void act_commit(struct actor *actor)
{
    struct stress *stress = actor->stress;
    struct model *model = any_model(actor);
    static _Thread_local uint64_t before[SLOTS];
    uint64_t cuts;

    pthread_mutex_lock(&model->commit_lock);
    cuts = model->cuts;
    for (unsigned i = 0; i < SLOTS; i++)
        before[i] = model->slots[i];
    pthread_mutex_unlock(&model->commit_lock);
    pass_pages(model);
    if (commit_file(stress->house, model->file) || cuts % 2)
        return;
    pthread_mutex_lock(&model->commit_lock);
    for (unsigned i = 0; i < SLOTS; i++) { /* of before a cut that a later commit has: not counted any more */
        if (cuts > model->committed_cuts || (cuts == model->committed_cuts && before[i] > model->committed[i]))
            model->committed[i] = before[i];
    }
    if (cuts > model->committed_cuts)
        model->committed_cuts = cuts;
    pthread_mutex_unlock(&model->commit_lock);
}

static void act_fail(struct actor *actor)
{
    struct house *house = actor->stress->house;
    struct recorder *recorder = &house->recorder;

    usleep(100000);
    pthread_mutex_lock(&recorder->lock);
    make_fail(house, any(actor, 2) ? WRITE : SYNC, any(actor, 4) == 0, EIO, 1);
    pthread_mutex_unlock(&recorder->lock);
}

static void *run(void *argument)
{
    struct actor *actor = argument;

    while (!actor->stress->stop) {
        actor->act(actor);
        actor->stress->done[actor->number]++;
    }
    return NULL;
}

/* What the store has of a file is at least what was last committed. */
static void check_store(struct stress *stress, struct model *model, const char *name, bool exact)
{
    unsigned char *bytes = calloc(1, SLOTS * SLOT);
    int fd = openat(stress->house->root, name, O_RDONLY | O_CLOEXEC);

    assert_non_null(bytes);
    assert_int_equal(pread(fd, bytes, SLOTS * SLOT, 0), SLOTS * SLOT);
    for (unsigned i = 0; i < SLOTS; i++) {
        uint64_t found = number_of(bytes + (size_t)i * SLOT);

        if (exact)
            check_slot("the store at the end", i, found, model->slots[i], model->slots[i]);
        else if (model->cuts == model->committed_cuts)
            check_slot("the store", i, found, model->committed[i], model->slots[i]);
    }
    close(fd);
    free(bytes);
}

/* What is told without a look at each page is the same. */
static void check_counts(struct files *files, uint32_t file)
{
    struct page_counts counts = status_count(files, file, NULL, 0);
    struct mapshare_abi_info info;

    status_info(files, file, &info);
    assert_int_equal(info.received, counts.of[MAPSHARE_ABI_RECEIVED]);
    assert_int_equal(info.committed, counts.of[MAPSHARE_ABI_COMMITTED]);
    assert_int_equal(info.writeback, counts.of[MAPSHARE_ABI_WRITEBACK]);
    assert_int_equal(info.failed, counts.of[MAPSHARE_ABI_FAILED]);
}

static void check_all(struct stress *stress)
{
    struct house *house = stress->house;
    unsigned char *bytes = malloc(SLOTS * SLOT);

    assert_non_null(bytes);
    for (unsigned f = 0; f < FILES; f++) {
        struct model *model = &stress->models[f];

        assert_int_equal(file_read(house->files, inode_of(house, model->file), model->file, bytes, SLOTS * SLOT, 0), SLOTS * SLOT);
        for (unsigned i = 0; i < SLOTS; i++)
            check_slot("all", i, number_of(bytes + (size_t)i * SLOT), model->slots[i], model->slots[i]);
        check_counts(house->files, model->file);
    }
    free(bytes);
}

static void for_each_store(struct stress *stress, bool exact)
{
    for (unsigned f = 0; f < FILES; f++)
        check_store(stress, &stress->models[f], (char[]){'a' + f, 0}, exact);
}

static void start(struct stress *stress)
{
    for (unsigned f = 0; f < FILES; f++) {
        struct model *model = &stress->models[f];

        model->file = make_file(stress->house, (char[]){'a' + f, 0}, PAGES, 0);
        pthread_rwlock_init(&model->lock, NULL);
        pthread_mutex_init(&model->commit_lock, NULL);
        for (unsigned page = 0; page < PAGES; page++)
            pthread_mutex_init(&model->pages[page], NULL);
    }
    file_set_atomic(stress->house->files, stress->models[0].file, true);
}

static void finish(struct stress *stress)
{
    struct house *house = stress->house;
    int tries = 0;

    house->recorder.failures = 0;
    check_all(stress);
    while (checkpoint_all(house->files))
        assert_true(tries++ < 3);
    for_each_store(stress, false);
    house_replace_worker(house); /* nothing but the arena is left */
    check_all(stress);
    for (unsigned f = 0; f < FILES; f++) {
        commit_file(house, stress->models[f].file); /* tells an old failure once more */
        assert_int_equal(checkpoint_all(house->files), 0);
        assert_int_equal(commit_file(house, stress->models[f].file), 0);
    }
    assert_int_equal(checkpoint_all(house->files), 0);
    for_each_store(stress, true);
    check_all(stress);
    assert_int_equal(frame_free_count(house->files->frames), house->arena.header->frame_max);
    assert_int_equal(house->files->frames->spill_free_count, house->arena.header->spilled);
    assert_int_equal(journal_used(house->worker->journal), 0);
}

static void all_at_once(void **state)
{
    static void (*const acts[THREADS])(struct actor *) = {act_write,    act_write,  act_write, act_cut,
                                                          act_read_all, act_commit, act_fail};
    const char *seed = getenv("STRESS_SEED"), *seconds = getenv("STRESS_SECONDS");
    struct stress *stress = calloc(1, sizeof *stress);
    struct actor actors[THREADS + 2] = {0};
    pthread_t flusher, checkpointer;

    (void)state;
    assert_non_null(stress);
    stress->seed = seed ? (unsigned)atoi(seed) : (unsigned)time_now();
    fprintf(stderr, "STRESS_SEED=%u\n", stress->seed);
    stress->house = house_open(160, 5000, 4 * MIB);
    stress->house->arena.header->tunings[0].commit_interval = 1;
    start(stress);
    assert_int_equal(pthread_create(&flusher, NULL, flusher_thread, stress->house->files), 0);
    assert_int_equal(pthread_create(&checkpointer, NULL, checkpoint_thread, stress->house->files), 0);
    for (unsigned i = 0; i < THREADS + 2; i++) {
        actors[i] = (struct actor){.stress = stress, .number = i % THREADS, .random = stress->seed + i};
        actors[i].act = i < THREADS ? acts[i] : i == THREADS ? act_read_page : act_commit;
        assert_int_equal(pthread_create(&actors[i].thread, NULL, run, &actors[i]), 0);
    }
    sleep(seconds ? (unsigned)atoi(seconds) : 3);
    stress->stop_cutting = true;
    usleep(500000);
    stress->stop = true;
    for (unsigned i = 0; i < THREADS + 2; i++)
        pthread_join(actors[i].thread, NULL);
    wishes_stop(&stress->house->files->wishes);
    pthread_join(flusher, NULL);
    pthread_join(checkpointer, NULL);
    printf("done:");
    for (unsigned i = 0; i < THREADS; i++) {
        printf(" %llu", (unsigned long long)stress->done[i]);
        assert_true(stress->done[i] > 0);
    }
    printf("; %llu commits, %llu pages checkpointed, %u spilled\n",
           (unsigned long long)stress->house->arena.header->counters.commits,
           (unsigned long long)stress->house->arena.header->counters.pages_checkpointed, stress->house->arena.header->spilled);
    finish(stress);
    house_close(stress->house);
    free(stress);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_at_once)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
