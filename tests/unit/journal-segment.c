/* The set of runs says of each page what a plain table of bytes says. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/segment.h"
#include "journal-support.h"

#define PAGES 40
#define BYTES_A_PAGE 4 /* of the table; one stands for 1024 */
#define UNIT (FORMAT_BLOCK / BYTES_A_PAGE)

/* Of each byte: 0 as the store has it, -1 zero, else the position in the log. */
static int64_t table[PAGES * BYTES_A_PAGE];
static struct segment_tree tree = RB_INITIALIZER(&tree);

static void table_set(uint64_t first, uint64_t count, int64_t kind)
{
    for (uint64_t i = first * BYTES_A_PAGE; i < (first + count) * BYTES_A_PAGE; i++)
        table[i] = kind > 0 ? kind + (int64_t)((i - first * BYTES_A_PAGE) * UNIT) : kind;
}

static void compare(void)
{
    int64_t found[PAGES * BYTES_A_PAGE] = {0};
    struct segment *segment;
    uint64_t end = 0;
    RB_FOREACH (segment, segment_tree, &tree) {
        assert_true(segment->first >= end && segment->count > 0);
        assert_true(segment->kind != SEGMENT_KEEP || segment->count == 1);
        end = segment->first + segment->count;
        for (uint64_t i = segment->first * BYTES_A_PAGE; i < end * BYTES_A_PAGE && i < PAGES * BYTES_A_PAGE; i++) {
            bool cut = i >= (end - 1) * BYTES_A_PAGE && i % BYTES_A_PAGE * UNIT >= segment->keep;
            int64_t place = (int64_t)(segment->position + (i - segment->first * BYTES_A_PAGE) * UNIT);
            found[i] = segment->kind == SEGMENT_ZERO || cut ? -1 : segment->kind == SEGMENT_KEEP ? 0 : place;
        }
    }
    assert_memory_equal(found, table, sizeof(table));
}

static void random_operations(unsigned seed)
{
    memset(table, 0, sizeof(table));
    srandom(seed);
    for (int i = 0; i < 60; i++) {
        uint64_t first = (uint64_t)random() % PAGES;
        uint64_t count = 1 + (uint64_t)random() % (PAGES - first < 8 ? PAGES - first : 8);
        /* Now and then what follows the run before in both file and log. */
        uint64_t position = 4096 * (1 + (uint64_t)random() % 50 + first);
        switch (random() % 3) {
        case 0:
            assert_int_equal(segment_from_log(&tree, first, count, position), 0);
            table_set(first, count, (int64_t)position);
            break;
        case 1:
            assert_int_equal(segment_zero(&tree, first, count), 0);
            table_set(first, count, -1);
            break;
        default:
            first = (uint64_t)random() % (PAGES * BYTES_A_PAGE);
            assert_int_equal(segment_cut(&tree, first * UNIT), 0);
            for (uint64_t j = first; j < PAGES * BYTES_A_PAGE; j++)
                table[j] = -1;
        }
        compare();
    }
    segment_free_all(&tree);
    assert_true(RB_EMPTY(&tree));
}

static void any_operations_in_any_order(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 2000; seed++)
        random_operations(seed);
}

static void neighbours_in_file_and_log_are_one_run(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(segment_from_log(&tree, 5 + i, 1, 8192 + i * FORMAT_BLOCK), 0);
    assert_int_equal(RB_MIN(segment_tree, &tree)->count, 1000);
    segment_free_all(&tree);
}

static void the_ends_of_the_number_range(void **state)
{
    (void)state;
    assert_int_equal(segment_cut(&tree, UINT64_MAX), 0);
    assert_int_equal(segment_cut(&tree, INT64_MAX), 0);
    assert_true(RB_EMPTY(&tree));
    assert_int_equal(segment_zero(&tree, SEGMENT_END - 1, 1), 0);
    assert_int_equal(segment_cut(&tree, (SEGMENT_END - 1) * FORMAT_BLOCK + 1), 0);
    assert_int_equal(segment_cut(&tree, 0), 0);
    assert_int_equal(RB_MIN(segment_tree, &tree)->count, SEGMENT_END);
    segment_free_all(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_operations_in_any_order),
        cmocka_unit_test(neighbours_in_file_and_log_are_one_run),
        cmocka_unit_test(the_ends_of_the_number_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
