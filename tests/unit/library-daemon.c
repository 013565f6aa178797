/* How the library speaks with the daemon, against a daemon that the test plays: groups, retries, pages of answers. */
#include "config.h"

#include "daemon.h"
#include "library.h"
#include "mapshare-mmap.h"

static int start_fake(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof(fake));
    fake.is_there = true;
    fake.kernel_known = true;
    return 0;
}

static void all_files_join_one_group_once(void **state)
{
    struct mapshare *list[] = {open_sized("a", PAGE), open_sized("b", PAGE), open_sized("a", PAGE), NULL};
    struct mapshare_receipt receipt;

    (void)state;
    list[3] = list[1];
    assert_int_equal(mapshare_commit(list, 4, &receipt), 0);
    assert_int_equal(fake.join_count, 2);
    assert_int_not_equal(fake.joined[0], fake.joined[1]);
    assert_true(fake.groups[0] == fake.groups[1] && fake.groups[0] != 0);
    assert_int_equal(fake.commit_count, 1);
    assert_int_equal(receipt.sequence, 77);
    assert_int_equal(receipt.time.tv_sec, 1234);
    assert_int_equal(receipt.time.tv_nsec, 5678);
    for (int i = 0; i < 3; i++)
        assert_int_equal(mapshare_close(list[i]), 0);
}

static void a_replaced_worker_is_asked_again_from_the_start(void **state)
{
    struct mapshare *list[] = {open_sized("a", PAGE), open_sized("b", PAGE)};

    (void)state;
    fake.stale_left = 3;
    assert_int_equal(mapshare_commit(list, 2, NULL), 0);
    assert_int_equal(fake.commit_count, 4);
    assert_int_equal(fake.join_count, 8);
    assert_int_not_equal(fake.groups[0], fake.groups[7]);
    start_fake(NULL);
    fake.fail_join = ESTALE;
    assert_int_equal(mapshare_commit(list, 2, NULL), 0);
    assert_int_equal(fake.commit_count, 1);
    start_fake(NULL);
    fake.stale_left = INT_MAX;
    assert_fails(mapshare_commit(list, 2, NULL), ESTALE); /* it gives up in the end */
    assert_true(fake.commit_count > 3 && fake.commit_count < 1000);
    assert_int_equal(mapshare_close(list[0]), 0);
    assert_int_equal(mapshare_close(list[1]), 0);
}

static void failures_come_through(void **state)
{
    struct mapshare *list[] = {open_sized("a", PAGE), open_sized("b", PAGE)}, *empty[] = {list[0], NULL};
    struct mapshare *reader = mapshare_open(in_scratch("a"), O_RDONLY, 0, NULL);

    (void)state;
    fake.fail_commit = EIO;
    assert_fails(mapshare_commit(list, 2, NULL), EIO);
    assert_int_equal(fake.commit_count, 1);
    fake.fail_join = EBADF;
    assert_fails(mapshare_commit(list, 2, NULL), EBADF);
    assert_int_equal(fake.commit_count, 1);
    assert_fails(mapshare_commit(&reader, 1, NULL), EBADF);
    assert_fails(mapshare_commit(list, 0, NULL), EINVAL);
    assert_fails(mapshare_commit(NULL, 1, NULL), EINVAL);
    assert_fails(mapshare_commit(empty, 2, NULL), EINVAL);
    assert_int_equal(mapshare_close(reader), 0);
    assert_int_equal(mapshare_close(list[0]), 0);
    assert_int_equal(mapshare_close(list[1]), 0);
}

static void files_of_two_mounts_have_no_common_commit(void **state)
{
    struct mapshare *list[] = {open_sized("a", PAGE), NULL};
    char other[] = "/dev/shm/library-test-XXXXXX";
    struct stat here, there;
    int fd = mkstemp(other);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &there), 0);
    assert_int_equal(fstat(mapshare_fd(list[0]), &here), 0);
    close(fd);
    list[1] = mapshare_open(other, O_RDWR, 0, NULL);
    unlink(other);
    assert_non_null(list[1]);
    if (here.st_dev != there.st_dev) {
        assert_fails(mapshare_commit(list, 2, NULL), EXDEV);
        assert_int_equal(fake.join_count, 0);
    }
    assert_int_equal(mapshare_close(list[0]), 0);
    assert_int_equal(mapshare_close(list[1]), 0);
}

