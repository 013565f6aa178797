/* Making and opening the journal's file. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/superblock.h"
#include "journal-support.h"

static off_t file_size(const struct fixture *fixture)
{
    struct stat status;
    assert_int_equal(fstatat(fixture->private_folder, JOURNAL_NAME, &status, 0), 0);
    return status.st_size;
}

static int open_result(struct fixture *fixture, uint64_t size)
{
    fixture->state = (struct journal_state){0};
    int result =
        journal_open(&fixture->journal, fixture->store, fixture->private_folder, size, fixture->generation, &fixture->state);
    if (result == 0)
        fixture_close(fixture);
    return result;
}

static void change_bytes(const struct fixture *fixture, off_t offset, size_t length)
{
    unsigned char bytes[FORMAT_BLOCK];
    int fd = openat(fixture->private_folder, JOURNAL_NAME, O_RDWR);
    assert_int_equal(pread(fd, bytes, length, offset), length);
    for (size_t i = 0; i < length; i++)
        bytes[i] ^= 0x55;
    assert_int_equal(pwrite(fd, bytes, length, offset), length);
    close(fd);
}

static void commit_one(struct fixture *fixture)
{
    make_file(fixture, "a", 4, 'x');
    struct journal_file file = entry_of(fixture, "a");
    struct journal_page page = data_page(0, 'A');
    commit_pages(fixture, &file, &page, 1);
}

static void it_is_made_whole(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;
    fixture_open(fixture, 3 * SMALL_JOURNAL);
    assert_int_equal(file_size(fixture), 3 * SMALL_JOURNAL);
    assert_int_equal(journal_size(fixture->journal), 3 * SMALL_JOURNAL - FORMAT_LOG_START);
    assert_int_equal(fstatat(fixture->private_folder, JOURNAL_NAME, &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_true(status.st_blocks * 512 >= status.st_size); /* no holes */
}

static void it_is_never_smaller_than_the_least(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_result(fixture, 1), 0);
    assert_int_equal(file_size(fixture), JOURNAL_SIZE_MIN);
}

static void another_size_makes_it_anew_and_the_sequence_goes_on(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture, SMALL_JOURNAL);
    commit_one(fixture);
    commit_one(fixture);
    fixture_recover(fixture);
    fixture_open(fixture, 2 * SMALL_JOURNAL);
    assert_int_equal(file_size(fixture), 2 * SMALL_JOURNAL);
    assert_int_equal(fixture->state.points[fixture->state.current].sequence, 2);
    commit_one(fixture);
    assert_int_equal(fixture_recover(fixture).sequence, 3);
}

static void what_is_not_recovered_is_refused(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture, SMALL_JOURNAL);
    commit_one(fixture);
    fixture_close(fixture);
    assert_int_equal(open_result(fixture, SMALL_JOURNAL), -EUCLEAN);
    assert_int_equal(open_result(fixture, 2 * SMALL_JOURNAL), -EUCLEAN);
    assert_int_equal(file_size(fixture), SMALL_JOURNAL);
    fixture_recover(fixture);
    assert_int_equal(open_result(fixture, SMALL_JOURNAL), 0);
}

/* Opening an empty journal writes both copies, copy 0 last. */
static void one_torn_superblock_does_no_harm(void **state)
{
    for (int copy = 0; copy < 2; copy++) {
        struct fixture *fixture = *state;
        assert_int_equal(open_result(fixture, SMALL_JOURNAL), 0);
        change_bytes(fixture, copy * FORMAT_BLOCK, 512);
        assert_int_equal(open_result(fixture, SMALL_JOURNAL), 0);
    }
}

static void a_log_is_found_by_either_superblock(void **state)
{
    for (int copy = 0; copy < 2; copy++) {
        struct fixture *fixture = *state;
        fixture->state = (struct journal_state){0};
        fixture_open(fixture, SMALL_JOURNAL);
        commit_one(fixture);
        change_bytes(fixture, copy * FORMAT_BLOCK, 512);
        assert_int_equal(fixture_recover(fixture).commits, 1);
    }
}

