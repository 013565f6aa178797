/* The table of areas: who finds which, what ends when, and what a worker that dies in the middle leaves. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/area.h"

static struct arena arena;
static struct area_table table;

static int make_arena(void **state)
{
    (void)state;
    if (!arena.header && arena_create(&arena, -1, &(struct tuning){.cache_size = 1 << 20}, 1 << 20, 0, -1))
        return -1;
    return area_table_open(&table, &arena);
}

static uint32_t area_for(uint64_t number, uint64_t generation)
{
    uint32_t area;

    assert_int_equal(area_of(&table, number, generation, 0, &area), 0);
    assert_true(area > 0);
    return area;
}

static struct mapshare_abi_lock *locks_of(uint32_t area)
{
    return (void *)area_bytes(&table, (struct area_part){area, MAPSHARE_ABI_LOCKS});
}

static void a_file_has_one_and_another_has_none_of_it(void **state)
{
    uint32_t one = area_for(100, 7);

    (void)state;
    assert_int_equal(area_for(100, 7), one);
    assert_int_not_equal(area_for(100, 8), one); /* the number was used again */
    assert_int_not_equal(area_for(101, 7), one);
    area_bytes(&table, (struct area_part){one, MAPSHARE_ABI_BOARD})[0] = 1;
    locks_of(one)->turn = 1;
    area_forget(&table, 100, 7, false);
    one = area_for(200, 1); /* in its place */
    assert_int_equal(locks_of(one)->turn, 0);
    assert_int_equal(area_bytes(&table, (struct area_part){one, MAPSHARE_ABI_BOARD})[0], 0);
    area_forget(&table, 100, 8, true);
    area_forget(&table, 101, 7, true);
    area_forget(&table, 200, 1, true);
}

static void a_death_is_remembered_as_long_as_the_file_is_there(void **state)
{
    uint32_t one = area_for(100, 7), two = area_for(101, 7);

    (void)state;
    locks_of(one)[3].owner = 5;
    locks_of(two)[MAPSHARE_ABI_LOCK_COUNT - 1].inconsistent = 1;
    area_forget(&table, 100, 7, false);
    area_forget(&table, 101, 7, false);
    assert_int_equal(area_for(100, 7), one);
    assert_int_equal(locks_of(one)[3].owner, 5);
    assert_int_equal(area_for(101, 7), two);
    area_forget(&table, 100, 7, true);
    one = area_for(100, 7);
    assert_int_equal(locks_of(one)[3].owner, 0);
    area_forget(&table, 100, 7, true);
    area_forget(&table, 101, 7, true);
}

static void names_and_nodes_lead_back_and_cannot_be_guessed(void **state)
{
    uint32_t area = area_for(100, 7);
    struct area_part parts[] = {{area, MAPSHARE_ABI_BOARD}, {area, MAPSHARE_ABI_LOCKS}}, found;
    char names[2][AREA_NAME_MAX], guess[AREA_NAME_MAX];
    uint64_t old[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        area_name(&table, parts[i], names[i]);
        old[i] = area_node(&table, parts[i]);
        assert_true(area_is_node(old[i]));
        found = area_of_name(&table, names[i]);
        assert_true(found.area == area && found.kind == parts[i].kind);
        found = area_of_node(&table, old[i]);
        assert_true(found.area == area && found.kind == parts[i].kind);
    }
    assert_string_not_equal(names[0], names[1]);
    strcpy(guess, names[0]);
    guess[strlen(MAPSHARE_AREA_PREFIX)] = 'l'; /* the locks by the board's name */
    assert_int_equal(area_of_name(&table, guess).area, 0);
    strcpy(guess, names[1]);
    guess[strlen(guess) - 1] ^= 1;
    assert_int_equal(area_of_name(&table, guess).area, 0);
    strcpy(guess, names[1]);
    guess[strlen(guess) - 1] = 0;
    assert_int_equal(area_of_name(&table, guess).area, 0);
    assert_int_equal(area_of_name(&table, MAPSHARE_AREA_PREFIX "lffffffff-0").area, 0);
    assert_int_equal(area_of_name(&table, MAPSHARE_AREA_PREFIX).area, 0);
    assert_int_equal(area_of_node(&table, old[0] ^ 0xff00).area, 0);
    /* The next one in its place has another name and node. */
    area_forget(&table, 100, 7, true);
    assert_int_equal(area_of_name(&table, names[1]).area, 0);
    assert_int_equal(area_of_node(&table, old[1]).area, 0);
    assert_int_equal(area_for(300, 1), area);
    assert_int_equal(area_of_name(&table, names[1]).area, 0);
    assert_int_equal(area_of_node(&table, old[1]).area, 0);
    area_forget(&table, 300, 1, true);
}

