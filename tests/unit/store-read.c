/* store_read: the same bytes, whichever way they come. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "cachestat.h"
#include "store/store.h"

#define MIB ((size_t)1 << 20)
#define LENGTH (MIB + MIB / 2 + 100) /* of the file; the half is a hole */

struct fixture {
    int fd;
    unsigned char *content, *found;
};

static int make(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    FILE *file = tmpfile();

    assert_non_null(fixture);
    assert_non_null(file);
    fixture->fd = dup(fileno(file));
    fclose(file);
    fixture->content = calloc(1, 2 * MIB);
    fixture->found = aligned_alloc(4096, 2 * MIB);
    for (size_t i = 0; i < LENGTH; i++)
        fixture->content[i] = i < MIB || i >= MIB + MIB / 2 ? 1 + i % 251 + i / 4096 % 4 : 0;
    assert_int_equal(pwrite(fixture->fd, fixture->content, MIB, 0), MIB);
    assert_int_equal(pwrite(fixture->fd, fixture->content + MIB + MIB / 2, 100, MIB + MIB / 2), 100);
    *state = fixture;
    return 0;
}

static int unmake(void **state)
{
    struct fixture *fixture = *state;

    close(fixture->fd);
    free(fixture->content);
    free(fixture->found);
    free(fixture);
    return 0;
}

static void expect(struct fixture *fixture, size_t shift, size_t size, off_t offset)
{
    size_t there = (size_t)offset >= LENGTH ? 0 : LENGTH - offset < size ? LENGTH - offset : size;

    memset(fixture->found, 0xee, 2 * MIB);
    assert_int_equal(store_read(fixture->fd, fixture->found + shift, size, offset), there);
    assert_memory_equal(fixture->found + shift, fixture->content + offset, there);
}

static void forget(const struct fixture *fixture)
{
    assert_return_code(fdatasync(fixture->fd), errno);
    assert_int_equal(posix_fadvise(fixture->fd, 0, 0, POSIX_FADV_DONTNEED), 0);
}

static void the_same_cached_or_not(void **state)
{
    static const struct {
        size_t shift, size;
        off_t offset;
    } reads[] = {
        {0, MIB, 0},          {0, 256 << 10, 4096},    {0, MIB, MIB},
        {0, 2 * MIB, 0},      {0, 2 * MIB, 512 << 10}, {512, 512 << 10, 0},
        {0, 300000, 8192},    {0, 512 << 10, 77},      {0, 1, LENGTH - 1},
        {0, MIB, LENGTH + 1}, {0, MIB, 64 * 4096},     {0, 0, 0},
        {0, 4096, 0},         {0, MIB, 2 * MIB},
    };

    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        forget(*state);
        expect(*state, reads[i].shift, reads[i].size, reads[i].offset);
        expect(*state, reads[i].shift, reads[i].size, reads[i].offset);
    }
}

static void what_is_not_written_back_is_seen(void **state)
{
    struct fixture *fixture = *state;

    forget(fixture);
    memset(fixture->content + 8192, 'x', 4096);
    assert_int_equal(pwrite(fixture->fd, fixture->content + 8192, 4096, 8192), 4096);
    expect(fixture, 0, MIB, 0);
}

static void much_leaves_the_page_cache_alone(void **state)
{
    struct fixture *fixture = *state;
    struct cache_counts counts = {0};

    forget(fixture);
    if (cache_count(fixture->fd, 0, MIB, &counts) || counts.cached) /* memory is this file system's disk, or an old kernel */
        skip();
    expect(fixture, 0, MIB, 0);
    assert_int_equal(cache_count(fixture->fd, 0, MIB, &counts), 0);
    assert_int_equal(counts.cached, 0);
    expect(fixture, 0, 4096, 0);
    assert_int_equal(cache_count(fixture->fd, 0, 4096, &counts), 0);
    assert_int_equal(counts.cached, 1);
}

static void errors_are_told(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(store_read(-1, fixture->found, MIB, 0), -EBADF);
    assert_int_equal(store_read(fixture->fd, fixture->found, MIB, -4096), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_cached_or_not, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_not_written_back_is_seen, make, unmake),
        cmocka_unit_test_setup_teardown(much_leaves_the_page_cache_alone, make, unmake),
        cmocka_unit_test_setup_teardown(errors_are_told, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
