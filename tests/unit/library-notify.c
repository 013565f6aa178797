/* Notices: none is missed, waiters wake, time and signals end the wait. */
#include "config.h"

#include "library.h"

static void the_count_starts_at_none_and_tells_each_notice(void **state)
{
    struct mapshare *ms = open_sized("count", PAGE), *other = mapshare_open(in_scratch("count"), O_RDWR, 0, NULL);
    struct timespec none = {0};
    uint64_t seen = 0;

    (void)state;
    assert_fails(mapshare_watch(ms, &seen, &none), ETIMEDOUT);
    assert_int_equal(seen, 0);
    assert_int_equal(mapshare_notify(ms), 0);
    assert_int_equal(mapshare_notify(other), 0);
    assert_int_equal(mapshare_watch(ms, &seen, NULL), 0);
    assert_int_equal(seen, 2);
    assert_fails(mapshare_watch(ms, &seen, &none), ETIMEDOUT);
    assert_int_equal(mapshare_close(other), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static void what_is_no_time_is_refused(void **state)
{
    struct mapshare *ms = open_sized("time", PAGE);
    struct timespec negative = {.tv_sec = -1}, large = {.tv_nsec = 1000000000};
    uint64_t seen = 0;

    (void)state;
    assert_fails(mapshare_watch(ms, NULL, NULL), EINVAL);
    assert_fails(mapshare_watch(ms, &seen, &negative), EINVAL);
    assert_fails(mapshare_watch(ms, &seen, &large), EINVAL);
    assert_int_equal(mapshare_close(ms), 0);
}

static void the_time_is_kept(void **state)
{
    struct mapshare *ms = open_sized("kept", PAGE);
    struct timespec timeout = {.tv_nsec = 50000000};
    uint64_t seen = 0;
    double start = seconds_now();

    (void)state;
    assert_fails(mapshare_watch(ms, &seen, &timeout), ETIMEDOUT);
    assert_true(seconds_now() - start >= 0.05);
    assert_true(seconds_now() - start < 10);
    assert_int_equal(mapshare_close(ms), 0);
}

static void ignore_signal(int number)
{
    (void)number;
}

static void a_signal_ends_the_wait(void **state)
{
    struct mapshare *ms = open_sized("signal", PAGE);
    struct sigaction action = {.sa_handler = ignore_signal};
    struct itimerspec soon = {.it_value = {.tv_nsec = 20000000}, .it_interval = {.tv_nsec = 20000000}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    uint64_t seen = 0;
    timer_t timer;

    (void)state;
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    assert_int_equal(timer_settime(timer, 0, &soon, NULL), 0);
    assert_fails(mapshare_watch(ms, &seen, NULL), EINTR);
    timer_delete(timer);
    assert_int_equal(mapshare_close(ms), 0);
}

/* Each notice is a round to all watchers; each watcher answers by counting. A missed wake-up ends in the alarm. */
static void every_watcher_wakes_every_time(void **state)
{
    enum { WATCHERS = 8, ROUNDS = 200 };
    struct mapshare *ms = open_sized("rounds", PAGE);
    _Atomic int *answers = mapshare_addr(ms);
    pid_t children[WATCHERS];

    (void)state;
    for (int i = 0; i < WATCHERS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            /* A reader watches, too, once somebody who may write has the file open. */
            struct mapshare *own = mapshare_open(in_scratch("rounds"), i % 2 ? O_RDONLY : O_RDWR, 0, NULL);
            uint64_t seen = 0;

            alarm(60);
            CHILD_CHECK(own);
            while (seen < ROUNDS) {
                CHILD_CHECK(mapshare_watch(own, &seen, NULL) == 0);
                answers[i] = (int)seen;
            }
            _exit(0);
        }
    }
    for (int round = 1; round <= ROUNDS; round++) {
        double start = seconds_now();

        assert_int_equal(mapshare_notify(ms), 0);
        for (int i = 0; i < WATCHERS; i++) {
            while (answers[i] < round && seconds_now() < start + 30)
                usleep(10);
            assert_int_equal(answers[i], round);
        }
    }
    for (int i = 0; i < WATCHERS; i++)
        assert_child_succeeds(children[i]);
    assert_int_equal(mapshare_close(ms), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_count_starts_at_none_and_tells_each_notice),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(the_time_is_kept),
        cmocka_unit_test(a_signal_ends_the_wait),
        cmocka_unit_test(every_watcher_wakes_every_time),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
