/* Pages that are received with the bytes that are committed are not journaled again, and nothing else is different. */
#include "config.h"

#include "fsd-support.h"

#include <string.h>

static uint64_t journaled(struct house *house)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < house->recorder.count; i++)
        bytes += house->recorder.records[i].journal && house->recorder.records[i].operation == WRITE
                     ? house->recorder.records[i].length
                     : 0;
    return bytes / PAGE_BYTES - 1; /* the header is one */
}

/* Commits it, and tells how many pages that wrote to the journal. */
static uint64_t commit_pages(struct house *house, uint32_t file, uint64_t sequence)
{
    record_start(house);
    assert_int_equal(commit_files(house, &file, 1).sequence, sequence);
    return journaled(house);
}

static void the_same_bytes_are_not_journaled(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');
    int64_t mtime;

    for (uint64_t page = 0; page < 4; page++)
        put_page(house, file, page, 'b');
    assert_int_equal(commit_pages(house, file, 1), 4);
    mtime = house->arena.files[file].current.mtime;
    for (uint64_t page = 0; page < 4; page++)
        put_page(house, file, page, page == 2 ? 'c' : 'b');
    assert_string_equal(states(house, file), "R0-3");
    assert_int_equal(commit_pages(house, file, 2), 1);
    assert_true(house->arena.files[file].current.mtime >= mtime);
    assert_string_equal(states(house, file), "C0-3");
    assert_string_equal(counts(house, file), "0,0,4,0");
    assert_string_equal(seen(house, file, 0, 4), "bbcb");
    assert_int_equal(house->arena.header->counters.pages_committed, 8);
    house_replace_worker(house);
    assert_string_equal(seen(house, file, 0, 4), "bbcb");
    house_recover(house);
    assert_string_equal(stored(house, "a"), "bbcb");
}

static void a_commit_without_pages_is_one(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 1, 'a');

    put_page(house, file, 0, 'b');
    assert_int_equal(commit_pages(house, file, 1), 1);
    put_page(house, file, 0, 'b');
    assert_int_equal(commit_pages(house, file, 2), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "b");
    put_page(house, file, 0, 'b'); /* in the store alone: it is not read for that */
    assert_int_equal(commit_pages(house, file, 3), 1);
}

/* The committed frame has the same bytes, but they are cut off. */
static void what_was_cut_off_is_journaled(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    assert_int_equal(commit_pages(house, file, 1), 1);
    assert_int_equal(file_truncate(house->files, file, PAGE_BYTES), 0);
    put(house, file, PAGE_BYTES, PAGE_BYTES, 'b');
    assert_int_equal(commit_pages(house, file, 2), 1);
    put_page(house, file, 1, 'b');
    assert_int_equal(file_truncate(house->files, file, PAGE_BYTES + 1), 0); /* the page is changed by it */
    assert_int_equal(commit_pages(house, file, 3), 1);
    house_recover(house);
    assert_string_equal(stored(house, "a"), "ab");
}

/* Where all differ, a few are looked at. */
static void many_that_differ_end_the_search(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 32, 'a');

    for (uint64_t page = 0; page < 32; page++)
        put_page(house, file, page, 'b');
    assert_int_equal(commit_pages(house, file, 1), 32);
    for (uint64_t page = 0; page < 32; page++)
        put_page(house, file, page, page < 8 ? 'c' : 'b');
    assert_int_equal(commit_pages(house, file, 2), 32);
    assert_string_equal(seen(house, file, 7, 2), "cb");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_bytes_are_not_journaled),
        TEST(a_commit_without_pages_is_one),
        TEST(what_was_cut_off_is_journaled),
        TEST(many_that_differ_end_the_search),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
