/* Snapshots: files as of one commit. Random changes, commits that fail or do not, checkpoints, rollbacks and deaths; each snapshot differs in nothing
 * from a model as it was when it was taken. And what they may take, and give back. */
#include "config.h"

#include "file/ahead.h"
#include "file/rollback.h"
#include "file/snapshot.h"
#include "fsd-support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* What the dead held is lost, as it would be. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static void taken(struct commit_waiter *waiter, const struct commit_result *result)
{
    *(struct commit_result *)waiter->context = *result;
}

static struct user *user(struct house *house, uint32_t number)
{
    return user_find(&house->worker->inodes.users, number);
}

static uint64_t take_all(struct house *house, const uint32_t *files, uint32_t count, struct snapshot **snapshots, uint32_t whose)
{
    struct commit_result result = {.error = 1};
    struct commit_waiter waiter = {
        .files = files, .count = count, .snapshots = snapshots, .user = user(house, whose), .done = taken, .context = &result};

    commit_submit(house->files, &waiter, 1);
    assert_int_equal(result.error, 0);
    return result.sequence;
}

static struct snapshot *take(struct house *house, uint32_t file)
{
    struct snapshot *snapshot;

    take_all(house, &file, 1, &snapshot, 0);
    return snapshot;
}

/* In pieces of odd lengths. NULL: it is over. */
static const char *shown(struct house *house, struct snapshot *snapshot)
{
    static unsigned char bytes[40 * PAGE_BYTES], piece[SNAPSHOT_BYTES];
    size_t size = 0;
    ssize_t n;

    while ((n = snapshot_read(house->files, snapshot, piece, 3 + size % 7001 * 2, size)) > 0) {
        assert_true(size + (size_t)n <= sizeof bytes);
        memcpy(bytes + size, piece, (size_t)n);
        size += (size_t)n;
    }
    if (n == -ESTALE)
        return NULL;
    assert_int_equal(n, 0);
    assert_int_equal(size, snapshot->size);
    return letters_of(bytes, size);
}

static unsigned kept(struct house *house)
{
    return slots_in_use(&house->files->snapshots.slots);
}

static uint32_t held(struct house *house, uint32_t whose)
{
    return user(house, whose)->holds[HOLDS_SNAPSHOTS];
}

static void commit(struct house *house, uint32_t file)
{
    assert_int_equal(commit_file(house, file), 0);
}

static void cut(struct house *house, uint32_t file, uint64_t size)
{
    assert_int_equal(file_truncate(house->files, file, size), 0);
}

/* ---- by hand ---- */

static void what_a_commit_replaces_is_kept(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');
    struct snapshot *first, *second;

    put_page(house, file, 1, 'x');
    first = take(house, file); /* not committed: not in it */
    assert_string_equal(shown(house, first), "aaaa");
    commit(house, file);
    assert_int_equal(kept(house), 1);
    second = take(house, file);
    put_page(house, file, 1, 'y');
    put_page(house, file, 2, 'y');
    put_page(house, file, 7, 'y');
    commit(house, file);
    put_page(house, file, 2, 'z');
    commit(house, file);
    assert_int_equal(kept(house), 3); /* of the third commit nothing is needed */
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(shown(house, first), "aaaa");
    assert_string_equal(shown(house, second), "axaa");
    assert_string_equal(seen(house, file, 0, 9), "ayza...y");
    snapshot_close(house->files, second);
    assert_int_equal(kept(house), 2); /* page 2 is the first one's now */
    assert_string_equal(shown(house, first), "aaaa");
    snapshot_close(house->files, first);
    assert_int_equal(kept(house), 0);
    assert_int_equal(held(house, 0), 0);
}

static void what_is_cut_off_is_kept(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 6, 'a');
    struct snapshot *snapshots[3];

    put_page(house, file, 4, 'b');
    commit(house, file);
    snapshots[0] = take(house, file);
    cut(house, file, 2 * PAGE_BYTES + 100);
    assert_string_equal(shown(house, snapshots[0]), "aaaaba"); /* hidden, not gone */
    commit(house, file);
    snapshots[1] = take(house, file);
    assert_int_equal(snapshots[1]->size, 2 * PAGE_BYTES + 100);
    cut(house, file, 5 * PAGE_BYTES);
    commit(house, file);
    snapshots[2] = take(house, file);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(shown(house, snapshots[0]), "aaaaba");
    assert_string_equal(shown(house, snapshots[1]), "aaa");
    assert_string_equal(shown(house, snapshots[2]), "aa?..");
    for (int i = 0; i < 3; i++)
        snapshot_close(house->files, snapshots[i]);
    assert_int_equal(kept(house), 0);
}