/* It would take the request for a hole over all of the file. */
static void a_daemon_that_cannot_roll_back_is_not_asked_to(void **state)
{
    struct mapshare *ms = open_sized("a", PAGE), *both[] = {ms, ms};

    (void)state;
    *(char *)mapshare_addr(ms) = 1;
    assert_fails(mapshare_rollback(both, 2, NULL), ENOTSUP);
    assert_int_equal(*(char *)mapshare_addr(ms), 1);
    assert_int_equal(mapshare_close(ms), 0);
}

static void waiting_gives_the_time_in_nanoseconds(void **state)
{
    struct mapshare *ms = open_sized("a", PAGE);
    struct timespec timeout = {.tv_sec = 2, .tv_nsec = 5}, negative = {.tv_sec = -1}, ages = {.tv_sec = LONG_MAX};

    (void)state;
    assert_int_equal(mapshare_wait(ms, 9, &timeout), 0);
    assert_int_equal(fake.last_wait.sequence, 9);
    assert_int_equal(fake.last_wait.timeout_nanoseconds, 2000000005);
    assert_int_equal(mapshare_wait(ms, 9, NULL), 0);
    assert_true(fake.last_wait.timeout_nanoseconds < 0);
    assert_int_equal(mapshare_wait(ms, 9, &ages), 0);
    assert_true(fake.last_wait.timeout_nanoseconds < 0);
    assert_fails(mapshare_wait(ms, 9, &negative), EINVAL);
    assert_int_equal(mapshare_close(ms), 0);
}

static void a_sync_reports_the_files_commit(void **state)
{
    struct mapshare *ms = open_sized("a", PAGE);
    struct mapshare_receipt receipt;
    struct mapshare_status status;

    (void)state;
    fake.info = (struct mapshare_abi_info){.version = 1,
                                           .flags = MAPSHARE_ABI_ATOMIC,
                                           .sequence = 5,
                                           .commit_seconds = 6,
                                           .commit_nanoseconds = 7,
                                           .error = ENOSPC,
                                           .committed_size = 42};
    fake.run_count = 4;
    fake.runs[0] = (struct mapshare_abi_run){0, 0, MAPSHARE_ABI_RECEIVED, 0};
    fake.runs[1] = (struct mapshare_abi_run){1, 2, MAPSHARE_ABI_COMMITTED, 0};
    fake.runs[2] = (struct mapshare_abi_run){3, 5, MAPSHARE_ABI_WRITEBACK, 0};
    fake.runs[3] = (struct mapshare_abi_run){6, 9, MAPSHARE_ABI_FAILED, 0};
    assert_int_equal(mapshare_sync(ms, 0, 0, MS_SYNC, &receipt), 0);
    assert_int_equal(receipt.sequence, 5);
    assert_int_equal(receipt.time.tv_sec, 6);
    assert_int_equal(receipt.time.tv_nsec, 7);
    assert_int_equal(mapshare_stat(ms, &status, sizeof(status)), 0);
    assert_true(status.on_mount == 1 && status.atomic == 1 && status.error == ENOSPC && status.committed_size == 42);
    assert_true(status.received == 1 && status.committed == 2 && status.writeback == 3 && status.failed == 4);
    assert_true(status.size == PAGE && status.commit.sequence == 5);
    assert_int_equal(mapshare_close(ms), 0);
}

static void many_runs_come_in_several_answers(void **state)
{
    struct mapshare *ms = open_sized("a", PAGE);
    struct mapshare_range ranges[FAKE_MOST];

    (void)state;
    fake.per_answer = 7;
    fake.run_count = 300;
    for (size_t i = 0; i < fake.run_count; i++)
        fake.runs[i] = (struct mapshare_abi_run){3 * i, 3 * i + 1, (uint32_t)(1 + i % 5), 0};
    assert_int_equal(mapshare_dirty(ms, NULL, 0), 300);
    assert_int_equal(mapshare_dirty(ms, ranges, FAKE_MOST), 300);
    for (size_t i = 0; i < 300; i++) {
        assert_int_equal(ranges[i].first, 3 * i);
        assert_int_equal(ranges[i].last, 3 * i + 1);
        assert_int_equal(ranges[i].state, 1 + i % 5);
    }
    memset(ranges, 0xff, sizeof(ranges));
    assert_int_equal(mapshare_dirty(ms, ranges, 2), 300);
    assert_true(ranges[2].first == UINT64_MAX);
    assert_fails(mapshare_dirty(ms, NULL, 1), EINVAL);
    assert_int_equal(mapshare_close(ms), 0);
}

