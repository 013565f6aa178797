/* Copies whose last change of names is in doubt: made or not, taken back by a power cut, or begun by a worker that died. */
#include "config.h"

#include "journal-copy.h"

static void the_last_change(struct fixture *fixture, enum journal_change what, bool made, bool recreated)
{
    start(fixture);
    if (what == JOURNAL_REPLACE)
        make_file(fixture, "c", 2, 'z');
    commit(fixture, "a", 'A');
    begin(fixture, what, "a", "c");
    if (made)
        assert_int_equal(renameat(fixture->root, "a", fixture->root, "c"), 0);
    if (recreated)
        make_file(fixture, "a", 1, 'q');
    copy(fixture); /* the lock is the process's that died */
}

static void a_last_rename_was_made(void **state)
{
    struct fixture *fixture = *state;
    the_last_change(fixture, JOURNAL_RENAME, true, false);
    assert_int_equal(fixture_recover(fixture).files, 1);
    assert_string_equal(content(fixture, "c"), "Ax");
}

static void a_last_rename_in_doubt_is_not_written_to(void **state)
{
    struct fixture *fixture = *state;
    the_last_change(fixture, JOURNAL_RENAME, true, true);
    lost(fixture);
    assert_string_equal(content(fixture, "c"), "xx");
    assert_string_equal(content(fixture, "a"), "q");
}

static void a_last_rename_was_not_made(void **state)
{
    struct fixture *fixture = *state;
    the_last_change(fixture, JOURNAL_RENAME, false, false);
    assert_int_equal(fixture_recover(fixture).files, 1);
    assert_string_equal(content(fixture, "a"), "Ax");
}

static void a_last_replacement_was_made(void **state)
{
    struct fixture *fixture = *state;
    the_last_change(fixture, JOURNAL_REPLACE, true, false);
    assert_int_equal(fixture_recover(fixture).files, 1);
    assert_string_equal(content(fixture, "c"), "Ax");
}

static void a_last_replacement_in_doubt_is_not_written_to(void **state)
{
    struct fixture *fixture = *state;
    the_last_change(fixture, JOURNAL_REPLACE, false, false);
    lost(fixture);
    assert_string_equal(content(fixture, "a"), "xx");
    assert_string_equal(content(fixture, "c"), "zz");
}

static off_t count_changes(struct fixture *fixture)
{
    struct stat status;
    assert_int_equal(fstatat(fixture->private_folder, JOURNAL_NAMES_NAME, &status, 0), 0);
    return status.st_size;
}

/* The store's file system has lost what came after so many changes of names. */
static void cut_power(struct fixture *fixture, off_t changes)
{
    int fd = openat(fixture->private_folder, JOURNAL_NAMES_NAME, O_RDWR);
    assert_int_equal(ftruncate(fd, changes), 0);
    close(fd);
}

/* The journal has changes, and commits of other files behind them, that the store's names have not. */
static void changes_that_a_power_cut_took_back_are_not_followed(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    commit(fixture, "a", 'A');
    move(fixture, JOURNAL_RENAME, "a", "c");
    off_t durable = count_changes(fixture);
    move(fixture, JOURNAL_RENAME, "c", "d");
    move(fixture, JOURNAL_RENAME, "d", "e");
    commit(fixture, "folder/b", 'B');
    assert_int_equal(renameat(fixture->root, "e", fixture->root, "c"), 0);
    cut_power(fixture, durable);
    copy(fixture);
    assert_int_equal(fixture_recover(fixture).files, 2);
    assert_string_equal(content(fixture, "c"), "Ax");
    assert_string_equal(content(fixture, "folder/b"), "By");
}

/* The change is there, but not its count: the cut came between the two. */
static void the_first_change_that_is_not_counted_may_be_there(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    commit(fixture, "a", 'A');
    off_t durable = count_changes(fixture);
    move(fixture, JOURNAL_RENAME, "a", "c");
    commit(fixture, "folder/b", 'B');
    cut_power(fixture, durable);
    copy(fixture);
    assert_int_equal(fixture_recover(fixture).files, 2);
    assert_string_equal(content(fixture, "c"), "Ax");
}

/* Log rotation: what was at the new name before is not taken for the file. */
static void what_was_there_before_a_power_cut_is_not_written(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    make_file(fixture, "old", 1, 'o');
    commit(fixture, "a", 'A');
    off_t durable = count_changes(fixture);
    assert_int_equal(unlinkat(fixture->root, "old", 0), 0); /* nobody needs to be told */
    move(fixture, JOURNAL_RENAME, "a", "old");
    commit(fixture, "folder/b", 'B');
    assert_int_equal(renameat(fixture->root, "old", fixture->root, "a"), 0);
    make_file(fixture, "old", 1, 'o');
    cut_power(fixture, durable);
    copy(fixture);
    lost(fixture);
    assert_string_equal(content(fixture, "old"), "o");
    assert_string_equal(content(fixture, "a"), "xx");
}