static void two_torn_superblocks_are_told(void **state)
{
    struct fixture *fixture = *state;
    struct recover_report report;
    assert_int_equal(open_result(fixture, SMALL_JOURNAL), 0);
    change_bytes(fixture, 0, 512);
    change_bytes(fixture, FORMAT_BLOCK, 512);
    assert_int_equal(open_result(fixture, SMALL_JOURNAL), -EBADMSG);
    assert_int_equal(journal_recover(fixture->store, fixture->root, false, NULL, &report), -EBADMSG);
}

/* Both copies of the superblock get this version; version 1 had its checksum before the owners. */
static void set_version(struct fixture *fixture, uint32_t version, uint32_t epoch)
{
    int fd = openat(fixture->private_folder, JOURNAL_NAME, O_RDWR);
    for (off_t copy = 0; copy < 2; copy++) {
        struct format_superblock superblock;
        assert_int_equal(pread(fd, &superblock, sizeof(superblock), copy * FORMAT_BLOCK), sizeof(superblock));
        superblock.version = version;
        superblock.epoch = epoch;
        uint64_t *checksum = version == 1 ? (uint64_t *)&superblock.journal : &superblock.checksum;
        *checksum = format_checksum(&superblock, (size_t)((char *)checksum - (char *)&superblock));
        assert_int_equal(pwrite(fd, &superblock, sizeof(superblock), copy * FORMAT_BLOCK), sizeof(superblock));
    }
    close(fd);
}

static void another_version_is_refused(struct fixture *fixture, uint32_t version)
{
    struct recover_report report;
    fixture_open(fixture, SMALL_JOURNAL);
    fixture_close(fixture);
    set_version(fixture, version, 1);
    assert_int_equal(open_result(fixture, SMALL_JOURNAL), -EPROTONOSUPPORT);
    assert_int_equal(journal_recover(fixture->store, fixture->root, false, NULL, &report), -EPROTONOSUPPORT);
    assert_int_equal(journal_walk(fixture->root, NULL, NULL, &report), -EPROTONOSUPPORT);
}

static void an_unknown_version_is_refused(void **state)
{
    another_version_is_refused(*state, FORMAT_VERSION + 1);
}

static void both_are_of_this_version(struct fixture *fixture)
{
    struct format_superblock superblock;
    int fd = openat(fixture->private_folder, JOURNAL_NAME, O_RDONLY);
    for (off_t copy = 0; copy < 2; copy++) {
        assert_int_equal(pread(fd, &superblock, sizeof(superblock), copy * FORMAT_BLOCK), sizeof(superblock));
        assert_int_equal(superblock.version, FORMAT_VERSION);
    }
    close(fd);
}

/* A program of that version then takes neither superblock for its own: it would find the log as it was before. */
static void what_version_2_left_in_a_crash_is_recovered(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(1, 'A');
    commit_pages(fixture, &file, &page, 1);
    fixture_close(fixture);
    set_version(fixture, FORMAT_VERSION_2, 1);
    assert_int_equal(fixture_recover(fixture).commits, 1);
    assert_string_equal(content(fixture, "a"), "xAxx");
    both_are_of_this_version(fixture);
}

static void what_version_2_left_empty_is_taken_over(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture, SMALL_JOURNAL);
    fixture_close(fixture);
    set_version(fixture, FORMAT_VERSION_2, 0);
    fixture->state = (struct journal_state){0};
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(1, 'A');
    both_are_of_this_version(fixture);
    commit_pages(fixture, &file, &page, 1);
    assert_int_equal(fixture_recover(fixture).commits, 1);
    assert_string_equal(content(fixture, "a"), "xAxx");
}

static void what_version_1_left_in_a_crash_is_refused(void **state)
{
    another_version_is_refused(*state, 1);
}

static void what_version_1_left_empty_is_taken_over(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture, SMALL_JOURNAL);
    fixture_close(fixture);
    set_version(fixture, 1, 0);
    assert_int_equal(fixture_recover(fixture).chunks, 0);
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(1, 'A');
    commit_pages(fixture, &file, &page, 1);
    assert_int_equal(fixture_recover(fixture).commits, 1);
    assert_string_equal(content(fixture, "a"), "xAxx");
}

