/* Replay: what the files are after it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/superblock.h"
#include "journal-copy.h"

#define ORDINARY 65534 /* nobody */

static void pages_size_and_times(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page pages[] = {data_page(3, 'C'), data_page(0, 'A'), data_page(5, 'D'), data_page(0, 'B')};
    file.size = 5 * PAGE + 10;
    commit_pages(fixture, &file, pages, 4);
    struct recover_report report = fixture_recover(fixture);
    assert_int_equal(fstatat(fixture->root, "a", &status, 0), 0); /* before reading changes it */
    assert_string_equal(content(fixture, "a"), "BxxC0D");
    assert_int_equal(report.commits, 1);
    assert_int_equal(report.files, 1);
    assert_int_equal(report.pages, 3);
    assert_int_equal(report.torn_bytes, 0);
    assert_int_equal(status.st_size, file.size);
    assert_int_equal(status.st_atim.tv_sec, 100);
    assert_int_equal(status.st_mtim.tv_sec, 200);
    assert_int_equal(status.st_mtim.tv_nsec, 1);
    assert_int_equal(fixture_recover(fixture).chunks, 0);
}

static void the_last_commit_of_a_page_counts(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    for (char letter = 'A'; letter <= 'K'; letter++) {
        struct journal_page page = data_page(2, letter);
        commit_pages(fixture, &file, &page, 1);
    }
    assert_int_equal(fixture_recover(fixture).pages, 1);
    assert_string_equal(content(fixture, "a"), "xxKx");
}

static void holes_over_earlier_pages(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page data[] = {data_page(0, 'A'), data_page(1, 'B'), data_page(2, 'C'), data_page(3, 'D')};
    struct journal_page hole = {.kind = JOURNAL_HOLE, .page = 0, .count = 2};
    commit_pages(fixture, &file, data, 4);
    commit_pages(fixture, &file, &hole, 1);
    fixture_recover(fixture);
    assert_string_equal(content(fixture, "a"), "00CD");
}

static void holes_where_nothing_can_be_punched(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page hole = {.kind = JOURNAL_HOLE, .page = 1, .count = 2};
    fixture->faulty.no_punch = true;
    commit_pages(fixture, &file, &hole, 1);
    fixture_recover(fixture);
    assert_string_equal(content(fixture, "a"), "x00x");
}

static void a_shorter_size_cuts_and_growing_brings_zeros(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(2, 'C');
    commit_pages(fixture, &file, &page, 1);
    file.size = PAGE + 100;
    commit_pages(fixture, &file, NULL, 0);
    file.size = 4 * PAGE;
    commit_pages(fixture, &file, NULL, 0);
    fixture_recover(fixture);
    assert_string_equal(content(fixture, "a"), "x?00");
}

static void a_page_cut_in_the_middle(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(1, 'B');
    commit_pages(fixture, &file, &page, 1);
    file.size = PAGE + 100;
    commit_pages(fixture, &file, NULL, 0);
    assert_int_equal(fixture_recover(fixture).pages, 1);
    assert_string_equal(content(fixture, "a"), "xB");
}

static void what_is_not_valid_is_void(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(3, 'D');
    file.valid = PAGE;
    commit_pages(fixture, &file, &page, 1);
    fixture_recover(fixture);
    assert_string_equal(content(fixture, "a"), "x00D");
}

static void pages_written_ahead_come_with_their_commit(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page first = data_page(0, 'A'), second[] = {data_page(1, 'B'), data_page(2, 'C')}, last = data_page(2, 'E');
    file.stream = 5;
    write_pages(fixture, JOURNAL_CHUNK_DATA, &file, &first, 1);
    file.stream = 6;
    struct journal_page other = data_page(3, 'Z');
    write_pages(fixture, JOURNAL_CHUNK_DATA, &file, &other, 1);
    file.stream = 5;
    write_pages(fixture, JOURNAL_CHUNK_DATA, &file, second, 2);
    commit_pages(fixture, &file, &last, 1);
    fixture_recover(fixture);
    assert_string_equal(content(fixture, "a"), "ABEx");
}