/* A commit of the file itself has its new path, which was made durable first. */
static void a_commit_after_the_change_tells(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    commit(fixture, "a", 'A');
    off_t durable = count_changes(fixture);
    move(fixture, JOURNAL_RENAME, "a", "c");
    commit(fixture, "c", 'C');
    cut_power(fixture, durable);
    make_file(fixture, "a", 1, 'q');
    copy(fixture);
    struct recover_report report;
    int result = fixture_try(fixture, false, &report);
    assert_string_equal(content(fixture, "a"), "q");
    assert_int_equal(result, 0);
    assert_string_equal(content(fixture, "c"), "Cx");
}

/* Nothing of the file itself was changed, so that nothing of the folder was made durable by its commit. */
static void what_is_committed_below_a_renamed_folder_is_found_without_the_rename(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    commit(fixture, "a", 'A');
    off_t durable = count_changes(fixture);
    move(fixture, JOURNAL_RENAME, "folder", "other");
    move(fixture, JOURNAL_RENAME, "other", "third");
    commit(fixture, "third/b", 'B');
    cut_power(fixture, durable);
    assert_int_equal(renameat(fixture->root, "third", fixture->root, "folder"), 0);
    copy(fixture);
    assert_int_equal(fixture_recover(fixture).files, 2);
    assert_string_equal(content(fixture, "folder/b"), "By");
}

/* The file that was replaced is back. */
static void what_a_power_cut_brings_back_is_written(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    make_file(fixture, "c", 2, 'z');
    commit(fixture, "a", 'A');
    commit(fixture, "c", 'C');
    off_t durable = count_changes(fixture);
    move(fixture, JOURNAL_RENAME, "folder", "other");
    move(fixture, JOURNAL_REPLACE, "a", "c");
    cut_power(fixture, durable);
    assert_int_equal(renameat(fixture->root, "other", fixture->root, "folder"), 0);
    assert_int_equal(renameat(fixture->root, "c", fixture->root, "a"), 0);
    make_file(fixture, "c", 2, 'z');
    copy(fixture);
    assert_int_equal(fixture_recover(fixture).files, 2);
    assert_string_equal(content(fixture, "a"), "Ax");
    assert_string_equal(content(fixture, "c"), "Cz");
}

/* A worker dies over a rename; the next one finds it made, or makes it. */
static void a_worker_died(struct fixture *fixture, bool made, bool again, bool others)
{
    start(fixture);
    commit(fixture, "a", 'A');
    begin(fixture, JOURNAL_RENAME, "a", "c");
    if (made)
        assert_int_equal(renameat(fixture->root, "a", fixture->root, "c"), 0);
    fixture_close(fixture);
    fixture_open(fixture, SMALL_JOURNAL);
    if (others)
        move(fixture, JOURNAL_RENAME, "folder", "other");
    if (again) {
        begin(fixture, JOURNAL_REPLACE, "a", "c");
        if (!made)
            assert_int_equal(renameat(fixture->root, "a", fixture->root, "c"), 0);
        journal_change_end(fixture->journal, true);
    }
    commit(fixture, others ? "other/b" : "folder/b", 'B');
    copy(fixture);
    assert_int_equal(fixture_recover(fixture).files, 2);
    assert_string_equal(content(fixture, "c"), "Ax");
}

static void a_rename_that_a_worker_died_over_is_followed(void **state)
{
    a_worker_died(*state, true, false, false);
}

static void a_rename_that_a_worker_died_over_is_followed_behind_others(void **state)
{
    a_worker_died(*state, true, false, true);
}

static void a_rename_that_the_next_worker_makes_is_followed(void **state)
{
    a_worker_died(*state, false, true, false);
}

static void a_rename_that_is_told_again_is_followed_once(void **state)
{
    a_worker_died(*state, true, true, false);
}

static void a_rename_that_is_told_again_behind_others_is_followed_once(void **state)
{
    a_worker_died(*state, true, true, true);
}

static void what_is_called_so_now_was_not_always(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    commit(fixture, "a", 'A');
    move(fixture, JOURNAL_RENAME, "a", "c");
    make_file(fixture, "a", 2, 'z');
    commit(fixture, "a", 'B');
    copy(fixture);
    assert_int_equal(fixture_recover(fixture).files, 2);
    assert_string_equal(content(fixture, "c"), "Ax");
    assert_string_equal(content(fixture, "a"), "Bz");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_last_rename_was_made),
        CASE(a_last_rename_in_doubt_is_not_written_to),
        CASE(a_last_rename_was_not_made),
        CASE(a_last_replacement_was_made),
        CASE(a_last_replacement_in_doubt_is_not_written_to),
        CASE(changes_that_a_power_cut_took_back_are_not_followed),
        CASE(the_first_change_that_is_not_counted_may_be_there),
        CASE(what_was_there_before_a_power_cut_is_not_written),
        CASE(a_commit_after_the_change_tells),
        CASE(what_is_committed_below_a_renamed_folder_is_found_without_the_rename),
        CASE(what_a_power_cut_brings_back_is_written),
        CASE(a_rename_that_a_worker_died_over_is_followed),
        CASE(a_rename_that_a_worker_died_over_is_followed_behind_others),
        CASE(a_rename_that_the_next_worker_makes_is_followed),
        CASE(a_rename_that_is_told_again_is_followed_once),
        CASE(a_rename_that_is_told_again_behind_others_is_followed_once),
        CASE(what_is_called_so_now_was_not_always),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
