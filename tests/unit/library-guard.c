/* Guarded copies: what SIGBUS becomes, and whose handler gets which signal.
 *
 * Each test runs in a child that starts with the default handler: cmocka sets its own for each test, and the library installs its
 * handler once in a process.
 */
#include "config.h"

#include <pthread.h>

#include "library.h"

/* Runs a function in a child; returns its wait status. */
static int in_child(void (*function)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        alarm(30);
        signal(SIGBUS, SIG_DFL);
        function();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static bool exits_well(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool dies_by_bus_error(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
}

static void copies_within_the_file(void)
{
    struct mapshare *ms = open_sized("within", 2 * PAGE);
    char bytes[PAGE];

    CHILD_CHECK(mapshare_write(ms, "some text", 10, 5000) == 10);
    CHILD_CHECK(mapshare_read(ms, bytes, 10, 5000) == 10);
    CHILD_CHECK(strcmp(bytes, "some text") == 0);
    CHILD_CHECK(strcmp((char *)mapshare_addr(ms) + 5000, "some text") == 0);
    CHILD_CHECK(mapshare_read(ms, bytes, 0, 0) == 0);
    CHILD_CHECK(mapshare_close(ms) == 0);
}

static void the_end_of_the_file_ends_a_copy(void)
{
    struct mapshare *ms = open_sized("end", PAGE + 100);
    char bytes[4 * PAGE];

    CHILD_CHECK(mapshare_read(ms, bytes, sizeof(bytes), 0) == PAGE + 100);
    CHILD_CHECK(mapshare_read(ms, bytes, 200, PAGE + 50) == 50);
    CHILD_CHECK(mapshare_write(ms, bytes, 200, PAGE + 50) == 50);
    CHILD_CHECK(mapshare_read(ms, bytes, 1, PAGE + 100) == 0);
    CHILD_CHECK(mapshare_write(ms, bytes, 1, UINT64_MAX) == 0);
    CHILD_CHECK(mapshare_size(ms) == PAGE + 100);
    CHILD_CHECK(mapshare_close(ms) == 0);
}

static void a_file_cut_by_another_ends_a_copy(void)
{
    struct mapshare *ms = open_sized("cut", 16 * PAGE);
    char bytes[16 * PAGE];

    memset(mapshare_addr(ms), 'x', 16 * PAGE);
    CHILD_CHECK(mapshare_read(ms, bytes, sizeof(bytes), 0) == 16 * PAGE);
    CHILD_CHECK(truncate(in_scratch("cut"), 3 * PAGE + 7) == 0);
    CHILD_CHECK(mapshare_read(ms, bytes, sizeof(bytes), 0) == 3 * PAGE + 7);
    CHILD_CHECK(mapshare_read(ms, bytes, 100, 8 * PAGE) == 0);
    CHILD_CHECK(mapshare_write(ms, bytes, 100, 8 * PAGE) == 0);
    /* Grown again by anybody, it is all there at once. */
    CHILD_CHECK(truncate(in_scratch("cut"), 16 * PAGE) == 0);
    CHILD_CHECK(mapshare_write(ms, bytes, 100, 8 * PAGE) == 100);
    CHILD_CHECK(mapshare_close(ms) == 0);
}

static void arguments_that_are_refused(void)
{
    struct mapshare *ms = open_sized("arguments", PAGE), *reader = mapshare_open(in_scratch("arguments"), O_RDONLY, 0, NULL);

    CHILD_CHECK(mapshare_read(ms, NULL, 1, 0) == -1 && errno == EINVAL);
    CHILD_CHECK(mapshare_write(ms, NULL, 1, 0) == -1 && errno == EINVAL);
    CHILD_CHECK(mapshare_write(reader, "", 1, 0) == -1 && errno == EBADF);
    CHILD_CHECK(mapshare_close(reader) == 0);
    CHILD_CHECK(mapshare_close(ms) == 0);
}

/* A page of the file that cannot be had although the file is long enough: here because the address is somebody else's mapping. */
static void a_page_that_cannot_be_had(void)
{
    struct mapshare *ms = open_sized("bad", 4 * PAGE);
    int fd = open(in_scratch("empty"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    char byte;

    CHILD_CHECK(mmap((char *)mapshare_addr(ms) + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
                (char *)mapshare_addr(ms) + 2 * PAGE);
    CHILD_CHECK(mapshare_read(ms, &byte, 1, 2 * PAGE) == -1 && errno == EFAULT);
    CHILD_CHECK(mapshare_write(ms, &byte, 1, 2 * PAGE) == -1 && errno == EFAULT);
    CHILD_CHECK(mapshare_read(ms, &byte, 1, 3 * PAGE) == 1);
    close(fd);
    CHILD_CHECK(mapshare_close(ms) == 0);
}

static struct mapshare *one_page_of_two(void)
{
    struct mapshare *ms = open_sized("half", 2 * PAGE);
    char byte;

    CHILD_CHECK(mapshare_read(ms, &byte, 1, 0) == 1); /* installs the handler */
    CHILD_CHECK(truncate(in_scratch("half"), PAGE) == 0);
    return ms;
}

static void touch_beyond(void)
{
    struct mapshare *ms = one_page_of_two();

    *((volatile char *)mapshare_addr(ms) + PAGE) = 1;
}

static void raise_in_default(void)
{
    one_page_of_two();
    kill(getpid(), SIGBUS);
}

static void raise_in_ignored(void)
{
    signal(SIGBUS, SIG_IGN);
    one_page_of_two();
    kill(getpid(), SIGBUS);
}

static void touch_in_ignored(void)
{
    signal(SIGBUS, SIG_IGN);
    touch_beyond();
}

static void what_is_not_ours_ends_the_process_as_before(void **state)
{
    (void)state;
    assert_true(dies_by_bus_error(in_child(touch_beyond)));
    assert_true(dies_by_bus_error(in_child(raise_in_default)));
    assert_true(dies_by_bus_error(in_child(touch_in_ignored)));
    assert_true(exits_well(in_child(raise_in_ignored)));
}

static sigjmp_buf back;
static struct mapshare *handled;
static volatile sig_atomic_t calls;
static volatile bool was_blocked;
static struct sigaction replaced;

static bool is_blocked(int number)
{
    sigset_t mask;

    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    return sigismember(&mask, number) == 1;
}

static void with_information(int number, siginfo_t *information, void *context)
{
    CHILD_CHECK(number == SIGBUS && context);
    CHILD_CHECK(information->si_addr == (char *)mapshare_addr(handled) + PAGE);
    calls++;
    was_blocked = is_blocked(SIGBUS) && is_blocked(SIGUSR2);
    siglongjmp(back, 1);
}

static void handler_before_ours_with_information(void)
{
    struct sigaction action = {.sa_sigaction = with_information, .sa_flags = SA_SIGINFO};

    sigaddset(&action.sa_mask, SIGUSR2);
    CHILD_CHECK(sigaction(SIGBUS, &action, NULL) == 0);
    handled = one_page_of_two();
    for (int i = 1; i <= 3; i++) {
        char byte;

        if (sigsetjmp(back, 1) == 0)
            *((volatile char *)mapshare_addr(handled) + PAGE) = 1;
        CHILD_CHECK(calls == i && was_blocked && !is_blocked(SIGBUS));
        CHILD_CHECK(mapshare_read(handled, &byte, 1, PAGE) == 0); /* and this is ours */
    }
}

static void simple(int number)
{
    CHILD_CHECK(number == SIGBUS);
    calls++;
}

static void handler_before_ours_once(void)
{
    struct sigaction action = {.sa_handler = simple, .sa_flags = SA_RESETHAND};

    CHILD_CHECK(sigaction(SIGBUS, &action, NULL) == 0);
    one_page_of_two();
    kill(getpid(), SIGBUS);
    CHILD_CHECK(calls == 1);
    kill(getpid(), SIGBUS); /* the second one meets the default */
}

static void passes_on(int number, siginfo_t *information, void *context)
{
    calls++;
    CHILD_CHECK(replaced.sa_flags & SA_SIGINFO);
    replaced.sa_sigaction(number, information, context);
}

static void handler_after_ours_that_passes_on(void)
{
    struct sigaction action = {.sa_sigaction = passes_on, .sa_flags = SA_SIGINFO | SA_NODEFER};
    struct mapshare *ms;
    char bytes[2 * PAGE];

    ms = open_sized("after", 2 * PAGE);
    CHILD_CHECK(mapshare_read(ms, bytes, 1, 0) == 1);
    CHILD_CHECK(sigaction(SIGBUS, &action, &replaced) == 0);
    for (int i = 1; i <= 3; i++) {
        CHILD_CHECK(truncate(in_scratch("after"), 2 * PAGE) == 0);
        CHILD_CHECK(mapshare_read(ms, bytes, 2 * PAGE, 0) == 2 * (ssize_t)PAGE);
        CHILD_CHECK(truncate(in_scratch("after"), PAGE) == 0);
        CHILD_CHECK(mapshare_read(ms, bytes, 2 * PAGE, 0) == (ssize_t)PAGE);
        CHILD_CHECK(calls == i);
    }
}

static void the_programs_own_handlers_keep_working(void **state)
{
    (void)state;
    assert_true(exits_well(in_child(handler_before_ours_with_information)));
    assert_true(dies_by_bus_error(in_child(handler_before_ours_once)));
    assert_true(exits_well(in_child(handler_after_ours_that_passes_on)));
}

static void *read_and_fail(void *argument)
{
    struct mapshare *ms = argument;
    char bytes[64];

    for (int i = 0; i < 2000; i++) {
        struct mapshare_status status;

        if (mapshare_read(ms, bytes, sizeof(bytes), PAGE - 32) < 0) {
            perror("read");
            return argument;
        }
        if (mapshare_stat(ms, &status, sizeof(status))) {
            perror("stat");
            return argument;
        }
    }
    return NULL;
}

static void threads_fail_each_on_its_own(void)
{
    struct mapshare *ms = open_sized("threads", 2 * PAGE);
    pthread_t threads[8];
    void *result;

    for (size_t i = 0; i < LENGTH_OF(threads); i++)
        CHILD_CHECK(pthread_create(&threads[i], NULL, read_and_fail, ms) == 0);
    for (int i = 0; i < 500; i++) {
        CHILD_CHECK(truncate(in_scratch("threads"), PAGE / 2) == 0);
        CHILD_CHECK(truncate(in_scratch("threads"), 2 * PAGE) == 0);
    }
    for (size_t i = 0; i < LENGTH_OF(threads); i++) {
        CHILD_CHECK(pthread_join(threads[i], &result) == 0);
        CHILD_CHECK(!result);
    }
    CHILD_CHECK(mapshare_close(ms) == 0);
}

#define IN_CHILD(test)                           \
    static void test##_in_child(void **state)    \
    {                                            \
        (void)state;                             \
        assert_true(exits_well(in_child(test))); \
    }

IN_CHILD(copies_within_the_file)
IN_CHILD(the_end_of_the_file_ends_a_copy)
IN_CHILD(a_file_cut_by_another_ends_a_copy)
IN_CHILD(arguments_that_are_refused)
IN_CHILD(a_page_that_cannot_be_had)
IN_CHILD(threads_fail_each_on_its_own)

int main(void)
{
    if (THREAD_SANITIZER) {
        puts("SKIP: the thread sanitizer cannot be left by a jump out of its memcpy");
        return 77;
    }

    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_within_the_file_in_child),
        cmocka_unit_test(the_end_of_the_file_ends_a_copy_in_child),
        cmocka_unit_test(a_file_cut_by_another_ends_a_copy_in_child),
        cmocka_unit_test(arguments_that_are_refused_in_child),
        cmocka_unit_test(a_page_that_cannot_be_had_in_child),
        cmocka_unit_test(threads_fail_each_on_its_own_in_child),
        cmocka_unit_test(what_is_not_ours_ends_the_process_as_before),
        cmocka_unit_test(the_programs_own_handlers_keep_working),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