static void only_its_own_store_owns_a_journal(void **state)
{
    struct fixture *fixture = *state;
    struct superblock superblock;
    int fd;
    fixture_open(fixture, SMALL_JOURNAL);
    fixture_close(fixture);
    assert_int_equal(superblock_open_file(fixture->private_folder, O_RDWR, &fd), 0);
    assert_int_equal(superblock_read(fd, &superblock), 0);
    assert_int_equal(superblock_is_own(&superblock, fd, fixture->private_folder), 1);
    struct superblock other = superblock;
    other.journal.inode++;
    assert_int_equal(superblock_is_own(&other, fd, fixture->private_folder), 0);
    other = superblock;
    other.root.birth.tv_nsec ^= 1;
    assert_int_equal(superblock_is_own(&other, fd, fixture->private_folder), 0);
    close(fd);
}

static void a_cut_file_is_told(void **state)
{
    struct fixture *fixture = *state;
    static const off_t sizes[] = {0, 100, FORMAT_LOG_START, SMALL_JOURNAL - FORMAT_BLOCK, SMALL_JOURNAL + FORMAT_BLOCK};
    assert_int_equal(open_result(fixture, SMALL_JOURNAL), 0);
    int fd = openat(fixture->private_folder, JOURNAL_NAME, O_RDWR);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(ftruncate(fd, sizes[i]), 0);
        assert_int_equal(open_result(fixture, SMALL_JOURNAL), -EBADMSG);
    }
    close(fd);
}

static void a_link_is_not_followed(void **state)
{
    struct fixture *fixture = *state;
    struct recover_report report;
    make_file(fixture, "victim", 300, 'x');
    assert_int_equal(symlinkat("../victim", fixture->private_folder, JOURNAL_NAME), 0);
    assert_int_equal(open_result(fixture, SMALL_JOURNAL), -ELOOP);
    assert_int_equal(journal_recover(fixture->store, fixture->root, false, NULL, &report), -ELOOP);
}

/* Who may write to the folder that the store lies in could have made it. */
static void refused(struct fixture *fixture, const char *about, const char *why)
{
    struct recover_report report;
    const char *name;
    assert_int_equal(journal_recover(fixture->store, fixture->root, true, NULL, &report), -EPERM);
    assert_int_equal(journal_walk(fixture->root, NULL, NULL, &report), -EPERM);
    assert_string_equal(journal_doubt(fixture->root, &name), why);
    assert_string_equal(name, about);
}

static void what_others_may_have_made_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const char *name, *journal = JOURNAL_FOLDER "/" JOURNAL_NAME;
    fixture_open(fixture, SMALL_JOURNAL);
    fixture_close(fixture);
    assert_null(journal_doubt(fixture->root, &name));
    assert_int_equal(fchmodat(fixture->root, journal, 0620, 0), 0);
    assert_int_equal(open_result(fixture, SMALL_JOURNAL), -EPERM);
    refused(fixture, journal, "may be written by others");
    assert_int_equal(fchmodat(fixture->root, journal, 0600, 0), 0);
    assert_int_equal(linkat(fixture->root, journal, fixture->root, "link", 0), 0);
    refused(fixture, journal, "has another name, too");
    assert_int_equal(unlinkat(fixture->root, "link", 0), 0);
    assert_int_equal(fchmod(fixture->private_folder, 0707), 0);
    refused(fixture, JOURNAL_FOLDER, "may be written by others");
    assert_int_equal(fchmod(fixture->private_folder, 0700), 0);
    assert_int_equal(fixture_recover(fixture).chunks, 0);
}

static void what_others_own_is_refused(void **state)
{
    struct fixture *fixture = *state;
    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    fixture_open(fixture, SMALL_JOURNAL);
    fixture_close(fixture);
    assert_int_equal(fchownat(fixture->private_folder, JOURNAL_NAME, 1, 1, 0), 0);
    refused(fixture, JOURNAL_FOLDER "/" JOURNAL_NAME, "belongs to another user");
    assert_int_equal(fchownat(fixture->private_folder, JOURNAL_NAME, 0, 0, 0), 0);
    assert_int_equal(fchown(fixture->private_folder, 1, 1), 0);
    refused(fixture, JOURNAL_FOLDER, "belongs to another user");
}

