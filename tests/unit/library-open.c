/* mapshare_open: what it takes, what it refuses, what it leaves. */
#include "config.h"

#include <sys/resource.h>

#include "library.h"

static void options_that_are_refused(void **state)
{
    struct mapshare_options bad_flag = {.flags = 0x80}, bad_reserved = {.reserved = {0, 0, 1}}, bad_size = {.struct_size = 7},
                            huge = {.size = UINT64_MAX};

    (void)state;
    assert_fails_null(mapshare_open(in_scratch("refused"), O_RDWR | O_CREAT, 0644, &bad_flag), EINVAL);
    assert_fails_null(mapshare_open(in_scratch("refused"), O_RDWR | O_CREAT, 0644, &bad_reserved), EINVAL);
    assert_fails_null(mapshare_open(in_scratch("refused"), O_RDWR | O_CREAT, 0644, &bad_size), EINVAL);
    assert_fails_null(mapshare_open(in_scratch("refused"), O_RDWR | O_CREAT, 0644, &huge), EFBIG);
    assert_fails_null(mapshare_open(in_scratch("refused"), O_WRONLY | O_CREAT, 0644, NULL), EINVAL);
    assert_fails_null(mapshare_open(in_scratch("refused"), O_RDWR | O_APPEND | O_CREAT, 0644, NULL), EINVAL);
    assert_fails_null(mapshare_open(in_scratch("refused"), O_RDONLY | O_TRUNC, 0, NULL), EINVAL);
    assert_int_equal(access(in_scratch("refused"), F_OK), -1);
}

static void what_is_no_regular_file(void **state)
{
    (void)state;
    assert_fails_null(mapshare_open(in_scratch("missing"), O_RDWR, 0, NULL), ENOENT);
    assert_fails_null(mapshare_open(test_folder, O_RDONLY, 0, NULL), ENODEV);
    assert_fails_null(mapshare_open("/dev/zero", O_RDWR, 0, NULL), ENODEV);
    assert_int_equal(symlink("target", in_scratch("link")), 0);
    assert_fails_null(mapshare_open(in_scratch("link"), O_RDWR | O_CREAT | O_NOFOLLOW, 0644, NULL), ELOOP);
}

static void the_size_is_a_least_size(void **state)
{
    struct mapshare *ms = open_sized("sized", 10000);
    struct stat status;

    (void)state;
    assert_int_equal(mapshare_size(ms), 10000);
    assert_int_equal(fstat(mapshare_fd(ms), &status), 0);
    assert_true(status.st_blocks * 512 >= 10000);
    for (size_t i = 0; i < 10000; i++)
        assert_int_equal(((char *)mapshare_addr(ms))[i], 0);
    assert_int_equal(mapshare_close(ms), 0);
    ms = open_sized("sized", 5000);
    assert_int_equal(mapshare_size(ms), 10000);
    assert_int_equal(mapshare_close(ms), 0);
}

