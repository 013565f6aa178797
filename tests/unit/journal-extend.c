/* A log that gets longer while it is in use: nothing committed is lost, whenever it ends, and whichever copy of the superblock is left. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/extend.h"
#include "journal/superblock.h"
#include "journal-support.h"

#define PAGES 8
#define SIZES 4 /* doubled so often, at most */

/* The file "a", what is committed of it, and what of that its store has. */
struct writing {
    struct fixture *fixture;
    struct journal_file file;
    char pages[PAGES + 1];
    struct journal_chunk last;
    unsigned seed;
};

static struct writing begin(struct fixture *fixture, unsigned seed)
{
    struct writing writing = {.fixture = fixture, .pages = "xxxxxxxx", .seed = seed};
    fixture_open(fixture, JOURNAL_SIZE_MIN);
    make_file(fixture, "a", PAGES, 'x');
    writing.file = entry_of(fixture, "a");
    return writing;
}

static void store_and_release(struct writing *writing)
{
    int fd = openat(writing->fixture->root, "a", O_RDWR);
    for (int i = 0; i < PAGES; i++)
        assert_int_equal(pwrite(fd, page_of(writing->pages[i]), PAGE, (off_t)i * PAGE), PAGE);
    assert_int_equal(fsync(fd), 0);
    close(fd);
    assert_int_equal(
        journal_release(writing->fixture->journal, writing->last.position + writing->last.length, writing->last.number + 1), 0);
}

/* Some pages; the tail follows when so much is used that an older copy of the superblock, too, finds all. */
static void commit_some(struct writing *writing)
{
    struct journal_page pages[PAGES];
    unsigned count = 1 + rand_r(&writing->seed) % PAGES;
    for (unsigned i = 0; i < count; i++) {
        unsigned page = rand_r(&writing->seed) % PAGES;
        writing->pages[page] = (char)('A' + rand_r(&writing->seed) % 26);
        pages[i] = data_page(page, writing->pages[page]);
    }
    writing->last = commit_pages(writing->fixture, &writing->file, pages, count);
    if (journal_used(writing->fixture->journal) > journal_size(writing->fixture->journal) / 5 * 2)
        store_and_release(writing);
}

/* Commits until it has been extended, which is tried now and then. */
static void extend(struct writing *writing)
{
    int result = -EAGAIN;
    for (int i = 0; i < 10000 && result == -EAGAIN; i++) {
        commit_some(writing);
        if (rand_r(&writing->seed) % 16 == 0)
            result = journal_extend(writing->fixture->journal, 2, JOURNAL_SIZE_MIN << SIZES);
    }
    assert_int_equal(result, 0);
}

static void expect_all(struct writing *writing)
{
    fixture_recover(writing->fixture);
    assert_string_equal(content(writing->fixture, "a"), writing->pages);
}

static void destroy_copy(struct fixture *fixture, int copy)
{
    int fd = openat(fixture->private_folder, JOURNAL_NAME, O_RDWR);
    assert_int_equal(pwrite(fd, page_of(0), PAGE, (off_t)copy * PAGE), PAGE);
    close(fd);
}

static void whenever_it_ends(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned seed = 1; seed <= 60; seed++) {
        struct writing writing = begin(fixture, seed);
        uint64_t size = journal_size(fixture->journal);
        for (unsigned i = rand_r(&writing.seed) % (SIZES - 1); i + 1 > 0; i--) {
            extend(&writing);
            size *= 2;
            assert_int_equal(journal_size(fixture->journal), size);
        }
        for (unsigned i = rand_r(&writing.seed) % 600; i > 0; i--)
            commit_some(&writing);
        fixture_close(fixture);
        if (seed % 3 > 0)
            destroy_copy(fixture, (int)seed % 3 - 1);
        expect_all(&writing);
        assert_int_equal(unlinkat(fixture->private_folder, JOURNAL_NAME, 0), 0);
    }
}