static void a_stream_is_used_up_by_its_commit(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page ahead = data_page(0, 'A'), newer = data_page(0, 'B');
    file.stream = 5;
    write_pages(fixture, JOURNAL_CHUNK_DATA, &file, &ahead, 1);
    commit_pages(fixture, &file, NULL, 0);
    file.stream = 0;
    commit_pages(fixture, &file, &newer, 1);
    file.stream = 5;
    commit_pages(fixture, &file, NULL, 0);
    fixture_recover(fixture);
    assert_string_equal(content(fixture, "a"), "Bxxx");
}

static void several_files_in_one_commit(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file files[2];
    struct journal_page pages[] = {data_page(0, 'A'), data_page(1, 'B')};
    files[0] = fixture_open_with_file(fixture);
    make_file(fixture, "b", 2, 'y');
    files[1] = entry_of(fixture, "b");
    pages[1].file = 1;
    struct journal_chunk chunk = {.type = JOURNAL_CHUNK_COMMIT, .files = files, .file_count = 2, .pages = pages, .page_count = 2};
    assert_int_equal(journal_reserve(fixture->journal, &chunk), 0);
    assert_int_equal(commit_chunk(fixture->journal, &chunk), 0);
    assert_int_equal(fixture_recover(fixture).files, 2);
    assert_string_equal(content(fixture, "a"), "Axxx");
    assert_string_equal(content(fixture, "b"), "yB");
}

static void an_interrupted_recovery_is_made_again(void **state)
{
    struct fixture *fixture = *state;
    struct recover_report report;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page pages[] = {data_page(0, 'A'), data_page(3, 'D')};
    commit_pages(fixture, &file, pages, 2);
    fixture_close(fixture);
    fixture->faulty.writes_left = 0;
    assert_int_equal(journal_recover(fixture->store, fixture->root, false, NULL, &report), -EIO);
    fixture->faulty.syncs_left = 0;
    assert_int_equal(journal_recover(fixture->store, fixture->root, false, NULL, &report), -EIO);
    fixture->faulty.flushes_left = 1; /* the first one is before anything is read */
    assert_int_equal(journal_recover(fixture->store, fixture->root, false, NULL, &report), -EIO);
    fixture_recover(fixture);
    assert_string_equal(content(fixture, "a"), "AxxD");
}

/* More than is written at once, in as many runs as can be. */
static void many_scattered_pages(void **state)
{
    static struct journal_page pages[700];
    char expected[701] = {0};
    struct fixture *fixture = *state;
    fixture_open(fixture, 8 * SMALL_JOURNAL);
    make_file(fixture, "a", 700, 'x');
    struct journal_file file = entry_of(fixture, "a");
    for (int i = 0; i < 700; i++) {
        pages[i] = data_page((uint64_t)(i * 333 % 700), (char)('A' + i % 20));
        expected[i * 333 % 700] = (char)('A' + i % 20);
    }
    commit_pages(fixture, &file, pages, 700);
    assert_int_equal(fixture_recover(fixture).pages, 700);
    assert_string_equal(content(fixture, "a"), expected);
}

static void many_files(struct fixture *fixture, int count)
{
    char name[16];
    fixture_open(fixture, 4 * SMALL_JOURNAL);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        make_file(fixture, name, 1, 'x');
        struct journal_file file = entry_of(fixture, name);
        struct journal_page page = data_page(0, (char)('A' + i % 20));
        commit_pages(fixture, &file, &page, 1);
    }
    assert_int_equal(fixture_recover(fixture).files, count);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        assert_int_equal(content(fixture, name)[0], 'A' + i % 20);
    }
}

static void more_files_than_are_open_at_once(void **state)
{
    many_files(*state, 150);
}

static void more_files_than_are_synced_one_by_one(void **state)
{
    many_files(*state, 300);
}

