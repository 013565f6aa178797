/* The way back to a file's last commit: random changes, commits, checkpoints and rollbacks of several files, with deaths amid rollbacks, differ in
 * nothing from a model. */
#include "config.h"

#include "file/ahead.h"
#include "file/rollback.h"
#include "fsd-support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- death at a step of a rollback ---- */

static jmp_buf grave;
static unsigned steps_left; /* 0: immortal */

/* What the dead held on their stacks is lost, as it would be. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static void step(void)
{
    if (steps_left && --steps_left == 0)
        longjmp(grave, 1);
}

void __real_version_rollback(struct files *files, struct file_index *index);
void __wrap_version_rollback(struct files *files, struct file_index *index);
void __real_version_settle(struct files *files, struct file_index *index);
void __wrap_version_settle(struct files *files, struct file_index *index);
void __real_page_move(struct files *files, struct file_index *index, struct frame_index *frame, enum frame_state state);
void __wrap_page_move(struct files *files, struct file_index *index, struct frame_index *frame, enum frame_state state);
void __real_page_show(struct files *files, struct file_index *index, struct frame_index *frame);
void __wrap_page_show(struct files *files, struct file_index *index, struct frame_index *frame);

void __wrap_version_rollback(struct files *files, struct file_index *index)
{
    step();
    __real_version_rollback(files, index);
}

void __wrap_version_settle(struct files *files, struct file_index *index)
{
    step();
    __real_version_settle(files, index);
}

void __wrap_page_move(struct files *files, struct file_index *index, struct frame_index *frame, enum frame_state state)
{
    step();
    __real_page_move(files, index, frame, state);
}

void __wrap_page_show(struct files *files, struct file_index *index, struct frame_index *frame)
{
    step();
    __real_page_show(files, index, frame);
}

static void roll_back(struct house *house, uint32_t file)
{
    int error = rollback_file(house->files, file);

    assert_true(error == 0 || error == -EALREADY);
    rollback_seen(house->files, file);
}

/* Dies at that step, unless it has fewer. Once begun it is ended by the next worker, also if the kernel did not ask again. */
static void die_rolling_back(struct house *house, uint32_t file, unsigned at)
{
    bool begun;

    steps_left = at;
    if (!setjmp(grave))
        rollback_file(house->files, file);
    steps_left = 0;
    begun = house->arena.files[file].flags & FILE_STALE;
    house_replace_worker(house);
    if (begun)
        rollback_seen(house->files, file);
    else
        roll_back(house, file);
}

/* As the kernel sends it, with all that a page has. */
static void put_mapped(struct house *house, uint32_t file, uint64_t page, unsigned pages, char letter)
{
    unsigned char bytes[8 * PAGE_BYTES];
    struct received data = {.rest = bytes};

    memset(bytes, letter, sizeof bytes);
    assert_int_equal(file_write(house->files, file, &data, pages * PAGE_BYTES, page << PAGE_SHIFT, WRITE_MAPPED),
                     pages * PAGE_BYTES);
}

static void queue_answered(struct commit_waiter *waiter, const struct commit_result *result)
{
    assert_int_equal(result->error, 0);
    *(bool *)waiter->context = true;
}

/* As a request does, with a commit that was asked for before. */
static void roll_back_by_queue(struct house *house, uint32_t file)
{
    bool answered[2] = {false, false};
    struct commit_waiter waiters[2] = {
        {.files = &file, .count = 1, .done = queue_answered, .context = &answered[0]},
        {.files = &file, .count = 1, .rolls_back = true, .done = queue_answered, .context = &answered[1]},
    };

    commit_submit(house->files, waiters, 2);
    assert_true(answered[0] && answered[1]);
    rollback_seen(house->files, file);
}

static struct stat attributes(struct house *house, uint32_t file)
{
    struct stat stat = {0};

    file_attributes(house->files, file, &stat, NULL);
    return stat;
}

static bool same(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static void set_times(struct house *house, uint32_t file, time_t second)
{
    file_set_times(house->files, file, FILE_ATIME | FILE_MTIME, (struct timespec){second, 1}, (struct timespec){second, 2});
}

/* ---- by hand ---- */

static void what_is_committed_comes_back_into_view(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    put_page(house, file, 2, 'c');
    assert_int_equal(commit_file(house, file), 0);
    put_page(house, file, 1, 'd');
    put(house, file, 5 * PAGE_BYTES, 100, 'e');
    roll_back(house, file);
    assert_string_equal(seen(house, file, 0, 9), "abca");
    assert_string_equal(states(house, file), "C1-2");
    assert_string_equal(counts(house, file), "0,0,2,0");
    assert_int_equal(frame_free_count(house->files->frames), 1022);
    assert_false(index_of(house, file)->listed[LIST_CHANGED].on);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "abca");
}

