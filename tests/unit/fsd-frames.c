/* The frame table: which frames are given out, and what happens when there are none. */
#include "config.h"

#include "fsd-support.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct frame_table *table_of(void **state)
{
    return ((struct house *)*state)->files->frames;
}

static void few_are_the_lowest(void **state)
{
    struct frame_table *table = table_of(state);
    uint32_t frames[30], one;

    assert_int_equal(frame_take(table, frames, 30), 30);
    for (uint32_t i = 0; i < 30; i++)
        assert_int_equal(frames[i], i + 1);
    assert_int_equal(frame_take_one(table, false, &one), 0);
    assert_int_equal(one, 31);
}

static void many_are_neighbours(void **state)
{
    struct frame_table *table = table_of(state);
    uint32_t few[30], frames[130];

    assert_int_equal(frame_take(table, few, 30), 30);
    frame_give(table, &few[3], 1);
    assert_int_equal(frame_take(table, frames, 130), 130);
    for (uint32_t i = 0; i < 128; i++)
        assert_int_equal(frames[i], i + 64);
    assert_int_equal(frames[128], 4); /* what is left over fills the gaps */
    assert_int_equal(frames[129], 31);
    frame_give(table, frames, 128);
    assert_int_equal(frame_take(table, frames, 64), 64);
    assert_int_equal(frames[0], 64);
}

static void what_is_given_back_is_taken_again(void **state)
{
    struct frame_table *table = table_of(state);
    uint32_t frames[63], again[4];

    assert_int_equal(frame_take(table, frames, 63), 63);
    frame_give(table, &frames[49], 1);
    frame_give(table, &frames[2], 1);
    frame_give(table, &frames[30], 2);
    assert_int_equal(frame_take(table, again, 4), 4);
    assert_int_equal(again[0], 3);
    assert_int_equal(again[1], 31);
    assert_int_equal(again[2], 32);
    assert_int_equal(again[3], 50);
    assert_int_equal(frame_take(table, again, 1), 1);
    assert_int_equal(again[0], 64);
}

static void no_more_than_there_are(void **state)
{
    struct frame_table *table = table_of(state);
    uint32_t frames[1100], one;

    assert_int_equal(frame_free_count(table), 1024);
    assert_int_equal(frame_take(table, frames, 1100), 1024);
    assert_int_equal(frame_free_count(table), 0);
    assert_int_equal(frame_take(table, frames, 1), 0);
    assert_int_equal(frame_take_one(table, false, &one), -EAGAIN);
    assert_int_equal(frame_take_one(table, true, &one), -ENOSPC); /* no spill file */
}

static void each_frame_has_memory_of_its_own(void **state)
{
    struct house *house = *state;
    uint32_t frames[1024];

    assert_int_equal(frame_take(house->files->frames, frames, 1024), 1024);
    for (uint32_t i = 0; i < 1024; i++)
        memset(arena_page(&house->arena, frames[i]), i % 251, PAGE_BYTES);
    for (uint32_t i = 0; i < 1024; i++) {
        const unsigned char *page = arena_page(&house->arena, frames[i]);

        assert_int_equal(page[0], i % 251);
        assert_memory_equal(page, page + 1, PAGE_BYTES - 1);
    }
}

static void spill_setup(struct house **house, uint32_t cache, uint32_t spill)
{
    *house = house_open(cache, spill, MIB);
}

static uint64_t blocks_of(int fd)
{
    struct stat status;

    assert_return_code(fstat(fd, &status), errno);
    return (uint64_t)status.st_blocks * 512;
}

static void spill_grows_only_when_it_must(void **state)
{
    struct house *house;
    struct frame_table *table;
    uint32_t frames[16], one;

    (void)state;
    spill_setup(&house, 16, 10000);
    table = house->files->frames;
    assert_int_equal(frame_take(table, frames, 15), 15);
    assert_int_equal(frame_take_one(table, true, &one), 0);
    assert_int_equal(one, 16); /* memory first */
    assert_int_equal(house->arena.header->spilled, 0);
    assert_int_equal(frame_take_one(table, false, &one), -EAGAIN);
    assert_int_equal(house->arena.header->spilled, 0);

    assert_int_equal(frame_take_one(table, true, &one), 0);
    assert_int_equal(one, 17);
    assert_true(house->arena.header->spilled > 0);
    assert_true(blocks_of(house->spill) >= (uint64_t)house->arena.header->spilled * PAGE_BYTES); /* reserved before use */
    assert_int_equal(frame_take(table, frames, 1), 0); /* a WRITE's bytes are never received into the spill file */
    house_close(house);
}

static void spill_has_an_end(void **state)
{
    struct house *house;
    struct frame_table *table;
    uint32_t one, highest = 0, taken = 0;
    int error;

    (void)state;
    spill_setup(&house, 16, 5000);
    table = house->files->frames;
    while (!(error = frame_take_one(table, true, &one))) {
        unsigned char *page = arena_page(&house->arena, one);

        memset(page, one % 251, PAGE_BYTES);
        highest = one > highest ? one : highest;
        taken++;
        assert_true(taken <= 5016);
    }
    assert_int_equal(error, -ENOSPC);
    assert_int_equal(taken, 5016);
    assert_int_equal(highest, 5016);
    assert_int_equal(house->arena.header->spilled, 5000);
    for (uint32_t i = 1; i <= 5016; i++)
        assert_int_equal(*(unsigned char *)arena_page(&house->arena, i), i % 251);
    one = 4000;
    frame_give(table, &one, 1);
    assert_int_equal(frame_free_count(table), 0); /* it is not memory */
    assert_int_equal(frame_take_one(table, false, &one), -EAGAIN);
    assert_int_equal(frame_take_one(table, true, &one), 0);
    assert_int_equal(one, 4000);
    house_close(house);
}

