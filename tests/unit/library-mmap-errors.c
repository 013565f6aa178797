/* What the kernel alone can fail with, and not on demand: linked with -Wl,--wrap=mmap. */
#include "config.h"

#include "library.h"
#include "mapshare-mmap.h"

void *__real_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);

static int next_error;

void *__wrap_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
    if (next_error == 0)
        return __real_mmap(addr, length, prot, flags, fd, offset);
    errno = next_error;
    next_error = 0;
    return MAP_FAILED;
}

static int open_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void errors_come_through(void **state)
{
    const struct {
        int given, expected;
    } cases[] = {{ENFILE, ENFILE}, {EAGAIN, EAGAIN}, {ENODEV, ENODEV}, {ENOMEM, ENOMEM}, {EPERM, EPERM}, {EOVERFLOW, ENXIO}};

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        next_error = cases[i].given;
        errno = 0;
        assert_ptr_equal(mapshare_mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0), MAP_FAILED);
        assert_int_equal(errno, cases[i].expected);
        next_error = 0;
    }
}

static void a_failed_open_leaves_no_descriptor(void **state)
{
    struct mapshare *ms = open_sized("file", PAGE);
    int before;

    (void)state;
    assert_int_equal(mapshare_close(ms), 0);
    before = open_descriptors();
    next_error = EAGAIN;
    assert_fails_null(mapshare_open(in_scratch("file"), O_RDWR, 0, NULL), EAGAIN);
    next_error = ENFILE;
    assert_fails_null(mapshare_anonymous(PAGE), ENFILE);
    assert_int_equal(open_descriptors(), before);
}

/* An area that cannot be mapped is an error of the lock, and no more than that. */
static void an_area_that_cannot_be_mapped(void **state)
{
    struct mapshare *ms = open_sized("area", PAGE);
    uint64_t seen = 0;

    (void)state;
    assert_int_equal(mapshare_trylock(ms), 0); /* finds out who we are, which takes a page, too */
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(mapshare_close(ms), 0);
    ms = open_sized("area", PAGE);
    next_error = ENOMEM;
    assert_fails(mapshare_watch(ms, &seen, NULL), ENOMEM);
    assert_int_equal(mapshare_notify(ms), 0);
    next_error = ENOMEM;
    assert_fails(mapshare_lock(ms), ENOMEM);
    assert_int_equal(mapshare_lock(ms), 0);
    assert_int_equal(mapshare_unlock(ms), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_come_through),
        cmocka_unit_test(a_failed_open_leaves_no_descriptor),
        cmocka_unit_test(an_area_that_cannot_be_mapped),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