static void bytes_are_shared_with_every_other_user(void **state)
{
    struct mapshare *ms = open_sized("shared", PAGE), *reader = mapshare_open(in_scratch("shared"), O_RDONLY, 0, NULL);
    char bytes[6] = "";
    int fd = open(in_scratch("shared"), O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_non_null(reader);
    memcpy(mapshare_addr(ms), "hello", 6);
    assert_string_equal(mapshare_addr(reader), "hello");
    assert_int_equal(pread(fd, bytes, 6, 0), 6);
    assert_string_equal(bytes, "hello");
    assert_int_equal(fcntl(mapshare_fd(ms), F_GETFD), FD_CLOEXEC);
    close(fd);
    assert_int_equal(mapshare_close(reader), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static void a_reader_cannot_make_it_longer(void **state)
{
    struct mapshare_options options = {.size = 2 * PAGE};

    (void)state;
    assert_int_equal(mapshare_close(open_sized("short", PAGE)), 0);
    assert_fails_null(mapshare_open(in_scratch("short"), O_RDONLY, 0, &options), EBADF);
}

static void truncating_waits_for_nobody(void **state)
{
    struct mapshare *ms = open_sized("truncated", 3 * PAGE), *again;

    (void)state;
    memset(mapshare_addr(ms), 1, 3 * PAGE);
    assert_fails_null(mapshare_open(in_scratch("truncated"), O_RDWR | O_TRUNC, 0, NULL), EBUSY);
    assert_int_equal(mapshare_size(ms), 3 * PAGE);
    assert_int_equal(mapshare_close(ms), 0);
    again = mapshare_open(in_scratch("truncated"), O_RDWR | O_TRUNC, 0, &(struct mapshare_options){.size = PAGE});
    assert_non_null(again);
    assert_int_equal(mapshare_size(again), PAGE);
    assert_int_equal(*(char *)mapshare_addr(again), 0);
    assert_int_equal(mapshare_close(again), 0);
}

static void little_address_space_is_enough_without_a_wish(void **state)
{
    pid_t child = SANITIZER ? -1 : fork();

    (void)state;
    if (SANITIZER)
        skip_because("the sanitizer needs the address space");
    if (child == 0) {
        struct rlimit limit = {256 << 20, 256 << 20};
        struct mapshare_options wish = {.reserve = (uint64_t)1 << 30, .size = PAGE}, none = {.size = PAGE};
        struct mapshare *ms;
        void *use;

        CHILD_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
        CHILD_CHECK(mapshare_open(in_scratch("narrow"), O_RDWR | O_CREAT, 0644, &wish) == NULL && errno == ENOMEM);
        use = mmap(NULL, 180 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHILD_CHECK(use != MAP_FAILED);
        ms = mapshare_open(in_scratch("narrow"), O_RDWR | O_CREAT, 0644, &none);
        CHILD_CHECK(ms && mapshare_size(ms) == PAGE);
        _exit(0);
    }
    assert_child_succeeds(child);
}

static void what_needs_the_daemon_says_so(void **state)
{
    struct mapshare *ms = open_sized("plain", PAGE);
    struct mapshare_options atomic = {.flags = MAPSHARE_ATOMIC};
    struct timespec none = {0};

    (void)state;
    if (is_on_mount(ms)) {
        mapshare_close(ms);
        skip_because("the daemon is here");
    }
    assert_fails_null(mapshare_open(in_scratch("plain"), O_RDWR, 0, &atomic), ENOTSUP);
    assert_fails(mapshare_commit(&ms, 1, NULL), ENOTSUP);
    assert_fails(mapshare_wait(ms, 1, &none), ENOTSUP);
    assert_fails(mapshare_dirty(ms, NULL, 0), ENOTSUP);
    assert_int_equal(mapshare_close(ms), 0);
}

static void populate_brings_all_pages_in(void **state)
{
    struct mapshare_options options = {.size = 64 * PAGE, .flags = MAPSHARE_POPULATE};
    struct mapshare *ms = mapshare_open(in_scratch("populated"), O_RDWR | O_CREAT, 0644, &options);
    unsigned char resident[64];

    (void)state;
    assert_non_null(ms);
    assert_int_equal(mincore(mapshare_addr(ms), 64 * PAGE, resident), 0);
    for (size_t i = 0; i < 64; i++)
        assert_true(resident[i] & 1);
    assert_int_equal(mapshare_close(ms), 0);
}

static void closing_nothing_is_an_error(void **state)
{
    (void)state;
    assert_fails(mapshare_close(NULL), EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_that_are_refused),
        cmocka_unit_test(what_is_no_regular_file),
        cmocka_unit_test(the_size_is_a_least_size),
        cmocka_unit_test(bytes_are_shared_with_every_other_user),
        cmocka_unit_test(a_reader_cannot_make_it_longer),
        cmocka_unit_test(truncating_waits_for_nobody),
        cmocka_unit_test(little_address_space_is_enough_without_a_wish),
        cmocka_unit_test(what_needs_the_daemon_says_so),
        cmocka_unit_test(populate_brings_all_pages_in),
        cmocka_unit_test(closing_nothing_is_an_error),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
