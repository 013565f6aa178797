/* The robust lock: exclusion, the death of owners, errors, and that it leaves no trace in the file. */
#include "config.h"

#include <pthread.h>

#include "library.h"

#define PROCESSES 32
#define ROUNDS 2000

static void thirty_two_processes_exclude_each_other(void **state)
{
    struct mapshare *ms = open_sized("counter", PAGE);
    volatile long *counter = mapshare_addr(ms);
    pid_t children[PROCESSES];

    (void)state;
    for (size_t i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            /* Half of them unrelated, half through what they inherited: both must meet in one area, whoever makes its mutex. */
            struct mapshare *own = i % 2 ? mapshare_open(in_scratch("counter"), O_RDWR, 0, NULL) : ms;
            CHILD_CHECK(own);
            for (int round = 0; round < ROUNDS; round++) {
                CHILD_CHECK(mapshare_lock(own) == 0);
                counter[0]++;
                CHILD_CHECK(mapshare_unlock(own) == 0);
            }
            CHILD_CHECK(mapshare_close(own) == 0);
            _exit(0);
        }
    }
    for (size_t i = 0; i < PROCESSES; i++)
        assert_child_succeeds(children[i]);
    assert_int_equal(counter[0], (long)PROCESSES * ROUNDS);
    assert_int_equal(mapshare_lock(ms), 0);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

/* A child that takes the lock and dies with it. */
static void let_owner_die(const char *name)
{
    int ready[2];
    char byte;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        struct mapshare *own = mapshare_open(in_scratch(name), O_RDWR, 0, NULL);
        CHILD_CHECK(own);
        CHILD_CHECK(mapshare_lock(own) >= 0);
        CHILD_CHECK(write(ready[1], "r", 1) == 1);
        pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ready[0]);
    close(ready[1]);
}

