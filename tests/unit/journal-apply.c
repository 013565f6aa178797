/* What recovery does to a file beside its bytes: rights that come with a program go, blocks that were reserved stay. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "journal/apart.h"
#include "journal-support.h"

static mode_t mode_of(struct fixture *fixture, const char *path)
{
    struct stat status;
    assert_int_equal(fstatat(fixture->root, path, &status, 0), 0);
    return status.st_mode & 07777;
}

/* A commit with a page, or none. */
static mode_t mode_after(struct fixture *fixture, mode_t mode, uint32_t pages)
{
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    commit_pages(fixture, &file, &page, pages);
    assert_int_equal(fchmodat(fixture->root, "a", mode, 0), 0);
    assert_int_equal(fixture_recover(fixture).files, 1);
    return mode_of(fixture, "a");
}

static void a_written_file_loses_the_rights_of_its_owner(void **state)
{
    assert_int_equal(mode_after(*state, 04755, 1), 0755);
}

static void a_written_file_loses_the_rights_of_its_group(void **state)
{
    assert_int_equal(mode_after(*state, 02755, 1), 0755);
}

/* Without execution by the group it is no right: mandatory locking, of old. */
static void what_is_no_right_stays(void **state)
{
    assert_int_equal(mode_after(*state, 02744, 1), 02744);
}

static void a_file_that_is_not_written_keeps_them(void **state)
{
    assert_int_equal(mode_after(*state, 06755, 0), 06755);
}

static void capabilities_go_too(void **state)
{
    static const uint32_t value[] = {0x02000001, 1 << 10, 0, 0, 0}; /* VFS_CAP_REVISION_2, effective; CAP_NET_BIND_SERVICE */
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    commit_pages(fixture, &file, &page, 1);
    int fd = openat(fixture->root, "a", O_RDWR);
    if (fsetxattr(fd, "security.capability", value, sizeof(value), 0) < 0) {
        close(fd);
        skip(); /* not permitted, or not kept here */
    }
    fixture_recover(fixture);
    assert_int_equal(fgetxattr(fd, "security.capability", NULL, 0), -1);
    assert_int_equal(errno, ENODATA);
    close(fd);
}

/* Blocks that the file has; 0 where the file system cannot reserve. */
static uint64_t reserve(struct fixture *fixture, off_t length)
{
    struct stat status;
    int fd = openat(fixture->root, "a", O_RDWR);
    int result = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, length);
    assert_int_equal(fstat(fd, &status), 0);
    close(fd);
    return result < 0 ? 0 : (uint64_t)status.st_blocks;
}

static void check_blocks(struct fixture *fixture, uint64_t blocks)
{
    struct stat status;
    assert_int_equal(fstatat(fixture->root, "a", &status, 0), 0);
    assert_true((uint64_t)status.st_blocks >= blocks);
}

/* The size that the commit says is this; the file was four pages of x. */
static void reserved_blocks_stay(struct fixture *fixture, uint64_t size, const char *expected)
{
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page pages[] = {data_page(0, 'A'), data_page(size / PAGE, 'B')};
    file.size = size;
    commit_pages(fixture, &file, pages, size % PAGE == 0 ? 1 : 2);
    uint64_t blocks = reserve(fixture, 64 * PAGE);
    if (blocks == 0)
        skip(); /* nothing can be reserved here */
    fixture_recover(fixture);
    assert_string_equal(content(fixture, "a"), expected);
    check_blocks(fixture, blocks);
}

static void reserved_blocks_stay_behind_the_end(void **state)
{
    reserved_blocks_stay(*state, 4 * PAGE, "Axxx");
}

static void reserved_blocks_stay_when_the_file_grows(void **state)
{
    reserved_blocks_stay(*state, 6 * PAGE, "Axxx00");
}

static void reserved_blocks_stay_behind_a_part_of_a_page(void **state)
{
    reserved_blocks_stay(*state, 4 * PAGE + 100, "AxxxB");
}

/* Content that is void goes; what was only reserved has none. */
static void reserved_blocks_stay_where_content_is_void(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    int fd = openat(fixture->root, "a", O_RDWR);
    assert_int_equal(ftruncate(fd, 64 * PAGE), 0);
    close(fd);
    file.valid = 0;
    file.size = 64 * PAGE;
    commit_pages(fixture, &file, NULL, 0);
    uint64_t blocks = reserve(fixture, 64 * PAGE);
    if (blocks == 0)
        skip(); /* nothing can be reserved here */
    fixture_recover(fixture);
    assert_string_equal(content(fixture, "a"), "0000000000000000000000000000000000000000000000000000000000000000");
    check_blocks(fixture, blocks - 4 * PAGE / 512);
}

/* A file that was longer must be cut, which frees what it had behind its end: it is reserved again. */
static void what_a_cut_frees_is_reserved_again(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    uint64_t blocks = reserve(fixture, 64 * PAGE);
    if (blocks == 0)
        skip(); /* nothing can be reserved here */
    file.valid = file.size = 2 * PAGE;
    file.reserved = 64 * PAGE;
    commit_pages(fixture, &file, NULL, 0);
    fixture_recover(fixture);
    assert_string_equal(content(fixture, "a"), "xx");
    check_blocks(fixture, blocks);
}

static void die(const char *path, const char *text)
{
    (void)path;
    if (strstr(text, "have no place") != NULL)
        kill(getpid(), SIGKILL); /* as a crash would */
}

static void a_crash_of_recovery_is_told_and_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct recover_report report;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    commit_pages(fixture, &file, &page, 1);
    fixture_close(fixture);
    assert_int_equal(renameat(fixture->root, "a", fixture->private_folder, "aside"), 0);
    assert_int_equal(recover_apart(fixture->root, true, die, &report), -EFAULT);
    assert_int_equal(report.commits, 0);
    assert_int_equal(renameat(fixture->private_folder, "aside", fixture->root, "a"), 0);
    assert_int_equal(recover_apart(fixture->root, false, die, &report), 0);
    assert_int_equal(report.commits, 1);
    assert_string_equal(content(fixture, "a"), "Axxx");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_written_file_loses_the_rights_of_its_owner),
        CASE(a_written_file_loses_the_rights_of_its_group),
        CASE(what_is_no_right_stays),
        CASE(a_file_that_is_not_written_keeps_them),
        CASE(capabilities_go_too),
        CASE(reserved_blocks_stay_behind_the_end),
        CASE(reserved_blocks_stay_when_the_file_grows),
        CASE(reserved_blocks_stay_behind_a_part_of_a_page),
        CASE(reserved_blocks_stay_where_content_is_void),
        CASE(what_a_cut_frees_is_reserved_again),
        CASE(a_crash_of_recovery_is_told_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