static void a_folder_is_no_journal(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(mkdirat(fixture->private_folder, JOURNAL_NAME, 0700), 0);
    assert_int_equal(open_result(fixture, SMALL_JOURNAL), -EISDIR);
}

static void what_was_half_made_is_removed(void **state)
{
    struct fixture *fixture = *state;
    int fd = openat(fixture->private_folder, JOURNAL_NAME ".new", O_RDWR | O_CREAT, 0600);
    close(fd);
    assert_int_equal(open_result(fixture, SMALL_JOURNAL), 0);
    assert_int_equal(faccessat(fixture->private_folder, JOURNAL_NAME ".new", F_OK, 0), -1);
}

static void without_a_journal_there_is_nothing_to_recover(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(fixture_recover(fixture).chunks, 0);
    assert_int_equal(unlinkat(fixture->private_folder, "removed", AT_REMOVEDIR), 0);
    assert_int_equal(unlinkat(fixture->root, JOURNAL_FOLDER, AT_REMOVEDIR), 0);
    assert_int_equal(fixture_recover(fixture).chunks, 0);
}

/* A leftover behind the end of an empty log stays one, also when its place is reached again. */
static void nothing_written_before_comes_back(void **state)
{
    struct fixture *fixture = *state;
    struct recover_report report;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    commit_pages(fixture, &file, &page, 1);
    page = data_page(0, 'B');
    commit_pages(fixture, &file, &page, 1);
    fixture_recover(fixture);
    fixture_open(fixture, SMALL_JOURNAL);
    page = data_page(0, 'C');
    commit_pages(fixture, &file, &page, 1); /* as long as the first one of before */
    report = fixture_recover(fixture);
    assert_int_equal(report.commits, 1);
    assert_string_equal(content(fixture, "a"), "Cxxx");
}

static uint32_t epoch_on_disk(const struct fixture *fixture)
{
    struct superblock superblock;
    int fd = openat(fixture->private_folder, JOURNAL_NAME, O_RDONLY);
    assert_int_equal(superblock_read(fd, &superblock), 0);
    close(fd);
    return superblock.epoch;
}

static void only_an_empty_log_is_sealed_and_until_it_is_opened(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture, SMALL_JOURNAL);
    assert_true(epoch_on_disk(fixture) > 0);
    commit_one(fixture);
    journal_seal(fixture->journal);
    assert_true(epoch_on_disk(fixture) > 0);
    assert_int_equal(fixture_recover(fixture).commits, 1);
    fixture_open(fixture, SMALL_JOURNAL);
    journal_seal(fixture->journal);
    fixture_close(fixture);
    assert_int_equal(epoch_on_disk(fixture), 0);
    fixture->state = (struct journal_state){0};
    fixture_open(fixture, SMALL_JOURNAL);
    assert_true(epoch_on_disk(fixture) > 0);
    commit_one(fixture);
    assert_int_equal(fixture_recover(fixture).sequence, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(it_is_made_whole),
        CASE(it_is_never_smaller_than_the_least),
        CASE(another_size_makes_it_anew_and_the_sequence_goes_on),
        CASE(what_is_not_recovered_is_refused),
        CASE(one_torn_superblock_does_no_harm),
        CASE(a_log_is_found_by_either_superblock),
        CASE(two_torn_superblocks_are_told),
        CASE(an_unknown_version_is_refused),
        CASE(what_version_2_left_in_a_crash_is_recovered),
        CASE(what_version_2_left_empty_is_taken_over),
        CASE(what_version_1_left_in_a_crash_is_refused),
        CASE(what_version_1_left_empty_is_taken_over),
        CASE(only_its_own_store_owns_a_journal),
        CASE(a_cut_file_is_told),
        CASE(a_link_is_not_followed),
        CASE(what_others_may_have_made_is_refused),
        CASE(what_others_own_is_refused),
        CASE(a_folder_is_no_journal),
        CASE(what_was_half_made_is_removed),
        CASE(without_a_journal_there_is_nothing_to_recover),
        CASE(nothing_written_before_comes_back),
        CASE(only_an_empty_log_is_sealed_and_until_it_is_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