static void a_dead_owner_is_reported(void **state)
{
    struct mapshare *ms = open_sized("dead", PAGE);

    (void)state;
    let_owner_die("dead");
    assert_int_equal(mapshare_lock(ms), 1);
    /* Without mapshare_consistent it is reported again, and the lock stays usable. */
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(mapshare_trylock(ms), 1);
    assert_int_equal(mapshare_consistent(ms), 0);
    assert_fails(mapshare_consistent(ms), EINVAL);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(mapshare_lock(ms), 0);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static void a_waiter_learns_of_the_death(void **state)
{
    struct mapshare *ms = open_sized("waiter", PAGE);
    int held[2];
    char byte;
    pid_t owner, waiter;

    (void)state;
    assert_int_equal(pipe(held), 0);
    owner = fork();
    if (owner == 0) {
        CHILD_CHECK(mapshare_lock(ms) == 0);
        CHILD_CHECK(write(held[1], "h", 1) == 1);
        pause();
    }
    assert_int_equal(read(held[0], &byte, 1), 1);
    waiter = fork();
    if (waiter == 0) {
        alarm(20);
        CHILD_CHECK(mapshare_lock(ms) == 1);
        CHILD_CHECK(mapshare_consistent(ms) == 0);
        CHILD_CHECK(mapshare_unlock(ms) == 0);
        _exit(0);
    }
    usleep(30000); /* it may or may not sleep by now: both must work */
    kill(owner, SIGKILL);
    waitpid(owner, NULL, 0);
    assert_child_succeeds(waiter);
    assert_int_equal(mapshare_close(ms), 0);
}

static void death_of_the_only_user_is_reported_to_the_next(void **state)
{
    struct mapshare *ms;

    (void)state;
    assert_int_equal(mapshare_close(open_sized("only", PAGE)), 0);
    let_owner_die("only");
    ms = open_sized("only", PAGE);
    assert_int_equal(mapshare_lock(ms), 1);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(mapshare_close(ms), 0); /* nobody repaired it, so it is remembered still */
    ms = open_sized("only", PAGE);
    assert_int_equal(mapshare_lock(ms), 1);
    assert_int_equal(mapshare_consistent(ms), 0);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static void owners_that_die_one_after_the_other(void **state)
{
    struct mapshare *ms = open_sized("series", PAGE);

    (void)state;
    for (int i = 0; i < 50; i++)
        let_owner_die("series");
    assert_int_equal(mapshare_lock(ms), 1);
    assert_int_equal(mapshare_consistent(ms), 0);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

/* Keeps two numbers equal under the lock, repairing what the dead left. */
static void keep_equal(void)
{
    struct mapshare *own = mapshare_open(in_scratch("contended"), O_RDWR, 0, NULL);
    volatile long *numbers;

    CHILD_CHECK(own);
    numbers = mapshare_addr(own);
    for (;;) {
        int held = mapshare_lock(own);

        CHILD_CHECK(held >= 0);
        if (held == 1) {
            numbers[1] = numbers[0];
            CHILD_CHECK(mapshare_consistent(own) == 0);
        }
        CHILD_CHECK(numbers[0] == numbers[1]);
        numbers[0]++;
        numbers[1]++;
        CHILD_CHECK(mapshare_unlock(own) == 0);
    }
}

/* Processes die at any moment, with the lock, waiting for it, or making way for one who starves. The others go on. */
static void deaths_under_contention(void **state)
{
    enum { AT_ONCE = 8, DEATHS = 300 };
    struct mapshare *ms = open_sized("contended", PAGE);
    volatile long *numbers = mapshare_addr(ms);
    pid_t children[AT_ONCE] = {0};

    (void)state;
    for (int death = 0; death < DEATHS; death++) {
        pid_t *child = &children[death % AT_ONCE];
        long before = numbers[0];
        double start = seconds_now();

        if (*child) {
            int status;

            kill(*child, SIGKILL);
            assert_int_equal(waitpid(*child, &status, 0), *child);
            assert_true(WIFSIGNALED(status)); /* no check of its own failed */
        }
        *child = fork();
        if (*child == 0)
            keep_equal();
        while (numbers[0] == before && seconds_now() < start + 30)
            usleep(200);
        assert_true(numbers[0] != before); /* nobody hangs */
    }
    for (int i = 0; i < AT_ONCE; i++) {
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
    if (mapshare_lock(ms) == 1)
        assert_int_equal(mapshare_consistent(ms), 0);
    else
        assert_int_equal(numbers[0], numbers[1]);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static void *try_lock(void *argument)
{
    return (void *)(intptr_t)(mapshare_trylock(argument) ? errno : 0);
}

static void *try_unlock(void *argument)
{
    return (void *)(intptr_t)(mapshare_unlock(argument) ? errno : 0);
}

static int in_thread(void *(*function)(void *), void *argument)
{
    pthread_t thread;
    void *result;

    assert_int_equal(pthread_create(&thread, NULL, function, argument), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    return (int)(intptr_t)result;
}

static void misuse_is_told(void **state)
{
    struct mapshare *ms = open_sized("misuse", PAGE);

    (void)state;
    assert_fails(mapshare_unlock(ms), EPERM);
    assert_fails(mapshare_consistent(ms), EPERM);
    assert_int_equal(mapshare_lock(ms), 0);
    assert_fails(mapshare_lock(ms), EDEADLK);
    assert_fails(mapshare_trylock(ms), EDEADLK);
    assert_int_equal(in_thread(try_lock, ms), EBUSY);
    assert_int_equal(in_thread(try_unlock, ms), EPERM);
    assert_fails(mapshare_close(ms), EBUSY);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(in_thread(try_unlock, ms), EPERM);
    assert_int_equal(mapshare_close(ms), 0);
}

static void the_file_knows_nothing_of_it(void **state)
{
    struct mapshare *ms = open_sized("untouched", 4 * PAGE);
    struct stat before, after;
    unsigned char bytes[4 * PAGE];

    (void)state;
    assert_int_equal(mapshare_sync(ms, 0, 0, MS_SYNC, NULL), 0);
    assert_int_equal(fstat(mapshare_fd(ms), &before), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(mapshare_lock(ms), 0);
        assert_int_equal(mapshare_notify(ms), 0);
        assert_int_equal(mapshare_unlock(ms), 0);
    }
    assert_int_equal(mapshare_sync(ms, 0, 0, MS_SYNC, NULL), 0);
    assert_int_equal(fstat(mapshare_fd(ms), &after), 0);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
    assert_int_equal(pread(mapshare_fd(ms), bytes, sizeof(bytes), 0), sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static void two_names_of_a_file_have_one_lock(void **state)
{
    struct mapshare *ms = open_sized("name", PAGE), *other;

    (void)state;
    assert_int_equal(link(in_scratch("name"), in_scratch("other-name")), 0);
    other = mapshare_open(in_scratch("other-name"), O_RDWR, 0, NULL);
    assert_non_null(other);
    assert_int_equal(mapshare_lock(ms), 0);
    assert_int_equal(in_thread(try_lock, other), EBUSY);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(mapshare_close(ms), 0);
    assert_int_equal(mapshare_close(other), 0);
}

/* One who holds the lock nearly always must not keep others from it: they wait for some rounds of its, not for good. */
static void nobody_starves(void **state)
{
    struct mapshare *ms = open_sized("greedy", PAGE);
    _Atomic int *stop = mapshare_addr(ms);
    pid_t greedy = fork();
    double start = seconds_now();

    (void)state;
    if (greedy == 0) {
        while (!*stop && seconds_now() < start + 60) {
            double until = seconds_now() + 0.002;
            CHILD_CHECK(mapshare_lock(ms) == 0);
            while (seconds_now() < until)
                ;
            CHILD_CHECK(mapshare_unlock(ms) == 0);
        }
        _exit(0);
    }
    for (int i = 0; i < 50; i++) {
        assert_int_equal(mapshare_lock(ms), 0);
        assert_int_equal(mapshare_unlock(ms), 0);
    }
    *stop = 1;
    assert_child_succeeds(greedy);
    assert_true(seconds_now() - start < 30); /* 50 times patience and a round are 0.6 s */
    assert_int_equal(mapshare_close(ms), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thirty_two_processes_exclude_each_other),
        cmocka_unit_test(a_dead_owner_is_reported),
        cmocka_unit_test(a_waiter_learns_of_the_death),
        cmocka_unit_test(death_of_the_only_user_is_reported_to_the_next),
        cmocka_unit_test(owners_that_die_one_after_the_other),
        cmocka_unit_test(deaths_under_contention),
        cmocka_unit_test(misuse_is_told),
        cmocka_unit_test(the_file_knows_nothing_of_it),
        cmocka_unit_test(two_names_of_a_file_have_one_lock),
        cmocka_unit_test(nobody_starves),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