/* The daemon cannot ask the kernel, so the library does: pages 2 and 5 are dirty there, over the runs of the daemon. */
static void the_kernels_pages_lie_over_the_daemons(void **state)
{
    struct mapshare *ms = open_sized("a", 16 * PAGE);
    struct mapshare_range ranges[16];
    struct mapshare_status status;
    const struct {
        uint64_t first, last;
        enum mapshare_page_state state;
    } expected[] = {
        {0, 1, MAPSHARE_PAGE_RECEIVED}, {2, 2, MAPSHARE_PAGE_KERNEL},    {3, 4, MAPSHARE_PAGE_RECEIVED},
        {5, 5, MAPSHARE_PAGE_KERNEL},   {6, 6, MAPSHARE_PAGE_COMMITTED}, {9, 9, MAPSHARE_PAGE_FAILED},
    };

    (void)state;
    assert_int_equal(mapshare_sync(ms, 0, 0, MS_SYNC, NULL), 0);
    ((volatile char *)mapshare_addr(ms))[2 * PAGE] = 1;
    ((volatile char *)mapshare_addr(ms))[5 * PAGE] = 1;
    assert_int_equal(mapshare_stat(ms, &status, sizeof(status)), 0);
    if (status.kernel != 2) { /* no cachestat, or a file system that counts no dirty pages */
        mapshare_close(ms);
        skip_because("this kernel and file system do not tell dirty pages");
    }
    fake.kernel_known = false;
    fake.runs[0] = (struct mapshare_abi_run){0, 4, MAPSHARE_ABI_RECEIVED, 0};
    fake.runs[1] = (struct mapshare_abi_run){5, 6, MAPSHARE_ABI_COMMITTED, 0};
    fake.runs[2] = (struct mapshare_abi_run){9, 9, MAPSHARE_ABI_FAILED, 0};
    fake.run_count = 3;
    assert_int_equal(mapshare_dirty(ms, ranges, LENGTH_OF(ranges)), LENGTH_OF(expected));
    for (size_t i = 0; i < LENGTH_OF(expected); i++) {
        assert_int_equal(ranges[i].first, expected[i].first);
        assert_int_equal(ranges[i].last, expected[i].last);
        assert_int_equal(ranges[i].state, expected[i].state);
    }
    assert_int_equal(mapshare_close(ms), 0);
}

static void a_mapping_is_told_to_the_daemon(void **state)
{
    int fd = open(in_scratch("told"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *address;

    (void)state;
    address = mapshare_mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(address != MAP_FAILED);
    assert_int_equal(fake.mapped_count, 1);
    assert_int_equal(mapshare_munmap(address, PAGE), 0);
    assert_ptr_equal(mapshare_mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0), MAP_FAILED);
    assert_int_equal(fake.mapped_count, 1);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_files_join_one_group_once, start_fake),
        cmocka_unit_test_setup(a_replaced_worker_is_asked_again_from_the_start, start_fake),
        cmocka_unit_test_setup(failures_come_through, start_fake),
        cmocka_unit_test_setup(files_of_two_mounts_have_no_common_commit, start_fake),
        cmocka_unit_test_setup(a_daemon_that_cannot_roll_back_is_not_asked_to, start_fake),
        cmocka_unit_test_setup(waiting_gives_the_time_in_nanoseconds, start_fake),
        cmocka_unit_test_setup(a_sync_reports_the_files_commit, start_fake),
        cmocka_unit_test_setup(many_runs_come_in_several_answers, start_fake),
        cmocka_unit_test_setup(the_kernels_pages_lie_over_the_daemons, start_fake),
        cmocka_unit_test_setup(a_mapping_is_told_to_the_daemon, start_fake),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