static void who_showed_a_descriptor_is_remembered(void **state)
{
    uint32_t area = area_for(100, 7);

    assert_false(area_is_granted(&table, area, 0));
    area_grant(&table, area, 4001);
    area_grant(&table, area, 4001);
    assert_true(area_is_granted(&table, area, 4001));
    assert_false(area_is_granted(&table, area, 4002));
    assert_int_equal(make_arena(state), 0); /* a worker's death is no reason to ask again */
    assert_true(area_is_granted(&table, area, 4001));
    for (uint32_t i = 0; i < 100; i++)
        area_grant(&table, area, i);
    assert_true(area_is_granted(&table, area, 99));
    assert_false(area_is_granted(&table, area, 4001));
    area_forget(&table, 100, 7, true);
    assert_int_equal(area_for(101, 7), area);
    assert_false(area_is_granted(&table, area, 99)); /* another file's */
    area_forget(&table, 101, 7, true);
}

/* Of a worker that died before it published the record, or after: its successor. */
static void a_successor_finds_what_was_published(void **state)
{
    uint32_t area = area_for(100, 7), half = area_for(101, 7);
    char name[AREA_NAME_MAX];

    area_name(&table, (struct area_part){area, MAPSHARE_ABI_LOCKS}, name);
    locks_of(area)->owner = 9;
    arena.areas[half].number = 0; /* all but the last store of its birth, or the first of its death */
    assert_int_equal(make_arena(state), 0);
    assert_int_equal(area_of_name(&table, name).area, area);
    assert_int_equal(area_for(100, 7), area);
    assert_int_equal(locks_of(area)->owner, 9);
    assert_int_equal(area_for(102, 7), half); /* free */
    area_forget(&table, 100, 7, true);
    area_forget(&table, 102, 7, true);
}

static void one_user_leaves_room_for_the_others(void **state)
{
    uint32_t half = arena.header->area_max / 2, area;

    (void)state;
    for (uint32_t i = 0; i < half; i++) {
        arena.areas[i + 1].number = 1000 + i;
        arena.areas[i + 1].generation = 0;
        arena.areas[i + 1].user = 4002;
    }
    arena.header->area_used = half;
    assert_int_equal(make_arena(state), 0);
    assert_int_equal(area_of(&table, 10, 1, 4002, &area), -EDQUOT);
    assert_int_equal(area_of(&table, 1000, 0, 4002, &area), 0); /* one that there is */
    assert_int_equal(area_of(&table, 10, 1, 4001, &area), 0);
    assert_int_equal(area_of(&table, 11, 1, 0, &area), 0);
    area_forget(&table, 1000, 0, true);
    assert_int_equal(area_of(&table, 12, 1, 4002, &area), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_file_has_one_and_another_has_none_of_it, make_arena),
        cmocka_unit_test_setup(a_death_is_remembered_as_long_as_the_file_is_there, make_arena),
        cmocka_unit_test_setup(names_and_nodes_lead_back_and_cannot_be_guessed, make_arena),
        cmocka_unit_test_setup(who_showed_a_descriptor_is_remembered, make_arena),
        cmocka_unit_test_setup(a_successor_finds_what_was_published, make_arena),
        cmocka_unit_test_setup(one_user_leaves_room_for_the_others, make_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