/* Of a truncation to nothing and back only what there was is kept. */
static void holes_need_no_room(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 2, 'a');
    struct snapshot *snapshot;

    put_page(house, file, 3000000, 'b');
    commit(house, file);
    assert_int_equal(checkpoint_all(house->files), 0);
    snapshot = take(house, file);
    cut(house, file, 0);
    commit(house, file);
    assert_int_equal(kept(house), 3);
    snapshot_close(house->files, snapshot);
    assert_int_equal(kept(house), 0);
}

/* A page received while a commit is made that fails, and then one that does not. */
static void a_commit_that_fails_changes_nothing(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 3, 'a');
    struct snapshot *snapshot;

    put_page(house, file, 1, 'b');
    commit(house, file);
    snapshot = take(house, file);
    put_page(house, file, 1, 'c');
    make_fail(house, WRITE, true, EIO, 1);
    assert_int_equal(commit_file(house, file), -EIO);
    assert_string_equal(shown(house, snapshot), "aba");
    assert_int_equal(rollback_file(house->files, file), 0);
    assert_string_equal(shown(house, snapshot), "aba");
    assert_int_equal(kept(house), 0);
    snapshot_close(house->files, snapshot);
}

/* One that was journaled ahead, and replaced, goes from between. */
static void what_lies_between_goes(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 3, 'a');
    struct snapshot *snapshot;

    put_page(house, file, 1, 'b');
    commit(house, file);
    snapshot = take(house, file);
    put_page(house, file, 1, 'c');
    ahead_journal(house->files, file);
    put_page(house, file, 1, 'd');
    make_fail(house, WRITE, true, EIO, 1);
    assert_int_equal(commit_file(house, file), -EIO);
    assert_string_equal(shown(house, snapshot), "aba");
    commit(house, file);
    assert_string_equal(shown(house, snapshot), "aba");
    assert_string_equal(seen(house, file, 0, 9), "ada");
    snapshot_close(house->files, snapshot);
}

/* After a death nothing tells what a received page replaced but the order in which they were found. */
static void the_next_worker_knows_what_is_committed(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 3, 'a');
    struct snapshot *snapshot;

    put_page(house, file, 1, 'b');
    commit(house, file);
    put_page(house, file, 1, 'c');
    house_replace_worker(house);
    snapshot = take(house, file);
    assert_string_equal(shown(house, snapshot), "aba");
    commit(house, file);
    assert_string_equal(shown(house, snapshot), "aba");
    assert_string_equal(seen(house, file, 0, 9), "aca");
    snapshot_close(house->files, snapshot);
}

/* The last name is gone and nobody has it open: only the snapshot needs what is committed. */
static void a_removed_file_is_read_on(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 3, 'a');
    struct snapshot *snapshot;

    put_page(house, file, 1, 'b');
    commit(house, file);
    snapshot = take(house, file);
    file_drop(house->files, file);
    assert_string_equal(shown(house, snapshot), "aba");
    snapshot_close(house->files, snapshot);
    file_drop(house->files, file);
    assert_string_equal(counts(house, file), "0,0,0,0");
}

static struct house *amid_read; /* whose file 1 is committed, and checkpointed, while the store is read */

int __real_page_read_store(int fd, unsigned char *buffer, size_t size, uint64_t offset, uint64_t valid);
int __wrap_page_read_store(int fd, unsigned char *buffer, size_t size, uint64_t offset, uint64_t valid);
int __wrap_page_read_store(int fd, unsigned char *buffer, size_t size, uint64_t offset, uint64_t valid)
{
    struct house *house = amid_read;

    amid_read = NULL;
    if (house) {
        put_page(house, 1, 0, 'x');
        commit(house, 1);
        assert_int_equal(checkpoint_all(house->files), 0);
    }
    return __real_page_read_store(fd, buffer, size, offset, valid);
}

static void a_commit_amid_a_read_is_not_seen(void **state)
{
    struct house *house = *state;
    struct snapshot *snapshot;

    assert_int_equal(make_file(house, "a", 3, 'a'), 1);
    snapshot = take(house, 1);
    amid_read = house;
    assert_string_equal(shown(house, snapshot), "aaa");
    assert_null(amid_read);
    assert_string_equal(stored(house, "a"), "xaa");
    snapshot_close(house->files, snapshot);
}

