/* mapshare_sync and mapshare_stat where there is no daemon; on the mount the same holds, and more is tested there. */
#include "config.h"

#include "library.h"
#include "mapshare-mmap.h"

static void flags_and_ranges_that_are_refused(void **state)
{
    struct mapshare *ms = open_sized("refused", 2 * PAGE);

    (void)state;
    assert_fails(mapshare_sync(ms, 0, 0, 0, NULL), EINVAL);
    assert_fails(mapshare_sync(ms, 0, 0, MS_INVALIDATE, NULL), EINVAL);
    assert_fails(mapshare_sync(ms, 0, 0, MS_SYNC | MS_ASYNC, NULL), EINVAL);
    assert_fails(mapshare_sync(ms, 0, 0, MS_SYNC | 0x100, NULL), EINVAL);
    assert_fails(mapshare_sync(ms, 2 * PAGE + 1, 0, MS_SYNC, NULL), EINVAL);
    assert_fails(mapshare_sync(ms, UINT64_MAX, 1, MS_SYNC, NULL), EINVAL);
    assert_fails(mapshare_stat(ms, NULL, sizeof(struct mapshare_status)), EINVAL);
    assert_int_equal(mapshare_close(ms), 0);
}

static void any_range_within_the_file_works(void **state)
{
    struct mapshare *ms = open_sized("ranges", 3 * PAGE + 5);
    struct mapshare *empty = mapshare_open(in_scratch("empty"), O_RDWR | O_CREAT, 0644, NULL);

    (void)state;
    memset(mapshare_addr(ms), 1, 3 * PAGE + 5);
    assert_int_equal(mapshare_sync(ms, 0, 0, MS_SYNC, NULL), 0);
    assert_int_equal(mapshare_sync(ms, 100, 1, MS_SYNC, NULL), 0);
    assert_int_equal(mapshare_sync(ms, PAGE - 1, 2, MS_ASYNC, NULL), 0);
    assert_int_equal(mapshare_sync(ms, 3 * PAGE + 5, 0, MS_SYNC, NULL), 0);
    assert_int_equal(mapshare_sync(ms, 10, UINT64_MAX, MS_SYNC | MS_INVALIDATE, NULL), 0);
    assert_int_equal(mapshare_sync(empty, 0, 0, MS_SYNC, NULL), 0);
    assert_int_equal(mapshare_sync(empty, 0, 0, MS_ASYNC, NULL), 0);
    assert_int_equal(mapshare_close(empty), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static void the_receipt_tells_when(void **state)
{
    struct mapshare *ms = open_sized("receipt", PAGE);
    struct mapshare_receipt receipt = {.sequence = 99};
    struct timespec before, after;

    (void)state;
    if (is_on_mount(ms)) {
        mapshare_close(ms);
        skip_because("the daemon is here; library-commit.sh tests it");
    }
    *(char *)mapshare_addr(ms) = 1;
    clock_gettime(CLOCK_REALTIME, &before);
    assert_int_equal(mapshare_sync(ms, 0, 0, MS_SYNC, &receipt), 0);
    clock_gettime(CLOCK_REALTIME, &after);
    assert_int_equal(receipt.sequence, 0);
    assert_true(receipt.time.tv_sec >= before.tv_sec && receipt.time.tv_sec <= after.tv_sec);
    assert_int_equal(mapshare_sync(ms, 0, 0, MS_ASYNC, &receipt), 0);
    assert_int_equal(receipt.time.tv_sec, 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static void locked_pages_cannot_be_invalidated(void **state)
{
    struct mapshare *ms;

    (void)state;
    if (SANITIZER)
        skip_because("the sanitizer does not lock memory");
    ms = open_sized("locked", 2 * PAGE);
    assert_int_equal(mlock(mapshare_addr(ms), PAGE), 0);
    assert_fails(mapshare_sync(ms, 0, PAGE, MS_SYNC | MS_INVALIDATE, NULL), EBUSY);
    assert_int_equal(mapshare_sync(ms, PAGE, PAGE, MS_SYNC | MS_INVALIDATE, NULL), 0);
    assert_int_equal(mapshare_sync(ms, 0, PAGE, MS_SYNC, NULL), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static uint64_t dirty_pages(struct mapshare *ms)
{
    struct mapshare_status status;

    assert_int_equal(mapshare_stat(ms, &status, sizeof(status)), 0);
    return status.kernel;
}

/* The kernel would send nothing by itself for seconds. */
static void asynchronous_really_starts(void **state)
{
    struct mapshare *ms = open_sized("starts", 64 * PAGE);
    double start;

    (void)state;
    assert_int_equal(mapshare_sync(ms, 0, 0, MS_SYNC, NULL), 0);
    memset(mapshare_addr(ms), 1, 64 * PAGE);
    if (dirty_pages(ms) != 64) {
        mapshare_close(ms);
        skip_because("this kernel and file system do not tell dirty pages");
    }
    assert_int_equal(mapshare_sync(ms, 0, 32 * PAGE, MS_ASYNC, NULL), 0);
    for (start = seconds_now(); dirty_pages(ms) > 32 && seconds_now() < start + 4;)
        usleep(1000);
    assert_int_equal(dirty_pages(ms), 32);
    assert_int_equal(mapshare_msync(mapshare_addr(ms), 64 * PAGE, MS_ASYNC), 0);
    for (start = seconds_now(); dirty_pages(ms) > 0 && seconds_now() < start + 4;)
        usleep(1000);
    assert_int_equal(dirty_pages(ms), 0);
    assert_int_equal(mapshare_close(ms), 0);
}

static void the_status_is_the_files(void **state)
{
    struct mapshare *ms = open_sized("status", 5000);
    struct mapshare_status status;
    struct stat plain;

    (void)state;
    memset(&status, 0xff, sizeof(status));
    assert_int_equal(mapshare_stat(ms, &status, sizeof(status)), 0);
    assert_int_equal(fstat(mapshare_fd(ms), &plain), 0);
    assert_int_equal(status.size, 5000);
    assert_memory_equal(&status.mtime, &plain.st_mtim, sizeof(plain.st_mtim));
    assert_memory_equal(&status.ctime, &plain.st_ctim, sizeof(plain.st_ctim));
    for (size_t i = 0; i < LENGTH_OF(status.reserved); i++)
        assert_int_equal(status.reserved[i], 0);
    if (!status.on_mount) {
        assert_int_equal(status.committed_size, 5000);
        assert_true(status.received == 0 && status.committed == 0 && status.writeback == 0 && status.failed == 0);
        assert_true(status.error == 0 && status.atomic == 0 && status.commit.sequence == 0);
    }
    assert_int_equal(mapshare_close(ms), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_and_ranges_that_are_refused),
        cmocka_unit_test(any_range_within_the_file_works),
        cmocka_unit_test(the_receipt_tells_when),
        cmocka_unit_test(locked_pages_cannot_be_invalidated),
        cmocka_unit_test(asynchronous_really_starts),
        cmocka_unit_test(the_status_is_the_files),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