/* No other superblock is written between the extension and what could not be found without it. */
static void either_copy_finds_all(void **state)
{
    struct fixture *fixture = *state;
    for (int copy = 0; copy < 2; copy++) {
        struct writing writing = begin(fixture, 5);
        extend(&writing);
        writing.pages[1] = 'A';
        uint64_t before = journal_size(fixture->journal) / 2, end = (writing.last.position / before + 1) * before;
        while (writing.last.position < end) {
            struct journal_page page = data_page(1, writing.pages[1] = writing.pages[1] == 'Z' ? 'A' : writing.pages[1] + 1);
            writing.last = commit_pages(fixture, &writing.file, &page, 1);
        }
        fixture_close(fixture);
        destroy_copy(fixture, copy);
        expect_all(&writing);
        assert_int_equal(unlinkat(fixture->private_folder, JOURNAL_NAME, 0), 0);
    }
}

static void not_beyond_its_limit(void **state)
{
    struct fixture *fixture = *state;
    struct writing writing = begin(fixture, 1);
    uint64_t size = journal_size(fixture->journal);
    assert_int_equal(journal_extend(fixture->journal, 2, JOURNAL_SIZE_MIN), -EFBIG);
    assert_int_equal(journal_extend(fixture->journal, 2, 2 * size), -EFBIG); /* the superblock's place counts */
    commit_some(&writing);
    expect_all(&writing);
}

/* Into an odd lap, with what is used in it. */
static void commit_into_odd_lap(struct writing *writing)
{
    uint64_t size = journal_size(writing->fixture->journal);
    do
        commit_some(writing);
    while (writing->last.position / size % 2 == 0);
    store_and_release(writing);
    commit_some(writing);
}

static void not_in_an_odd_lap(void **state)
{
    struct fixture *fixture = *state;
    struct stat before, after;
    struct writing writing = begin(fixture, 2);
    uint64_t size = journal_size(fixture->journal);
    assert_int_equal(fstatat(fixture->private_folder, JOURNAL_NAME, &before, 0), 0);
    commit_into_odd_lap(&writing);
    assert_int_equal(journal_extend(fixture->journal, 2, JOURNAL_SIZE_MIN << SIZES), -EAGAIN);
    assert_int_equal(journal_size(fixture->journal), size);
    assert_int_equal(fstatat(fixture->private_folder, JOURNAL_NAME, &after, 0), 0);
    assert_int_equal(before.st_size, after.st_size);
    journal_rewind(fixture->journal); /* it is not empty */
    assert_int_equal(journal_extend(fixture->journal, 2, JOURNAL_SIZE_MIN << SIZES), -EAGAIN);
    commit_some(&writing);
    expect_all(&writing);
}

static void many_times_in_its_first_lap(void **state)
{
    struct fixture *fixture = *state;
    struct writing writing = begin(fixture, 6);
    uint64_t size = journal_size(fixture->journal);
    for (int i = 0; i < 20; i++)
        commit_some(&writing);
    assert_int_equal(journal_extend(fixture->journal, 1 << SIZES, JOURNAL_SIZE_MIN << SIZES), 0);
    assert_int_equal(journal_size(fixture->journal), size << SIZES);
    for (int i = 0; i < 3000; i++)
        commit_some(&writing);
    expect_all(&writing);
}

static void an_empty_one_begins_anew(void **state)
{
    struct fixture *fixture = *state;
    for (int way = 0; way < 3; way++) {
        struct writing writing = begin(fixture, 7);
        uint64_t size = journal_size(fixture->journal);
        commit_into_odd_lap(&writing);
        store_and_release(&writing);
        journal_rewind(fixture->journal);
        assert_int_equal(journal_used(fixture->journal), 0);
        if (way != 1) {
            assert_int_equal(journal_extend(fixture->journal, 8, JOURNAL_SIZE_MIN << SIZES), 0);
            assert_int_equal(journal_size(fixture->journal), 8 * size);
        }
        for (int i = 0; i < 40 * way; i++)
            commit_some(&writing);
        fixture_close(fixture);
        expect_all(&writing);
        assert_int_equal(unlinkat(fixture->private_folder, JOURNAL_NAME, 0), 0);
    }
}

