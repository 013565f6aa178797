/* mapshare_resize: growth in place for everybody, and when shrinking is refused. */
#include "config.h"

#include "library.h"

static void grown_bytes_are_there_for_all_at_once(void **state)
{
    struct mapshare *ms = open_sized("grows", PAGE), *other = mapshare_open(in_scratch("grows"), O_RDWR, 0, NULL);
    char *address = mapshare_addr(ms), *others = mapshare_addr(other);

    (void)state;
    address[0] = 'a';
    assert_int_equal(mapshare_resize(ms, 100 * PAGE), 0);
    assert_ptr_equal(mapshare_addr(ms), address);
    assert_int_equal(mapshare_size(other), 100 * PAGE);
    assert_int_equal(others[99 * PAGE], 0);
    address[99 * PAGE] = 'z';
    assert_int_equal(others[99 * PAGE], 'z');
    assert_int_equal(others[0], 'a');
    assert_int_equal(mapshare_close(other), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static void another_process_sees_growth_without_a_call(void **state)
{
    struct mapshare *ms = open_sized("process", PAGE);
    int ready[2], grown[2];
    char byte = 0;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(grown), 0);
    child = fork();
    if (child == 0) {
        struct mapshare *own = mapshare_open(in_scratch("process"), O_RDWR, 0, NULL);
        CHILD_CHECK(own);
        CHILD_CHECK(write(ready[1], "r", 1) == 1);
        CHILD_CHECK(read(grown[0], &byte, 1) == 1);
        ((char *)mapshare_addr(own))[5 * PAGE] = 'c';
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(mapshare_resize(ms, 6 * PAGE), 0);
    assert_int_equal(write(grown[1], "g", 1), 1);
    assert_child_succeeds(child);
    assert_int_equal(((char *)mapshare_addr(ms))[5 * PAGE], 'c');
    assert_int_equal(mapshare_close(ms), 0);
}

static void what_was_stored_beyond_the_end_does_not_appear(void **state)
{
    struct mapshare *ms = open_sized("tail", 100);
    unsigned char *address = mapshare_addr(ms);

    (void)state;
    memset(address, 0xff, PAGE); /* 100 bytes of the file, and what is no part of it */
    assert_int_equal(mapshare_resize(ms, 2 * PAGE), 0);
    for (size_t i = 0; i < 2 * PAGE; i++)
        assert_int_equal(address[i], i < 100 ? 0xff : 0);
    assert_int_equal(mapshare_close(ms), 0);
}

/* A handler for SIGBUS is the program's own affair. */
static void growing_installs_no_signal_handler(void **state)
{
    struct sigaction before, after;
    struct mapshare *ms;

    (void)state;
    assert_int_equal(sigaction(SIGBUS, NULL, &before), 0);
    ms = open_sized("quiet", 100);
    assert_int_equal(mapshare_resize(ms, 2 * PAGE + 100), 0);
    assert_int_equal(mapshare_resize(ms, 3 * PAGE), 0);
    assert_int_equal(sigaction(SIGBUS, NULL, &after), 0);
    assert_ptr_equal(before.sa_sigaction, after.sa_sigaction);
    assert_int_equal(mapshare_close(ms), 0);
}

static void sizes_that_are_refused(void **state)
{
    struct mapshare_options options = {.size = PAGE, .reserve = 16 * PAGE};
    struct mapshare *ms = mapshare_open(in_scratch("refused"), O_RDWR | O_CREAT, 0644, &options);
    struct mapshare *reader = mapshare_open(in_scratch("refused"), O_RDONLY, 0, NULL);

    (void)state;
    assert_fails(mapshare_resize(ms, 0), EINVAL);
    assert_fails(mapshare_resize(ms, 16 * PAGE + 1), EFBIG);
    assert_fails(mapshare_resize(reader, 2 * PAGE), EBADF);
    assert_int_equal(mapshare_resize(ms, 16 * PAGE), 0);
    assert_int_equal(mapshare_close(reader), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static void shrinking_alone(void **state)
{
    struct mapshare *ms = open_sized("alone", 8 * PAGE);
    struct stat status;

    (void)state;
    assert_int_equal(mapshare_resize(ms, 2 * PAGE), 0);
    assert_int_equal(fstat(mapshare_fd(ms), &status), 0);
    assert_int_equal(status.st_size, 2 * PAGE);
    assert_int_equal(mapshare_resize(ms, 8 * PAGE), 0);
    assert_int_equal(((char *)mapshare_addr(ms))[7 * PAGE], 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static void shrinking_is_refused_while_another_maps_the_tail(void **state)
{
    struct mapshare_options small = {.reserve = 4 * PAGE};
    struct mapshare *ms = open_sized("held", 4 * PAGE);
    int ready[2];
    char byte;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        CHILD_CHECK(mapshare_open(in_scratch("held"), O_RDONLY, 0, &small));
        CHILD_CHECK(write(ready[1], "r", 1) == 1);
        pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_fails(mapshare_resize(ms, 2 * PAGE), EBUSY);
    assert_fails(mapshare_resize(ms, 4 * PAGE - 1), EBUSY);
    assert_int_equal(mapshare_size(ms), 4 * PAGE);
    /* What the other does not map may go. */
    assert_int_equal(mapshare_resize(ms, 9 * PAGE), 0);
    assert_int_equal(mapshare_resize(ms, 4 * PAGE), 0);
    /* The kernel forgets the dead. */
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(mapshare_resize(ms, 2 * PAGE), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static void growing_by_many_at_once_loses_nothing(void **state)
{
    struct mapshare *ms = open_sized("many", PAGE);
    pid_t children[8];

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(children); i++) {
        children[i] = fork();
        if (children[i] == 0) {
            struct mapshare *own = mapshare_open(in_scratch("many"), O_RDWR, 0, NULL);
            CHILD_CHECK(own);
            for (size_t pages = 2; pages <= 200; pages++) {
                CHILD_CHECK(mapshare_lock(own) == 0);
                if (mapshare_size(own) < pages * PAGE)
                    CHILD_CHECK(mapshare_resize(own, pages * PAGE) == 0);
                CHILD_CHECK(mapshare_unlock(own) == 0);
                ((_Atomic int *)((char *)mapshare_addr(own) + (pages - 1) * PAGE))[i] = 1;
            }
            _exit(0);
        }
    }
    for (size_t i = 0; i < LENGTH_OF(children); i++)
        assert_child_succeeds(children[i]);
    assert_int_equal(mapshare_size(ms), 200 * PAGE);
    for (size_t page = 1; page < 200; page++) {
        for (size_t i = 0; i < LENGTH_OF(children); i++)
            assert_int_equal(((int *)((char *)mapshare_addr(ms) + page * PAGE))[i], 1);
    }
    assert_int_equal(mapshare_close(ms), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grown_bytes_are_there_for_all_at_once),
        cmocka_unit_test(another_process_sees_growth_without_a_call),
        cmocka_unit_test(what_was_stored_beyond_the_end_does_not_appear),
        cmocka_unit_test(growing_installs_no_signal_handler),
        cmocka_unit_test(sizes_that_are_refused),
        cmocka_unit_test(shrinking_alone),
        cmocka_unit_test(shrinking_is_refused_while_another_maps_the_tail),
        cmocka_unit_test(growing_by_many_at_once_loses_nothing),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
