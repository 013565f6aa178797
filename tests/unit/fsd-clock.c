/* Waiting goes by a clock that nobody sets: the time of day is an hour ahead when the wait begins, and right while it lasts, as if
 * it were set back in between. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "clock.h"

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = __real_clock_gettime(clock, time);

    if (clock == CLOCK_REALTIME)
        time->tv_sec += 3600;
    return result;
}

static void waits_go_by_the_monotonic_clock(void **state)
{
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct timespec until = clock_after(20000000), now;
    int result = 0;

    (void)state;
    pthread_mutex_lock(&mutex);
    while (!result)
        result = clock_wait(&condition, &mutex, &until);
    pthread_mutex_unlock(&mutex);
    __real_clock_gettime(CLOCK_MONOTONIC, &now);
    assert_int_equal(result, ETIMEDOUT);
    assert_true(now.tv_sec > until.tv_sec || (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(waits_go_by_the_monotonic_clock)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