static void sizes_and_times_go_back(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 6, 'a');
    struct stat before, changed;

    set_times(house, file, 1000);
    put_page(house, file, 5, 'b');
    assert_int_equal(commit_file(house, file), 0);
    before = attributes(house, file);
    assert_int_equal(file_truncate(house->files, file, PAGE_BYTES + 7), 0);
    assert_int_equal(file_truncate(house->files, file, 9 * PAGE_BYTES), 0);
    do { /* the clock goes in steps */
        set_times(house, file, 2000);
        changed = attributes(house, file);
    } while (same(changed.st_ctim, before.st_ctim));
    assert_string_equal(seen(house, file, 0, 9), "a?.......");
    roll_back(house, file);
    assert_true(same(attributes(house, file).st_ctim, changed.st_ctim));
    assert_string_equal(seen(house, file, 0, 9), "aaaaab");
    assert_int_equal(attributes(house, file).st_size, before.st_size);
    assert_true(same(attributes(house, file).st_mtim, before.st_mtim) && same(attributes(house, file).st_atim, before.st_atim));
    assert_true(commit_needless(house->files, inode_of(house, file), file));
}

/* The file that no commit has had is as it was when it was first opened for writing. */
static void without_a_commit_it_is_as_it_was(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 3, 'a'), fresh = make_file(house, "b", 0, 'b');

    put_page(house, file, 1, 'x');
    put_page(house, fresh, 0, 'x');
    roll_back(house, file);
    roll_back(house, fresh);
    assert_string_equal(seen(house, file, 0, 9), "aaa");
    assert_string_equal(seen(house, fresh, 0, 9), "");
    assert_int_equal(attributes(house, fresh).st_size, 0);
}

/* What a commit cut off stays away, and a page that its checkpoint has stored meanwhile is the store's. */
static void truncations_of_commits_stay(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 6, 'a');

    put_page(house, file, 4, 'b');
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(file_truncate(house->files, file, 2 * PAGE_BYTES), 0);
    put_page(house, file, 3, 'c');
    assert_int_equal(commit_file(house, file), 0);
    put_page(house, file, 4, 'd');
    put_page(house, file, 3, 'd');
    assert_int_equal(checkpoint_all(house->files), 0);
    roll_back(house, file);
    assert_string_equal(seen(house, file, 0, 9), "aa.c");
    assert_string_equal(states(house, file), "");
}

/* Pages that could not be committed, and a file that lost some, are what a rollback is for. */
static void a_failed_and_a_torn_file_are_sound_again(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    file_set_atomic(house->files, file, true);
    put_page(house, file, 1, 'b');
    make_fail(house, WRITE, true, EIO, 1);
    assert_int_equal(commit_file(house, file), -EIO);
    assert_string_equal(states(house, file), "F1");
    file_tear(house->files, file);
    assert_int_equal(commit_file(house, file), -ENOSPC);
    roll_back(house, file);
    assert_int_equal(house->arena.files[file].error, 0);
    assert_int_equal(house->arena.files[file].flags, FILE_ATOMIC);
    assert_string_equal(states(house, file), "");
    assert_string_equal(seen(house, file, 0, 9), "aaaa");
    put_page(house, file, 2, 'c');
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(seen(house, file, 0, 9), "aaca");
}

/* A committed page that the store refuses is kept, and its error. */
static void what_is_committed_and_failed_stays_so(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    assert_int_equal(commit_file(house, file), 0);
    make_fail(house, WRITE, false, EIO, 1);
    assert_int_equal(checkpoint_all(house->files), -EIO);
    put_page(house, file, 1, 'c');
    put_page(house, file, 2, 'c');
    roll_back(house, file);
    assert_int_equal(house->arena.files[file].error, EIO);
    assert_string_equal(states(house, file), "F1");
    assert_string_equal(seen(house, file, 0, 9), "abaa");
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "abaa");
}

static void pages_journaled_ahead_are_let_go(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    ahead_journal(house->files, file);
    assert_string_equal(counts(house, file), "0,1,0,0");
    roll_back(house, file);
    assert_string_equal(counts(house, file), "0,0,0,0");
    assert_string_equal(seen(house, file, 0, 9), "aaaa");
    put_page(house, file, 2, 'c');
    assert_int_equal(commit_file(house, file), 0);
    house_recover(house);
    assert_string_equal(stored(house, "a"), "aaca");
}