/* The superblock was written, and the place in shared memory was not told. */
static void a_process_dies_while_it_begins_anew(void **state)
{
    struct fixture *fixture = *state;
    struct writing writing = begin(fixture, 8);
    commit_into_odd_lap(&writing);
    store_and_release(&writing);
    struct journal_state before = fixture->state;
    journal_rewind(fixture->journal);
    fixture_close(fixture);
    fixture->state = before;
    fixture_open(fixture, JOURNAL_SIZE_MIN);
    for (int i = 0; i < 10; i++)
        commit_some(&writing);
    expect_all(&writing);
}

/* Whether it is on disk is not known; what is committed next is found either way. */
static void it_cannot_be_told_that_it_begins_anew(void **state)
{
    struct fixture *fixture = *state;
    struct writing writing = begin(fixture, 9);
    commit_into_odd_lap(&writing);
    store_and_release(&writing);
    uint64_t end = journal_end(fixture->journal);
    fixture->faulty.writes_left = 0;
    journal_rewind(fixture->journal);
    fixture->faulty.writes_left = 0;
    assert_false(journal_is_fenced(fixture->journal));
    fixture->faulty.writes_left = -1;
    assert_int_equal(journal_end(fixture->journal), end);
    assert_true(journal_is_fenced(fixture->journal)); /* it is written once more first */
    commit_some(&writing);
    expect_all(&writing);
}

static void amid_it_the_file_is_longer(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;
    struct writing writing = begin(fixture, 2);
    uint64_t size = journal_size(fixture->journal);
    commit_some(&writing);
    fixture->faulty.writes_left = 0;
    assert_int_equal(journal_extend(fixture->journal, 2, JOURNAL_SIZE_MIN << SIZES), -EIO);
    fixture->faulty.writes_left = -1;
    assert_int_equal(fstatat(fixture->private_folder, JOURNAL_NAME, &status, 0), 0);
    assert_true((uint64_t)status.st_size > 2 * size);
    assert_int_equal(journal_size(fixture->journal), size);
    commit_some(&writing);
    expect_all(&writing);
    fixture_open(fixture, (uint64_t)status.st_size); /* empty, it takes all of its file */
    assert_int_equal(journal_size(fixture->journal), 2 * size);
}

static void the_superblock_cannot_be_written(void **state)
{
    struct fixture *fixture = *state;
    for (int copies = 0; copies < 2; copies++) {
        struct writing writing = begin(fixture, 3);
        int result = -EAGAIN;
        for (int i = 0; i < 10000 && result == -EAGAIN; i++) {
            commit_some(&writing);
            fixture->faulty.writes_left = copies;
            result = journal_extend(fixture->journal, 2, JOURNAL_SIZE_MIN << SIZES);
            fixture->faulty.writes_left = -1;
        }
        assert_int_equal(result, copies == 0 ? -EIO : 0);
        for (int i = 0; i < 700; i++)
            commit_some(&writing);
        fixture_close(fixture);
        destroy_copy(fixture, copies);
        expect_all(&writing);
        assert_int_equal(unlinkat(fixture->private_folder, JOURNAL_NAME, 0), 0);
    }
}

static void the_next_process_goes_on(void **state)
{
    struct fixture *fixture = *state;
    struct writing writing = begin(fixture, 4);
    extend(&writing);
    uint64_t size = journal_size(fixture->journal);
    for (int i = 0; i < 300; i++) {
        commit_some(&writing);
        if (i % 50 == 0) {
            fixture_close(fixture);
            fixture_open(fixture, JOURNAL_SIZE_MIN);
            assert_int_equal(journal_size(fixture->journal), size);
        }
    }
    expect_all(&writing);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(whenever_it_ends),
        CASE(either_copy_finds_all),
        CASE(not_beyond_its_limit),
        CASE(not_in_an_odd_lap),
        CASE(many_times_in_its_first_lap),
        CASE(an_empty_one_begins_anew),
        CASE(a_process_dies_while_it_begins_anew),
        CASE(it_cannot_be_told_that_it_begins_anew),
        CASE(amid_it_the_file_is_longer),
        CASE(the_superblock_cannot_be_written),
        CASE(the_next_process_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
