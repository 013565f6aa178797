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
    struct mapshare_options atomic = {.flags = MAPSHARE_OPEN_ATOMIC};
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
    struct mapshare_options options = {.size = 64 * PAGE, .flags = MAPSHARE_OPEN_POPULATE};
    struct mapshare *ms = mapshare_open(in_scratch("populated"), O_RDWR | O_CREAT, 0644, &options);
    unsigned char resident[64];

    (void)state;
    assert_non_null(ms);
    assert_int_equal(mincore(mapshare_addr(ms), 64 * PAGE, resident), 0);
    for (size_t i = 0; i < 64; i++)
        assert_true(resident[i] & 1);
    assert_int_equal(mapshare_close(ms), 0);
}

/* Programs and libraries of different versions. */
static void structures_of_other_versions(void **state)
{
    struct {
        struct mapshare_options options;
        uint64_t more[2];
    } larger = {.options = {.struct_size = sizeof(larger), .size = 3 * PAGE}};
    union {
        struct mapshare_options options;
        unsigned char bytes[sizeof(struct mapshare_options)];
    } smaller;
    struct {
        struct mapshare_status status;
        uint64_t more;
    } status;
    struct mapshare *ms = mapshare_open(in_scratch("versions"), O_RDWR | O_CREAT, 0644, &larger.options);

    (void)state;
    assert_non_null(ms);
    assert_int_equal(mapshare_size(ms), 3 * PAGE);
    memset(&status, 0xff, sizeof(status));
    assert_int_equal(mapshare_stat(ms, &status.status, sizeof(status)), 0);
    assert_true(status.status.size == 3 * PAGE && status.more == 0);
    memset(&status, 0xff, sizeof(status));
    assert_int_equal(mapshare_stat(ms, &status.status, sizeof(uint64_t)), 0);
    assert_true(status.status.size == 3 * PAGE && status.status.committed_size == UINT64_MAX);
    assert_fails(mapshare_stat(ms, &status.status, 0), EINVAL);
    assert_int_equal(mapshare_close(ms), 0);
    larger.more[1] = 1; /* something wanted that this version does not know */
    assert_fails_null(mapshare_open(in_scratch("versions"), O_RDWR, 0, &larger.options), EINVAL);
    /* What is beyond its end is not looked at. */
    memset(&smaller, 0xff, sizeof(smaller));
    smaller.options.struct_size = offsetof(struct mapshare_options, reserve);
    smaller.options.size = 4 * PAGE;
    ms = mapshare_open(in_scratch("versions"), O_RDWR, 0, &smaller.options);
    assert_non_null(ms);
    assert_int_equal(mapshare_size(ms), 4 * PAGE);
    assert_int_equal(mapshare_close(ms), 0);
    assert_int_equal(mapshare_version(), MAPSHARE_VERSION);
}

static void a_descriptor_becomes_a_shared_file(void **state)
{
    struct mapshare_options options = {.size = 2 * PAGE};
    int fd = open(in_scratch("given"), O_RDWR | O_CREAT | O_CLOEXEC, 0644), reader, writer, path;
    struct mapshare *ms, *other;

    (void)state;
    assert_true(fd >= 0);
    ms = mapshare_fdopen(fd, &options);
    assert_non_null(ms);
    assert_true(mapshare_fd(ms) == fd && mapshare_size(ms) == 2 * PAGE);
    strcpy(mapshare_addr(ms), "given");
    reader = open(in_scratch("given"), O_RDONLY | O_CLOEXEC);
    writer = open(in_scratch("given"), O_WRONLY | O_CLOEXEC);
    path = open(in_scratch("given"), O_PATH | O_CLOEXEC);
    options.size = 3 * PAGE;
    assert_fails_null(mapshare_fdopen(reader, &options), EBADF);
    assert_fails_null(mapshare_fdopen(writer, NULL), EBADF);
    assert_fails_null(mapshare_fdopen(path, NULL), EBADF);
    assert_fails_null(mapshare_fdopen(-1, NULL), EBADF);
    assert_true(fcntl(reader, F_GETFD) >= 0 && fcntl(writer, F_GETFD) >= 0); /* not taken */
    other = mapshare_fdopen(reader, NULL);
    assert_non_null(other);
    assert_string_equal(mapshare_addr(other), "given");
    close(writer);
    close(path);
    assert_int_equal(mapshare_close(other), 0);
    assert_int_equal(mapshare_close(ms), 0);
    assert_fails(fcntl(fd, F_GETFD), EBADF);
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
        cmocka_unit_test(structures_of_other_versions),
        cmocka_unit_test(a_descriptor_becomes_a_shared_file),
        cmocka_unit_test(closing_nothing_is_an_error),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