static void spill_gives_blocks_back(void **state)
{
    static uint32_t taken[20000];
    const uint32_t all = sizeof taken / sizeof taken[0];
    struct frame_table *table;
    uint32_t frames[16], one;
    struct house *house;

    (void)state;
    spill_setup(&house, 16, all);
    table = &house->worker->frames;
    assert_int_equal(frame_take(table, frames, 16), 16);
    for (uint32_t i = 0; i < all; i++) {
        assert_int_equal(frame_take_one(table, FRAME_ANYWHERE, &taken[i]), 0);
        memset(arena_page(&house->arena, taken[i]), 'x', PAGE_BYTES);
    }
    frame_give(table, taken, all - 1);
    frame_shrink_spill(table);
    assert_int_equal(house->arena.header->spilled, all); /* one is in use */
    frame_give(table, &taken[all - 1], 1);
    for (uint32_t before; (before = house->arena.header->spilled) > 0;) {
        frame_shrink_spill(table);
        assert_true(house->arena.header->spilled < before);
        assert_true(blocks_of(house->spill) <= (uint64_t)house->arena.header->spilled * PAGE_BYTES + MIB); /* its map, too */
    }
    assert_int_equal(frame_take_one(table, FRAME_ANYWHERE, &one), 0); /* and it grows again */
    memset(arena_page(&house->arena, one), 'y', PAGE_BYTES);
    house_close(house);
}

static void *give_one(void *argument)
{
    static const uint32_t frame = 7;

    for (int waiting = 0; !waiting;) {
        struct frame_table *table = argument;

        pthread_mutex_lock(&table->lock);
        waiting = table->waiting;
        pthread_mutex_unlock(&table->lock);
    }
    frame_give(argument, &frame, 1);
    return NULL;
}

static void waiting_ends_when_one_is_given_back(void **state)
{
    struct frame_table *table = table_of(state);
    uint32_t frames[1024];
    pthread_t thread;

    assert_true(frame_wait(table)); /* nothing to wait for */
    assert_int_equal(frame_take(table, frames, 1024), 1024);
    assert_false(frame_wait(table)); /* a moment only */
    assert_int_equal(pthread_create(&thread, NULL, give_one, table), 0);
    while (!frame_wait(table))
        ;
    pthread_join(thread, NULL);
    assert_int_equal(frame_take(table, frames, 2), 1);
    assert_int_equal(frames[0], 7);
    assert_int_equal(table->waiting, 0);
}

static bool is_in_memory(const struct frame_table *table, uint32_t frame)
{
    unsigned char there = 0;

    assert_return_code(mincore(arena_page(table->arena, frame), PAGE_BYTES, &there), errno);
    return there & 1;
}

static void give_all(struct frame_table *table, uint32_t from, uint32_t to)
{
    for (uint32_t frame = from; frame <= to; frame++)
        frame_give(table, &frame, 1);
}

/* Of 1,024 frames. */
static void fewer_may_be_used(void **state)
{
    struct frame_table *table = table_of(state);
    uint32_t frames[1024];

    assert_int_equal(frame_take(table, frames, 1024), 1024);
    give_all(table, 1, 900);
    frame_table_limit(table, 100);
    assert_int_equal(frame_free_count(table), 100);
    assert_false(is_in_memory(table, 101));
    assert_true(is_in_memory(table, 901)); /* somebody's */
    give_all(table, 901, 1024);
    assert_false(is_in_memory(table, 901));
    assert_int_equal(frame_take(table, frames, 1024), 100);
    for (uint32_t i = 0; i < 100; i++)
        assert_in_range(frames[i], 1, 100);
    frame_table_limit(table, 1000);
    assert_int_equal(frame_take(table, frames, 1024), 900);
    assert_true(is_in_memory(table, frames[899]));
}

static void more_than_ever_may_be_used(void **state)
{
    struct frame_table table;
    struct arena arena;
    uint32_t frames[1024];

    (void)state;
    assert_int_equal(arena_create(&arena, -1, &(struct tuning){.cache_size = 64 * PAGE_BYTES}, 1024 * PAGE_BYTES, 0, -1), 0);
    assert_int_equal(frame_table_open(&table, &arena, -1), 0);
    frame_table_fill(&table);
    assert_int_equal(frame_take(&table, frames, 1024), 64);
    assert_int_equal(arena_frame_last(arena.header), 64);
    frame_table_limit(&table, 1024);
    assert_int_equal(frame_take(&table, frames, 1024), 960);
    assert_int_equal(arena_frame_last(arena.header), 1024);
    arena.header->frame_used = 7; /* damaged: none is overlooked */
    assert_int_equal(arena_frame_last(arena.header), 1024);
    arena_unmap(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(few_are_the_lowest, house_setup, house_teardown),
        cmocka_unit_test_setup_teardown(many_are_neighbours, house_setup, house_teardown),
        cmocka_unit_test_setup_teardown(what_is_given_back_is_taken_again, house_setup, house_teardown),
        cmocka_unit_test_setup_teardown(no_more_than_there_are, house_setup, house_teardown),
        cmocka_unit_test_setup_teardown(each_frame_has_memory_of_its_own, house_setup, house_teardown),
        cmocka_unit_test_setup_teardown(fewer_may_be_used, house_setup, house_teardown),
        cmocka_unit_test(more_than_ever_may_be_used),
        cmocka_unit_test(spill_grows_only_when_it_must),
        cmocka_unit_test(spill_has_an_end),
        cmocka_unit_test(spill_gives_blocks_back),
        cmocka_unit_test_setup_teardown(waiting_ends_when_one_is_given_back, house_setup, house_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