static void torn_bytes_are_counted(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    commit_pages(fixture, &file, &page, 1);
    file.stream = 1;
    struct journal_chunk ahead = write_pages(fixture, JOURNAL_CHUNK_DATA, &file, &page, 1);
    assert_int_equal(fixture_recover(fixture).torn_bytes, ahead.length);
}

static void write_superblocks(struct fixture *fixture, int fd, uint32_t epoch)
{
    struct superblock superblock;
    assert_int_equal(superblock_read(fd, &superblock), 0);
    superblock.epoch = epoch;
    for (int copy = 0; copy < 2; copy++)
        assert_int_equal(superblock_write(fixture->store, fd, NULL, &superblock), 0);
}

/* Before logs were sealed the superblock had epoch 0 while the log was in use, too. */
static void a_log_that_was_never_sealed_is_searched_for_damage(void **state)
{
    struct fixture *fixture = *state;
    struct recover_report report;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    commit_pages(fixture, &file, &page, 1);
    struct journal_chunk second = commit_pages(fixture, &file, &page, 1);
    commit_pages(fixture, &file, &page, 1);
    commit_pages(fixture, &file, &page, 1);
    uint64_t capacity = journal_size(fixture->journal);
    fixture_close(fixture);
    int fd = openat(fixture->private_folder, JOURNAL_NAME, O_RDWR);
    write_superblocks(fixture, fd, 0);
    assert_int_equal(pwrite(fd, "damaged", 7, (off_t)format_offset(second.position, capacity)), 7);
    close(fd);
    assert_int_equal(journal_recover(fixture->store, fixture->root, false, NULL, &report), -EBADMSG);
    assert_int_equal(report.commits_lost, 3);
    assert_int_equal(journal_recover(fixture->store, fixture->root, true, NULL, &report), 0);
    assert_int_equal(report.sequence, 1);
    fixture->state = (struct journal_state){0};
    fixture_open(fixture, SMALL_JOURNAL);
    assert_int_equal(commit_pages(fixture, &file, &page, 1).sequence, 5); /* those given up are not used again */
}