/* What the kernel may still have is known to the next worker; what was committed after the rollback stays. */
static void a_death_after_it_takes_nothing_more(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    rollback_file(house->files, file);
    put_page(house, file, 2, 'c');
    house_replace_worker(house);
    assert_int_equal(house->arena.files[file].flags, FILE_STALE);
    assert_string_equal(seen(house, file, 0, 9), "aaca");
    rollback_seen(house->files, file);
    assert_int_equal(house->arena.files[file].flags, 0);
    assert_int_equal(file_truncate(house->files, file, 0), 0);
    roll_back(house, file);
    house_replace_worker(house);
    assert_string_equal(seen(house, file, 0, 9), "aaaa");
    assert_true(commit_needless(house->files, inode_of(house, file), file));
}

/* The kernel does not know the file's end yet: what it sends from behind does not appear when the file grows. */
static void what_comes_late_is_cut_at_the_end(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');
    struct stat before;

    assert_int_equal(file_truncate(house->files, file, 3 * PAGE_BYTES + 100), 0);
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(file_truncate(house->files, file, 8 * PAGE_BYTES), 0);
    roll_back(house, file);
    before = attributes(house, file);
    put_mapped(house, file, 5, 2, 'x');
    assert_string_equal(states(house, file), "");
    assert_true(same(attributes(house, file).st_mtim, before.st_mtim));
    put_mapped(house, file, 2, 3, 'y');
    assert_string_equal(seen(house, file, 0, 9), "aayy");
    assert_int_equal(file_truncate(house->files, file, 8 * PAGE_BYTES), 0);
    assert_string_equal(seen(house, file, 0, 9), "aay?....");
}

static void an_unchanged_file_is_left_alone(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    assert_int_equal(rollback_file(house->files, file), -EALREADY);
    put_page(house, file, 1, 'b');
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(rollback_file(house->files, file), -EALREADY);
    assert_int_equal(house->arena.files[file].flags, 0);
    set_times(house, file, 5);
    assert_int_equal(rollback_file(house->files, file), 0);
    assert_int_equal(rollback_file(house->files, file), 0); /* the kernel has not heard of it */
    rollback_seen(house->files, file);
    assert_int_equal(rollback_file(house->files, file), -EALREADY);
    file_tear(house->files, file);
    assert_int_equal(rollback_file(house->files, file), 0);
    assert_int_equal(house->arena.files[file].error, 0);
}

static void amid_a_write(void *context, enum operation operation, bool journal)
{
    struct house *house = context;
    uint32_t file = 1;

    if (operation != WRITE || journal)
        return;
    house->recorder.before = NULL;
    assert_string_equal(counts(house, file), "0,0,0,1");
    put_page(house, file, 1, 'c');
    assert_int_equal(commit_file(house, file), 0);
    put_page(house, file, 1, 'd');
    roll_back(house, file);
    assert_string_equal(seen(house, file, 0, 9), "acaa");
    assert_int_equal(file_truncate(house->files, file, PAGE_BYTES), 0);
    put_page(house, file, 3, 'e');
    assert_int_equal(commit_file(house, file), 0);
    put_page(house, file, 1, 'f');
    roll_back(house, file);
    assert_string_equal(seen(house, file, 0, 9), "a..e");
}

/* Of the frames that there are of a page, the newest is seen, but none that a commit cut off. */
static void amid_a_checkpoint(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    assert_int_equal(file, 1);
    put_page(house, file, 1, 'b');
    assert_int_equal(commit_file(house, file), 0);
    house->recorder.context = house;
    house->recorder.before = amid_a_write;
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_null(house->recorder.before);
    assert_string_equal(seen(house, file, 0, 9), "a..e");
    assert_string_equal(stored(house, "a"), "a..e");
}

static void a_waiter_for_a_commit_and_one_for_a_rollback(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    roll_back_by_queue(house, file);
    assert_string_equal(seen(house, file, 0, 9), "aaaa");
    assert_int_equal(commit_files(house, &file, 1).sequence, 0); /* nothing to commit */
}

/* ---- at random ---- */

#define FILES 3
#define PAGES 12

struct image {
    char pages[PAGES + 1]; /* as seen() tells them */
    struct timespec mtime;
};

struct model {
    uint32_t file;
    struct image now, committed;
};

static uint32_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 16;
}

static void grow_image(struct image *image, unsigned pages)
{
    for (unsigned size = strlen(image->pages); size < pages; size++) {
        image->pages[size] = '.';
        image->pages[size + 1] = 0;
    }
}

static void write_one(struct house *house, struct model *model, uint64_t *random)
{
    unsigned page = next(random) % PAGES;
    char letter = 'a' + next(random) % 26;

    put_page(house, model->file, page, letter);
    grow_image(&model->now, page + 1);
    model->now.pages[page] = letter;
}

