/* How many blocks a file takes is told at once as it will be when everything is in the store. */
#include "config.h"

#include "fsd-support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define KIB_PER_PAGE (PAGE_BYTES / 1024)

static long kib_in_store(struct house *house)
{
    struct stat status;

    assert_return_code(fstatat(house->root, "a", &status, 0), errno);
    return status.st_blocks / 2;
}

static long kib_told(struct house *house, uint32_t file)
{
    struct stat status;
    int fd = openat(house->root, "a", O_RDONLY | O_CLOEXEC);

    assert_return_code(fstat(fd, &status), errno);
    file_learn_blocks(house->files, file, fd);
    close(fd);
    file_attributes(house->files, file, &status, NULL);
    return status.st_blocks / 2;
}

static bool is_close(long told, long pages)
{
    return labs(told - pages * KIB_PER_PAGE) <= 8; /* the store may need a block to find the others */
}

/* At once, committed, and stored. */
static void expect_pages(struct house *house, uint32_t file, long pages)
{
    assert_true(is_close(kib_told(house, file), pages));
    assert_int_equal(commit_file(house, file), 0);
    assert_true(is_close(kib_told(house, file), pages));
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_true(is_close(kib_in_store(house), pages));
    assert_true(is_close(kib_told(house, file), pages));
}

static uint32_t make_synced(struct house *house, unsigned pages)
{
    uint32_t file = make_file(house, "a", pages, 'a');
    int fd = openat(house->root, "a", O_RDWR | O_CLOEXEC);

    assert_return_code(fsync(fd), errno);
    close(fd);
    return file;
}

static void pages_behind_the_end_are_added(void **state)
{
    struct house *house = *state;
    uint32_t file = make_synced(house, 8);

    put(house, file, 6 * PAGE_BYTES, 10 * PAGE_BYTES, 'b');
    expect_pages(house, file, 16);
    put_page(house, file, 3, 'c'); /* has its block */
    expect_pages(house, file, 16);
    put_page(house, file, 40, 'd');
    expect_pages(house, file, 17);
}

static void pages_that_are_replaced_count_once(void **state)
{
    struct house *house = *state;
    uint32_t file = make_synced(house, 8);

    for (int i = 0; i < 3; i++)
        put(house, file, 8 * PAGE_BYTES, 8 * PAGE_BYTES, 'b' + i);
    assert_true(is_close(kib_told(house, file), 16));
    assert_int_equal(commit_file(house, file), 0);
    put(house, file, 8 * PAGE_BYTES, 8 * PAGE_BYTES, 'x');
    expect_pages(house, file, 16);
}

static void punched_pages_are_given_back(void **state)
{
    struct house *house = *state;
    uint32_t file = make_synced(house, 16);
    const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

    assert_int_equal(file_allocate(house->files, file, punch, 0, 12 * PAGE_BYTES), 0);
    expect_pages(house, file, 4);
    put(house, file, 16 * PAGE_BYTES, 4 * PAGE_BYTES, 'n');
    assert_int_equal(file_allocate(house->files, file, punch, 14 * PAGE_BYTES, 4 * PAGE_BYTES), 0);
    expect_pages(house, file, 4);
    put(house, file, 0, 4 * PAGE_BYTES, 'o'); /* into the hole */
    expect_pages(house, file, 8);
}

static void a_hole_that_is_written_again_counts(void **state)
{
    struct house *house = *state;
    uint32_t file = make_synced(house, 16);

    assert_int_equal(file_allocate(house->files, file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 8 * PAGE_BYTES), 0);
    put(house, file, 0, 4 * PAGE_BYTES, 'b');
    put(house, file, 5 * PAGE_BYTES + 10, 100, 'c'); /* in place of the page of zeros */
    expect_pages(house, file, 13);
}

static void what_is_cut_off_is_given_back(void **state)
{
    struct house *house = *state;
    uint32_t file = make_synced(house, 16);

    put(house, file, 16 * PAGE_BYTES, 8 * PAGE_BYTES, 'b');
    assert_int_equal(file_truncate(house->files, file, 4 * PAGE_BYTES), 0);
    expect_pages(house, file, 4);
    put(house, file, 4 * PAGE_BYTES, 4 * PAGE_BYTES, 'c');
    assert_int_equal(file_truncate(house->files, file, 2 * PAGE_BYTES), 0);
    put(house, file, 2 * PAGE_BYTES, 8 * PAGE_BYTES, 'd');
    expect_pages(house, file, 10);
    assert_int_equal(file_truncate(house->files, file, 0), 0);
    expect_pages(house, file, 0);
}

static void reserved_blocks_count_once(void **state)
{
    struct house *house = *state;
    uint32_t file = make_synced(house, 0);

    assert_int_equal(file_allocate(house->files, file, 0, 0, 32 * PAGE_BYTES), 0);
    assert_true(is_close(kib_told(house, file), 32));
    put(house, file, 0, 8 * PAGE_BYTES, 'b');
    expect_pages(house, file, 32);
}

static void the_next_worker_tells_the_same(void **state)
{
    struct house *house = *state;
    uint32_t file = make_synced(house, 8);

    put(house, file, 8 * PAGE_BYTES, 8 * PAGE_BYTES, 'b');
    put(house, file, 0, 8 * PAGE_BYTES, 'c');
    assert_int_equal(file_allocate(house->files, file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 6 * PAGE_BYTES), 0);
    house_replace_worker(house);
    assert_true(is_close(kib_told(house, file), 10));
    assert_int_equal(commit_file(house, file), 0);
    put_page(house, file, 20, 'd');
    house_replace_worker(house);
    expect_pages(house, file, 11);
}

/* The store's file has blocks for it, but nothing in them yet: they look like a hole. */
static void punched_before_it_was_stored(void **state)
{
    struct house *house = *state;
    uint32_t file = make_synced(house, 0);

    put(house, file, 0, 16 * PAGE_BYTES, 'b');
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(file_allocate(house->files, file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 8 * PAGE_BYTES), 0);
    assert_true(is_close(kib_told(house, file), 8));
    house_replace_worker(house);
    expect_pages(house, file, 8);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_behind_the_end_are_added),      TEST(pages_that_are_replaced_count_once), TEST(punched_pages_are_given_back),
        TEST(a_hole_that_is_written_again_counts), TEST(what_is_cut_off_is_given_back),      TEST(reserved_blocks_count_once),
        TEST(the_next_worker_tells_the_same),      TEST(punched_before_it_was_stored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
