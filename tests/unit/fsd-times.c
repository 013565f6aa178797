/* A moment in a word: it comes back as it was, words compare as moments do, and a mark is never earlier than one before it. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "file/times.h"

static const struct timespec moments[] = {
    {TIME_FIRST, 0},
    {TIME_FIRST, 1},
    {-1, 999999999},
    {0, 0},
    {0, 1},
    {1, 0},
    {4294967295, 0},
    {TIME_MIDDLE - 1, 999999999},
    {TIME_MIDDLE, 0},
    {TIME_MIDDLE, 1},
    {9223372036, 854775807},
    {9223372037, 0},
    {TIME_LAST, 0},
    {TIME_LAST, 999999999},
};

static void words_are_moments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        struct timespec back = time_unpack(time_pack(moments[i]));

        assert_true(back.tv_sec == moments[i].tv_sec && back.tv_nsec == moments[i].tv_nsec);
        assert_int_not_equal(time_pack(moments[i]), 0);
        if (i)
            assert_true(time_pack(moments[i - 1]) < time_pack(moments[i]));
    }
    assert_true(time_unpack(0).tv_sec == 0 && time_unpack(0).tv_nsec == 0); /* none */
}

/* As ext4 does. */
static void what_is_beyond_ends_at_the_end(void **state)
{
    (void)state;
    assert_int_equal(time_unpack(time_pack((struct timespec){TIME_LAST + 1, 5})).tv_sec, TIME_LAST);
    assert_int_equal(time_unpack(time_pack((struct timespec){INT64_MAX, 5})).tv_sec, TIME_LAST);
    assert_int_equal(time_unpack(time_pack((struct timespec){INT64_MIN, 5})).tv_sec, TIME_FIRST);
}

static int64_t later(int64_t word, long nanoseconds)
{
    struct timespec at = time_unpack(word);

    at.tv_nsec += nanoseconds;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return time_pack(at);
}

static void marks_go_on(void **state)
{
    int64_t before = time_now(), hour = time_pack((struct timespec){time_unpack(before).tv_sec + 3600, 0}), mark;

    (void)state;
    assert_true(time_mark(before) >= before); /* though the coarse clock has an earlier moment */
    mark = time_mark(hour);                   /* the clock was set back since */
    assert_true(mark < hour && mark <= time_now());
    before = time_now();
    time_seen(time_unpack(before));
    assert_true(time_mark(0) >= before);
    time_seen(time_unpack(hour)); /* of a file that somebody dated so */
    assert_true(time_mark(0) < later(time_now(), 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_moments),
        cmocka_unit_test(what_is_beyond_ends_at_the_end),
        cmocka_unit_test(marks_go_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