static void cut_one(struct house *house, struct model *model, uint64_t *random)
{
    unsigned pages = next(random) % PAGES;

    assert_int_equal(file_truncate(house->files, model->file, (uint64_t)pages * PAGE_BYTES), 0);
    grow_image(&model->now, pages);
    model->now.pages[pages] = 0;
}

static void punch_one(struct house *house, struct model *model, uint64_t *random)
{
    unsigned page = next(random) % PAGES;

    assert_int_equal(file_allocate(house->files, model->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                   (uint64_t)page * PAGE_BYTES, PAGE_BYTES),
                     0);
    if (page < strlen(model->now.pages))
        model->now.pages[page] = '.';
}

static void change(struct house *house, struct model *model, uint64_t *random)
{
    switch (next(random) % 6) {
    case 0:
        cut_one(house, model, random);
        break;
    case 1:
        punch_one(house, model, random);
        break;
    case 2:
        set_times(house, model->file, next(random));
        break;
    case 3:
        ahead_journal(house->files, model->file);
        break;
    default:
        write_one(house, model, random);
    }
    model->now.mtime = attributes(house, model->file).st_mtim;
}

static void commit_some(struct house *house, struct model *models, uint64_t *random)
{
    uint32_t files[FILES], count = 1 + next(random) % FILES, first = next(random);
    int error;

    for (uint32_t i = 0; i < count; i++) {
        struct model *model = &models[(first + i) % FILES];

        files[i] = model->file;
        model->committed = model->now;
    }
    error = commit_files(house, files, count).error;
    assert_true(error == 0 || error == -EIO); /* of committed pages that the store did not take, and are kept */
}

static void check(struct house *house, const struct model *model)
{
    assert_string_equal(seen(house, model->file, 0, PAGES), model->now.pages);
    assert_int_equal(attributes(house, model->file).st_size, strlen(model->now.pages) * PAGE_BYTES);
    assert_true(same(attributes(house, model->file).st_mtim, model->now.mtime));
}

static void one_round(struct house *house, struct model *models, uint64_t *random)
{
    struct model *model = &models[next(random) % FILES];

    switch (next(random) % 16) {
    case 0:
        commit_some(house, models, random);
        break;
    case 1:
        roll_back(house, model->file);
        model->now = model->committed;
        break;
    case 2:
        die_rolling_back(house, model->file, 1 + next(random) % 20);
        model->now = model->committed;
        break;
    case 3:
        house_replace_worker(house);
        break;
    case 4:
        make_fail(house, WRITE, false, EIO, next(random) % 2);
        checkpoint_all(house->files);
        make_fail(house, WRITE, false, EIO, 0);
        break;
    default:
        change(house, model, random);
    }
    for (unsigned i = 0; i < FILES; i++)
        check(house, &models[i]);
}

static void the_model_never_differs(void **state)
{
    static const char *const names[FILES] = {"a", "b", "c"};
    struct house *house = *state;
    struct model models[FILES];
    const char *seed = getenv("SEED");
    uint64_t random = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) * 2654435761u;

    print_message("seed: SEED=%llu\n", (unsigned long long)random);
    random |= 1;
    for (unsigned i = 0; i < FILES; i++) {
        models[i] = (struct model){.file = make_file(house, names[i], 4 * i, 'A')};
        memset(models[i].now.pages, 'A', 4 * i);
        models[i].now.mtime = attributes(house, models[i].file).st_mtim;
        models[i].committed = models[i].now;
        file_set_atomic(house->files, models[i].file, i == 1);
    }
    for (unsigned round = 0; round < 4000; round++)
        one_round(house, models, &random);
    for (unsigned i = 0; i < FILES; i++)
        roll_back(house, models[i].file);
    assert_int_equal(checkpoint_all(house->files), 0);
    for (unsigned i = 0; i < FILES; i++)
        assert_string_equal(stored(house, names[i]), models[i].committed.pages);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_committed_comes_back_into_view),
        TEST(sizes_and_times_go_back),
        TEST(without_a_commit_it_is_as_it_was),
        TEST(truncations_of_commits_stay),
        TEST(a_failed_and_a_torn_file_are_sound_again),
        TEST(what_is_committed_and_failed_stays_so),
        TEST(pages_journaled_ahead_are_let_go),
        TEST(a_death_after_it_takes_nothing_more),
        TEST(what_comes_late_is_cut_at_the_end),
        TEST(an_unchanged_file_is_left_alone),
        TEST(amid_a_checkpoint),
        TEST(a_waiter_for_a_commit_and_one_for_a_rollback),
        TEST(the_model_never_differs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
