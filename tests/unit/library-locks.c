/* The locks by number, shared and with a deadline; who owns them: threads and processes, also by fork. */
#include "config.h"

#include <pthread.h>

#include "library.h"

static struct timespec in_milliseconds(long milliseconds)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += milliseconds / 1000;
    at.tv_nsec += milliseconds % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

/* What another thread gets. */
struct call {
    struct mapshare *ms;
    uint32_t number, flags;
    int result, error;
    bool give_back;
};

static void *run_call(void *argument)
{
    struct call *call = argument;

    call->result = mapshare_lock_at(call->ms, call->number, call->flags, NULL);
    call->error = errno;
    if (call->result >= 0 && call->give_back && mapshare_unlock_at(call->ms, call->number))
        call->result = -2;
    return NULL;
}

/* The result, or its errno. */
static int in_thread(struct mapshare *ms, uint32_t number, uint32_t flags)
{
    struct call call = {.ms = ms, .number = number, .flags = flags, .give_back = true};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, run_call, &call), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return call.result == -1 ? call.error : call.result;
}

/* A child, and what it does until it is told to end. */
struct other {
    pid_t pid;
    int ready, go;
};

static struct other start_child(const char *name, uint32_t number, uint32_t flags, struct mapshare *inherited)
{
    int ready[2], go[2];
    struct other other;
    char byte;

    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    other.pid = fork();
    if (other.pid == 0) {
        struct mapshare *own = inherited ? inherited : mapshare_open(in_scratch(name), O_RDWR, 0, NULL);

        alarm(60);
        close(go[1]);
        CHILD_CHECK(own && mapshare_lock_at(own, number, flags, NULL) >= 0);
        CHILD_CHECK(write(ready[1], "r", 1) == 1);
        CHILD_CHECK(read(go[0], &byte, 1) == 1);
        CHILD_CHECK(mapshare_unlock_at(own, number) == 0);
        _exit(0);
    }
    close(ready[1]);
    close(go[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    other.ready = ready[0];
    other.go = go[1];
    return other;
}

static void end_child(struct other *other, bool by_death)
{
    if (by_death) {
        kill(other->pid, SIGKILL);
        waitpid(other->pid, NULL, 0);
    }
    if (!by_death) {
        assert_int_equal(write(other->go, "g", 1), 1);
        assert_child_succeeds(other->pid);
    }
    close(other->go);
    close(other->ready);
}

static void each_number_is_a_lock_of_its_own(void **state)
{
    struct mapshare *ms = open_sized("numbers", PAGE);

    (void)state;
    for (uint32_t i = 0; i < MAPSHARE_LOCKS; i++) {
        assert_int_equal(mapshare_lock_at(ms, i, 0, NULL), 0);
        assert_int_equal(in_thread(ms, i, MAPSHARE_LOCK_TRY), EBUSY);
        if (i + 1 < MAPSHARE_LOCKS)
            assert_int_equal(in_thread(ms, i + 1, MAPSHARE_LOCK_TRY), 0);
    }
    assert_int_equal(in_thread(ms, 0, MAPSHARE_LOCK_TRY), EBUSY);
    assert_fails(mapshare_trylock(ms), EDEADLK); /* number 0 */
    assert_fails(mapshare_close(ms), EBUSY);
    for (uint32_t i = 0; i < MAPSHARE_LOCKS; i++)
        assert_int_equal(mapshare_unlock_at(ms, i), 0);
    assert_fails(mapshare_lock_at(ms, MAPSHARE_LOCKS, 0, NULL), EINVAL);
    assert_fails(mapshare_unlock_at(ms, MAPSHARE_LOCKS), EINVAL);
    assert_fails(mapshare_consistent_at(ms, MAPSHARE_LOCKS), EINVAL);
    assert_fails(mapshare_lock_at(ms, 0, 8, NULL), EINVAL);
    assert_int_equal(mapshare_close(ms), 0);
}

static void a_share_is_for_many_and_alone_for_one(void **state)
{
    struct mapshare *ms = open_sized("shared", PAGE);
    struct other one = start_child("shared", 0, MAPSHARE_LOCK_SHARED, NULL), two;

    (void)state;
    two = start_child("shared", 0, MAPSHARE_LOCK_SHARED, ms); /* inherited */
    assert_int_equal(mapshare_lock_shared(ms), 0);
    assert_int_equal(in_thread(ms, 0, MAPSHARE_LOCK_SHARED), 0);
    assert_int_equal(in_thread(ms, 0, MAPSHARE_LOCK_TRY), EBUSY);
    assert_fails(mapshare_consistent(ms), EPERM); /* a share is not enough */
    assert_fails(mapshare_close(ms), EBUSY);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_fails(mapshare_unlock(ms), EPERM);
    assert_fails(mapshare_trylock(ms), EBUSY);
    end_child(&one, false);
    assert_fails(mapshare_trylock(ms), EBUSY);
    end_child(&two, true); /* a dead one's share is gone, and nothing is told of it */
    assert_int_equal(mapshare_lock(ms), 0);
    assert_int_equal(in_thread(ms, 0, MAPSHARE_LOCK_TRY | MAPSHARE_LOCK_SHARED), EBUSY);
    assert_fails(mapshare_lock_shared(ms), EDEADLK);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(in_thread(ms, 0, MAPSHARE_LOCK_TRY | MAPSHARE_LOCK_SHARED), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

/* Readers see two numbers equal that writers change one after the other; some of both are killed at any moment. */
static void readers_and_writers_that_die(void **state)
{
    enum { AT_ONCE = 6, DEATHS = 150 };
    struct mapshare *ms = open_sized("readers", PAGE);
    volatile long *numbers = mapshare_addr(ms);
    pid_t children[AT_ONCE] = {0};

    (void)state;
    for (int death = 0; death < DEATHS; death++) {
        int place = death % AT_ONCE, status;
        long before = numbers[2];
        double start = seconds_now();

        if (children[place]) {
            kill(children[place], SIGKILL);
            assert_int_equal(waitpid(children[place], &status, 0), children[place]);
            assert_true(WIFSIGNALED(status)); /* no check of its own failed */
        }
        children[place] = fork();
        while (children[place] == 0) {
            int held = place % 2 ? mapshare_lock(ms) : mapshare_lock_shared(ms);

            CHILD_CHECK(held >= 0);
            if (place % 2) {
                if (held == 1) {
                    numbers[1] = numbers[0];
                    CHILD_CHECK(mapshare_consistent(ms) == 0);
                }
                CHILD_CHECK(numbers[0] == numbers[1]);
                numbers[0]++;
                numbers[1]++;
            } else {
                CHILD_CHECK(held == 1 || numbers[0] == numbers[1]);
                __atomic_fetch_add(&numbers[2], 1, __ATOMIC_RELAXED);
            }
            CHILD_CHECK(mapshare_unlock(ms) == 0);
        }
        while (numbers[2] == before && seconds_now() < start + 30)
            usleep(200);
        assert_true(numbers[2] != before); /* readers get on */
    }
    for (int i = 0; i < AT_ONCE; i++) {
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
    assert_true(numbers[0] > 0); /* and writers */
    if (mapshare_lock(ms) == 1)
        assert_int_equal(mapshare_consistent(ms), 0);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static void who_waits_alone_goes_before_later_shares(void **state)
{
    struct mapshare *ms = open_sized("writer", PAGE);
    struct other reader = start_child("writer", 0, MAPSHARE_LOCK_SHARED, NULL);
    struct call writer = {.ms = ms, .give_back = true};
    double start = seconds_now();
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, run_call, &writer), 0);
    while (mapshare_lock_at(ms, 0, MAPSHARE_LOCK_TRY | MAPSHARE_LOCK_SHARED, NULL) == 0) { /* until it waits */
        assert_int_equal(mapshare_unlock(ms), 0);
        assert_true(seconds_now() < start + 30);
    }
    assert_int_equal(errno, EBUSY);
    end_child(&reader, false);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(writer.result, 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static void a_deadline_is_kept(void **state)
{
    struct mapshare *ms = open_sized("deadline", PAGE);
    struct timespec past = {0}, wrong = {.tv_nsec = 1000000000}, soon, later;
    struct other other = start_child("deadline", 0, 0, NULL);

    (void)state;
    assert_fails(mapshare_timedlock(ms, &past), ETIMEDOUT);
    assert_fails(mapshare_timedlock(ms, &wrong), EINVAL);
    soon = in_milliseconds(60);
    assert_fails(mapshare_timedlock(ms, &soon), ETIMEDOUT);
    clock_gettime(CLOCK_MONOTONIC, &later);
    assert_true(later.tv_sec > soon.tv_sec || (later.tv_sec == soon.tv_sec && later.tv_nsec >= soon.tv_nsec));
    assert_fails(mapshare_lock_at(ms, 0, MAPSHARE_LOCK_SHARED, &past), ETIMEDOUT);
    end_child(&other, true);
    soon = in_milliseconds(60000);
    assert_int_equal(mapshare_timedlock(ms, &soon), 1); /* a death is told long before */
    assert_int_equal(mapshare_consistent(ms), 0);
    assert_int_equal(mapshare_unlock(ms), 0);
    other = start_child("deadline", 0, MAPSHARE_LOCK_SHARED, NULL);
    soon = in_milliseconds(60);
    assert_fails(mapshare_timedlock(ms, &soon), ETIMEDOUT);
    assert_int_equal(in_thread(ms, 0, MAPSHARE_LOCK_TRY | MAPSHARE_LOCK_SHARED), 0); /* who gave up is in nobody's way */
    end_child(&other, false);
    assert_int_equal(mapshare_timedlock(ms, &past), 0); /* free: no need to wait */
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

/* The owner is a process, not an open file description, which its children share and keep open. */
static void an_owner_dies_though_its_children_live(void **state)
{
    struct mapshare *ms = open_sized("orphan", PAGE);
    int ready[2], go[2], status;
    char byte;
    pid_t owner;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    owner = fork();
    if (owner == 0) {
        struct mapshare *own = mapshare_open(in_scratch("orphan"), O_RDWR, 0, NULL);

        CHILD_CHECK(own && mapshare_lock(own) == 0);
        if (fork() == 0) {
            close(go[1]);
            CHILD_CHECK(mapshare_unlock(own) == -1 && errno == EPERM); /* it does not have its parent's lock */
            CHILD_CHECK(write(ready[1], "r", 1) == 1);
            CHILD_CHECK(read(go[0], &byte, 1) >= 0);
            _exit(0);
        }
        pause();
    }
    close(go[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_fails(mapshare_trylock(ms), EBUSY);
    kill(owner, SIGKILL);
    assert_int_equal(waitpid(owner, &status, 0), owner);
    alarm(60);
    assert_int_equal(mapshare_lock(ms), 1); /* the child still has all that it inherited */
    alarm(0);
    assert_int_equal(mapshare_consistent(ms), 0);
    assert_int_equal(mapshare_unlock(ms), 0);
    close(go[1]);
    close(ready[0]);
    close(ready[1]);
    assert_int_equal(mapshare_close(ms), 0);
}

/* Whoever comes first after a death may get the dead one's place: what it held must not look like the new one's. */
static void the_next_in_a_dead_ones_place_is_told(void **state)
{
    struct mapshare *ms;

    (void)state;
    for (int i = 0; i < 20; i++) {
        struct other other;

        ms = open_sized("place", PAGE); /* nobody else has the file: both get the first place */
        assert_int_equal(mapshare_close(ms), 0);
        other = start_child("place", (uint32_t)i, 0, NULL);
        end_child(&other, true);
        ms = mapshare_open(in_scratch("place"), O_RDWR, 0, NULL);
        assert_non_null(ms);
        assert_int_equal(mapshare_lock_at(ms, (uint32_t)i, i % 2 ? MAPSHARE_LOCK_TRY : 0, NULL), 1);
        assert_int_equal(mapshare_consistent_at(ms, (uint32_t)i), 0);
        assert_int_equal(mapshare_unlock_at(ms, (uint32_t)i), 0);
        assert_int_equal(mapshare_close(ms), 0);
    }
}

static void a_thread_that_ends_with_a_lock_is_told(void **state)
{
    struct mapshare *ms = open_sized("thread", PAGE);
    struct call call = {.ms = ms, .number = 5};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, run_call, &call), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(call.result, 0);
    alarm(60);
    assert_int_equal(mapshare_lock_at(ms, 5, 0, NULL), 1);
    alarm(0);
    assert_int_equal(mapshare_consistent_at(ms, 5), 0);
    assert_int_equal(mapshare_unlock_at(ms, 5), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

/* To close any descriptor of a file ends the process's record locks of it: the second open must not be such a one. */
static void closing_one_of_two_opens_keeps_the_lock(void **state)
{
    struct mapshare *ms = open_sized("twice", PAGE), *second = mapshare_open(in_scratch("twice"), O_RDWR, 0, NULL);
    pid_t child;

    (void)state;
    assert_non_null(second);
    assert_int_equal(mapshare_lock_at(second, 1, 0, NULL), 0);
    assert_int_equal(mapshare_unlock_at(second, 1), 0);
    assert_int_equal(mapshare_lock_shared(ms), 0);
    assert_int_equal(mapshare_close(second), 0);
    child = fork();
    if (child == 0) {
        struct mapshare *own = mapshare_open(in_scratch("twice"), O_RDWR, 0, NULL);

        CHILD_CHECK(own && mapshare_trylock(own) == -1 && errno == EBUSY);
        CHILD_CHECK(mapshare_close(own) == 0);
        _exit(0);
    }
    assert_child_succeeds(child);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static void a_file_opened_for_reading_is_not_locked(void **state)
{
    struct mapshare *ms, *reader;

    (void)state;
    ms = open_sized("reading", PAGE);
    reader = mapshare_open(in_scratch("reading"), O_RDONLY, 0, NULL);
    assert_non_null(reader);
    assert_fails(mapshare_lock(reader), EBADF);
    assert_fails(mapshare_lock_shared(reader), EBADF);
    assert_fails(mapshare_unlock(reader), EBADF);
    assert_int_equal(mapshare_close(reader), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_is_a_lock_of_its_own),
        cmocka_unit_test(a_share_is_for_many_and_alone_for_one),
        cmocka_unit_test(readers_and_writers_that_die),
        cmocka_unit_test(who_waits_alone_goes_before_later_shares),
        cmocka_unit_test(a_deadline_is_kept),
        cmocka_unit_test(an_owner_dies_though_its_children_live),
        cmocka_unit_test(the_next_in_a_dead_ones_place_is_told),
        cmocka_unit_test(a_thread_that_ends_with_a_lock_is_told),
        cmocka_unit_test(closing_one_of_two_opens_keeps_the_lock),
        cmocka_unit_test(a_file_opened_for_reading_is_not_locked),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