/* ---- bounds ---- */

static void fill(struct house *house, uint32_t file, unsigned pages, char letter)
{
    put(house, file, 0, (size_t)pages * PAGE_BYTES, letter);
    commit(house, file);
}

/* Who takes too much is over, and others, and commits, go on. */
static void each_has_a_share(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 12, 'a');
    struct snapshot *poor, *rich, *late;

    house->worker->inodes.users.limits[HOLDS_SNAPSHOTS] = 8;
    take_all(house, &file, 1, &rich, 0);
    take_all(house, &file, 1, &poor, 7000);
    fill(house, file, 8, 'b');
    assert_int_equal(held(house, 7000), 8);
    assert_string_equal(shown(house, poor), "aaaaaaaaaaaa");
    take_all(house, &file, 1, &late, 7000);
    fill(house, file, 9, 'c');
    assert_null(shown(house, late));
    assert_null(shown(house, poor));
    assert_string_equal(shown(house, rich), "aaaaaaaaaaaa");
    snapshots_sweep(house->files);
    assert_int_equal(held(house, 7000), 0);
    assert_int_equal(held(house, 0), 9);
    assert_int_equal(kept(house), 9);
    snapshot_close(house->files, poor);
    snapshot_close(house->files, rich);
    snapshot_close(house->files, late);
    assert_int_equal(kept(house), 0);
}

static void all_together_have_a_bound(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 12, 'a'), other = make_file(house, "b", 2, 'b');
    struct snapshot *large, *small;

    house->files->snapshots.slots.max = 8;
    small = take(house, other);
    fill(house, other, 1, 'c');
    large = take(house, file);
    fill(house, file, 8, 'b');
    assert_null(shown(house, large));
    assert_string_equal(shown(house, small), "bb");
    snapshots_sweep(house->files);
    assert_int_equal(kept(house), 1);
    snapshot_close(house->files, large);
    snapshot_close(house->files, small);
}

static void a_store_that_fails_ends_snapshots_only(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 3, 'a');
    struct snapshot *snapshot = take(house, file);

    make_fail(house, WRITE, false, EIO, 1);
    fill(house, file, 2, 'b');
    assert_null(shown(house, snapshot));
    assert_string_equal(seen(house, file, 0, 9), "bba");
    snapshot_close(house->files, snapshot);
    assert_int_equal(kept(house), 0);
}

/* ---- at random ---- */

#define FILES 3
#define PAGES 12
#define SNAPSHOTS 6

struct model {
    uint32_t file;
    char now[PAGES + 1], committed[PAGES + 1]; /* as seen() tells them */
};

struct view {
    struct snapshot *of[FILES]; /* NULL: there is none */
    char pages[FILES][PAGES + 1];
    uint64_t sequence;
};

struct world {
    struct house *house;
    struct model models[FILES];
    struct view views[SNAPSHOTS];
    uint64_t random;
};

static uint32_t next(struct world *world)
{
    uint64_t *state = &world->random;

    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 16;
}

static void grow_image(char *image, unsigned pages)
{
    for (unsigned size = strlen(image); size < pages; size++) {
        image[size] = '.';
        image[size + 1] = 0;
    }
}

static void change(struct world *world, struct model *model)
{
    unsigned page = next(world) % PAGES;
    char letter = 'a' + next(world) % 26;

    switch (next(world) % 8) {
    case 0:
        cut(world->house, model->file, (uint64_t)page * PAGE_BYTES);
        grow_image(model->now, page);
        model->now[page] = 0;
        break;
    case 1:
        assert_int_equal(file_allocate(world->house->files, model->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                       (uint64_t)page * PAGE_BYTES, PAGE_BYTES),
                         0);
        if (page < strlen(model->now))
            model->now[page] = '.';
        break;
    case 2:
        ahead_journal(world->house->files, model->file);
        break;
    case 3: /* cut within a page, and grown again: a page of one letter, and of zeros behind it */
        if (page >= strlen(model->now))
            break;
        cut(world->house, model->file, (uint64_t)page * PAGE_BYTES + 100);
        cut(world->house, model->file, (uint64_t)(page + 1) * PAGE_BYTES);
        model->now[page] = model->now[page] == '.' ? '.' : '?';
        model->now[page + 1] = 0;
        break;
    default:
        put_page(world->house, model->file, page, letter);
        grow_image(model->now, page + 1);
        model->now[page] = letter;
    }
}