/* Of two commits at once, the first of which is torn: neither was true, unless the third says so, also where there is none before them. */
static int two_at_once(struct fixture *fixture, bool before, bool third, struct recover_report *report)
{
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page pages[] = {data_page(0, 'A'), data_page(0, 'B'), data_page(0, 'C')};
    struct journal_chunk two[2];
    if (before)
        commit_pages(fixture, &file, &pages[0], 1);
    for (int i = 0; i < 2; i++) {
        two[i] = (struct journal_chunk){
            .type = JOURNAL_CHUNK_COMMIT, .files = &file, .file_count = 1, .pages = &pages[i + 1], .page_count = 1};
        assert_int_equal(journal_reserve(fixture->journal, &two[i]), 0);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(journal_flush(fixture->journal, &two[i]), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(journal_publish(fixture->journal, &two[i]), 0);
    if (third)
        commit_pages(fixture, &file, &pages[0], 1);
    int fd = openat(fixture->private_folder, JOURNAL_NAME, O_RDWR);
    assert_int_equal(pwrite(fd, "torn", 4, (off_t)format_offset(two[0].position, journal_size(fixture->journal))), 4);
    close(fd);
    return fixture_try(fixture, false, report);
}

static void two_at_once_that_were_not_true_are_no_damage(void **state)
{
    struct recover_report report;
    assert_int_equal(two_at_once(*state, true, false, &report), 0);
    assert_int_equal(report.commits, 1);
    assert_int_equal(report.sequence, 1);
    assert_string_equal(content(*state, "a"), "Axxx");
}

static void two_at_once_that_were_true_are_not_lost_unnoticed(void **state)
{
    struct recover_report report;
    assert_int_equal(two_at_once(*state, true, true, &report), -EBADMSG);
    assert_int_equal(report.commits_lost, 3);
}

static void the_first_two_that_were_not_true_are_no_damage(void **state)
{
    struct recover_report report;
    assert_int_equal(two_at_once(*state, false, false, &report), 0);
    assert_int_equal(report.commits, 0);
}

static void the_first_two_that_were_true_are_not_lost_unnoticed(void **state)
{
    struct recover_report report;
    assert_int_equal(two_at_once(*state, false, true, &report), -EBADMSG);
    assert_int_equal(report.commits_lost, 2);
}

/* A recovery by an ordinary user, who owns the store; `deadly`: it dies where it sets this mode. Its ending, as wait(2) tells it. */
static int recover_as_user(struct fixture *fixture, mode_t deadly)
{
    struct recover_report report;
    int status;
    pid_t child = fork();
    if (child == 0) {
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        bool ready = filter != NULL && setresgid(ORDINARY, ORDINARY, ORDINARY) == 0 &&
                     setresuid(ORDINARY, ORDINARY, ORDINARY) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0; /* for /proc/self/fd */
        seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(chmod), 1, SCMP_A1(SCMP_CMP_EQ, deadly));
        seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(fchmodat), 1, SCMP_A2(SCMP_CMP_EQ, deadly));
        _exit(ready && seccomp_load(filter) == 0 ? -journal_recover(fixture->store, fixture->root, false, NULL, &report) : 255);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* `copied`: the store is copied between the death and the next recovery. */
static void recover_after_death(struct fixture *fixture, bool copied)
{
    struct stat status;
    if (geteuid() != 0)
        skip(); /* only root can be somebody else */
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(2, 'C');
    const char *const all[] = {".", "a", JOURNAL_FOLDER, JOURNAL_FOLDER "/" JOURNAL_NAME, JOURNAL_FOLDER "/removed"};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        assert_int_equal(fchownat(fixture->root, all[i], ORDINARY, ORDINARY, 0), 0);
    assert_int_equal(fchmodat(fixture->root, "a", 0444, 0), 0);
    file.owner = ORDINARY;
    commit_pages(fixture, &file, &page, 1);
    fixture_close(fixture);

    int ending = recover_as_user(fixture, 0444);
    assert_true(WIFSIGNALED(ending) && WTERMSIG(ending) == SIGSYS);
    assert_int_equal(fstatat(fixture->root, "a", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
    if (copied)
        copy(fixture);
    assert_int_equal(recover_as_user(fixture, 07777), 0);
    assert_int_equal(fstatat(fixture->root, "a", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0444);
    assert_string_equal(content(fixture, "a"), "xxCx");
}

static void a_death_leaves_no_file_with_another_mode(void **state)
{
    recover_after_death(*state, false);
}

static void nor_in_a_copy_of_the_store(void **state)
{
    recover_after_death(*state, true);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(pages_size_and_times),
        CASE(the_last_commit_of_a_page_counts),
        CASE(holes_over_earlier_pages),
        CASE(holes_where_nothing_can_be_punched),
        CASE(a_shorter_size_cuts_and_growing_brings_zeros),
        CASE(a_page_cut_in_the_middle),
        CASE(what_is_not_valid_is_void),
        CASE(pages_written_ahead_come_with_their_commit),
        CASE(a_stream_is_used_up_by_its_commit),
        CASE(several_files_in_one_commit),
        CASE(an_interrupted_recovery_is_made_again),
        CASE(a_death_leaves_no_file_with_another_mode),
        CASE(nor_in_a_copy_of_the_store),
        CASE(many_scattered_pages),
        CASE(more_files_than_are_open_at_once),
        CASE(more_files_than_are_synced_one_by_one),
        CASE(torn_bytes_are_counted),
        CASE(a_log_that_was_never_sealed_is_searched_for_damage),
        CASE(two_at_once_that_were_not_true_are_no_damage),
        CASE(two_at_once_that_were_true_are_not_lost_unnoticed),
        CASE(the_first_two_that_were_not_true_are_no_damage),
        CASE(the_first_two_that_were_true_are_not_lost_unnoticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