static void commit_some(struct world *world)
{
    struct files *files = world->house->files;
    uint32_t numbers[FILES], count = 1 + next(world) % FILES, first = next(world);
    uint64_t before = journal_sequence(files->journal);

    make_fail(world->house, WRITE, true, EIO, next(world) % 4 == 0);
    for (uint32_t i = 0; i < count; i++)
        numbers[i] = world->models[(first + i) % FILES].file;
    commit_files(world->house, numbers, count);
    make_fail(world->house, WRITE, true, EIO, 0);
    for (uint32_t i = 0; i < count && journal_sequence(files->journal) != before; i++)
        strcpy(world->models[(first + i) % FILES].committed, world->models[(first + i) % FILES].now);
}

static void open_or_close(struct world *world)
{
    struct view *view = &world->views[next(world) % SNAPSHOTS];
    uint32_t numbers[FILES];

    for (unsigned i = 0; i < FILES; i++) {
        if (view->of[i])
            snapshot_close(world->house->files, view->of[i]);
        numbers[i] = world->models[i].file;
        strcpy(view->pages[i], world->models[i].committed);
    }
    if (!view->of[0])
        view->sequence = take_all(world->house, numbers, FILES, view->of, 0);
    else
        memset(view->of, 0, sizeof view->of);
}

/* With them end the snapshots. */
static void replace_worker(struct world *world)
{
    house_replace_worker(world->house);
    memset(world->views, 0, sizeof world->views);
}

static void one_round(struct world *world)
{
    struct house *house = world->house;
    struct model *model = &world->models[next(world) % FILES];

    switch (next(world) % 32) {
    case 0:
        make_fail(house, WRITE, false, EIO, next(world) % 2);
        checkpoint_all(house->files);
        make_fail(house, WRITE, false, EIO, 0);
        break;
    case 1:
        assert_in_range(rollback_file(house->files, model->file) + EALREADY, 0, EALREADY);
        rollback_seen(house->files, model->file);
        strcpy(model->now, model->committed);
        break;
    case 2:
        if (next(world) % 8 == 0)
            replace_worker(world);
        break;
    case 3:
    case 4:
    case 5:
        open_or_close(world);
        break;
    case 6:
    case 7:
    case 8:
    case 9:
        commit_some(world);
        break;
    default:
        change(world, model);
    }
}

static void check(struct world *world)
{
    for (unsigned i = 0; i < FILES; i++) {
        assert_string_equal(seen(world->house, world->models[i].file, 0, PAGES), world->models[i].now);
        for (unsigned j = 0; j < SNAPSHOTS; j++) {
            if (world->views[j].of[i])
                assert_string_equal(shown(world->house, world->views[j].of[i]), world->views[j].pages[i]);
        }
    }
}

static void the_model_never_differs(void **state)
{
    static const char *const names[FILES] = {"a", "b", "c"};
    struct world world = {.house = *state};
    const char *seed = getenv("SEED");

    world.random = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) * 2654435761u;
    print_message("seed: SEED=%llu\n", (unsigned long long)world.random);
    world.random |= 1;
    for (unsigned i = 0; i < FILES; i++) {
        struct model *model = &world.models[i];

        *model = (struct model){.file = make_file(world.house, names[i], 4 * i, 'A')};
        memset(model->now, 'A', 4 * i);
        strcpy(model->committed, model->now);
        file_set_atomic(world.house->files, model->file, i == 1);
    }
    for (unsigned round = 0; round < 6000; round++) {
        one_round(&world);
        check(&world);
    }
    for (unsigned i = 0; i < SNAPSHOTS * FILES; i++) {
        if (world.views[i / FILES].of[i % FILES])
            snapshot_close(world.house->files, world.views[i / FILES].of[i % FILES]);
    }
    assert_int_equal(kept(world.house), 0);
    assert_int_equal(held(world.house, 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_commit_replaces_is_kept),
        TEST(what_is_cut_off_is_kept),
        TEST(holes_need_no_room),
        TEST(a_commit_that_fails_changes_nothing),
        TEST(what_lies_between_goes),
        TEST(the_next_worker_knows_what_is_committed),
        TEST(a_removed_file_is_read_on),
        TEST(a_commit_amid_a_read_is_not_seen),
        TEST(each_has_a_share),
        TEST(all_together_have_a_bound),
        TEST(a_store_that_fails_ends_snapshots_only),
        TEST(the_model_never_differs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
