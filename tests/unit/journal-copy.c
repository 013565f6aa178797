/* A copy of a store is recovered by paths alone, followed through every change of names, and never into a file that was not meant. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal-support.h"

static void commit(struct fixture *fixture, const char *path, char letter)
{
    struct journal_file file = entry_of(fixture, path);
    struct journal_page page = data_page(0, letter);
    commit_pages(fixture, &file, &page, 1);
}

static void start(struct fixture *fixture)
{
    fixture_open(fixture, SMALL_JOURNAL);
    assert_int_equal(mkdirat(fixture->root, "folder", 0700), 0);
    make_file(fixture, "a", 2, 'x');
    make_file(fixture, "folder/b", 2, 'y');
}

static void begin(struct fixture *fixture, enum journal_change what, const char *old, const char *new)
{
    struct journal_name name = {.change = what, .old_path = old, .new_path = new};
    assert_int_equal(journal_change_begin(fixture->journal, &name), 0);
}

static void move(struct fixture *fixture, enum journal_change what, const char *old, const char *new)
{
    begin(fixture, what, old, new);
    assert_int_equal(renameat2(fixture->root, old, fixture->root, new, what == JOURNAL_EXCHANGE ? RENAME_EXCHANGE : 0), 0);
    journal_change_end(fixture->journal, true);
}

static void add_link(struct fixture *fixture, const char *old, const char *new)
{
    begin(fixture, JOURNAL_LINK, old, new);
    assert_int_equal(linkat(fixture->root, old, fixture->root, new, 0), 0);
    journal_change_end(fixture->journal, true);
}

static void unlink_it(struct fixture *fixture, const char *path)
{
    begin(fixture, JOURNAL_UNLINK, path, NULL);
    assert_int_equal(unlinkat(fixture->root, path, 0), 0);
    journal_change_end(fixture->journal, true);
}

/* From here on the fixture is the copy. */
static void copy_with(struct fixture *fixture, const char *options)
{
    char command[7 * sizeof(fixture->path)];
    fixture_close(fixture);
    snprintf(command, sizeof(command), "cp %s %s %s.copy && rm -rf %s && mv %s.copy %s", options, fixture->path, fixture->path,
             fixture->path, fixture->path, fixture->path);
    assert_int_equal(system(command), 0);
    close(fixture->root);
    close(fixture->private_folder);
    fixture->root = open(fixture->path, O_RDONLY | O_DIRECTORY);
    fixture->private_folder = openat(fixture->root, JOURNAL_FOLDER, O_RDONLY | O_DIRECTORY);
}

static void copy(struct fixture *fixture)
{
    copy_with(fixture, "-a");
}

static void files_are_found_by_their_paths(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    commit(fixture, "a", 'A');
    commit(fixture, "folder/b", 'B');
    copy(fixture);
    assert_int_equal(fixture_recover(fixture).files, 2);
    assert_string_equal(content(fixture, "a"), "Ax");
    assert_string_equal(content(fixture, "folder/b"), "By");
}

/* Numbers of the copy are other files': one that was another's is not taken for it. */
static void numbers_do_not_count(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    struct journal_file file = entry_of(fixture, "a");
    struct journal_page page = data_page(0, 'A');
    copy(fixture);
    file.identity = entry_of(fixture, "folder/b").identity; /* as chance may have it */
    fixture_open(fixture, SMALL_JOURNAL);
    commit_pages(fixture, &file, &page, 1);
    copy(fixture);
    assert_int_equal(fixture_recover(fixture).files, 1);
    assert_string_equal(content(fixture, "a"), "Ax");
    assert_string_equal(content(fixture, "folder/b"), "yy");
}

static void a_recovered_copy_is_a_store_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    commit(fixture, "a", 'A');
    copy(fixture);
    assert_int_equal(fixture_recover(fixture).files, 1);
    fixture_open(fixture, SMALL_JOURNAL);
    commit(fixture, "a", 'C');
    assert_int_equal(renameat(fixture->root, "a", fixture->root, "c"), 0); /* nobody was told */
    assert_int_equal(fixture_recover(fixture).files, 1);
    assert_string_equal(content(fixture, "c"), "Cx");
}

static void a_rename_is_followed(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    commit(fixture, "a", 'A');
    move(fixture, JOURNAL_RENAME, "a", "folder/c");
    make_file(fixture, "a", 1, 'z');
    copy(fixture);
    assert_int_equal(fixture_recover(fixture).files, 1);
    assert_string_equal(content(fixture, "folder/c"), "Ax");
    assert_string_equal(content(fixture, "a"), "z");
}

static void a_renamed_folder_takes_its_files_along(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    make_file(fixture, "folder.c", 1, 'z');
    make_file(fixture, "folder-too", 1, 'z');
    commit(fixture, "folder/b", 'B');
    commit(fixture, "folder.c", 'C');
    commit(fixture, "folder-too", 'D');
    move(fixture, JOURNAL_RENAME, "folder", "other");
    move(fixture, JOURNAL_RENAME, "other/b", "other/e");
    move(fixture, JOURNAL_RENAME, "other", "folder");
    copy(fixture);
    assert_int_equal(fixture_recover(fixture).files, 3);
    assert_string_equal(content(fixture, "folder/e"), "By");
    assert_string_equal(content(fixture, "folder.c"), "C");
    assert_string_equal(content(fixture, "folder-too"), "D");
}

/* The old file is gone, and known to be. */
static void a_replaced_file_is_not_written(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    make_file(fixture, "new", 2, 'n');
    commit(fixture, "a", 'A');
    commit(fixture, "new", 'N');
    begin(fixture, JOURNAL_REPLACE, "new", "a");
    remove_file(fixture, "a");
    assert_int_equal(renameat(fixture->root, "new", fixture->root, "a"), 0);
    journal_change_end(fixture->journal, true);
    copy(fixture);
    struct recover_report report = fixture_recover(fixture);
    assert_int_equal(report.files, 1);
    assert_int_equal(report.files_missing, 1);
    assert_string_equal(content(fixture, "a"), "Nn");
}

static void a_removed_name_used_again_is_another_file(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    commit(fixture, "a", 'A');
    remove_file(fixture, "a");
    make_file(fixture, "a", 1, 'z');
    copy_with(fixture, "-r --preserve=mode"); /* where links do not stay links either */
    struct recover_report report = fixture_recover(fixture);
    assert_int_equal(report.files_missing, 1);
    assert_string_equal(content(fixture, "a"), "z");
}

static void links_are_followed(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    commit(fixture, "a", 'A');
    add_link(fixture, "a", "folder/link");
    unlink_it(fixture, "a");
    make_file(fixture, "a", 1, 'z');
    commit(fixture, "folder/b", 'B'); /* what comes before it was made */
    copy(fixture);
    assert_int_equal(fixture_recover(fixture).files, 2);
    assert_string_equal(content(fixture, "folder/link"), "Ax");
    assert_string_equal(content(fixture, "a"), "z");
}

static void a_copy_that_made_files_of_links_has_both_written(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    commit(fixture, "a", 'A');
    add_link(fixture, "a", "folder/link");
    copy_with(fixture, "-r --preserve=mode");
    assert_int_equal(fixture_recover(fixture).files, 1);
    assert_string_equal(content(fixture, "folder/link"), "Ax");
    assert_string_equal(content(fixture, "a"), "Ax");
}

/* The name of one that has others is removed and used again, and nothing says whether that was before or after the end. */
static void lost(struct fixture *fixture)
{
    struct recover_report report;
    assert_int_equal(fixture_try(fixture, false, &report), -ENOTRECOVERABLE);
    assert_int_equal(report.files_lost, 1);
    assert_int_equal(fixture_try(fixture, true, &report), 0);
    assert_int_equal(report.files_lost, 1);
}

static void an_unlink_in_doubt_is_not_written_to(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    commit(fixture, "a", 'A');
    assert_int_equal(linkat(fixture->root, "a", fixture->root, "unknown", 0), 0);
    unlink_it(fixture, "a");
    make_file(fixture, "a", 1, 'z');
    copy(fixture);
    lost(fixture);
    assert_string_equal(content(fixture, "a"), "z");
}

static void an_exchange_is_followed(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    commit(fixture, "a", 'A');
    commit(fixture, "folder/b", 'B');
    move(fixture, JOURNAL_EXCHANGE, "a", "folder/b");
    commit(fixture, "a", 'C');
    copy(fixture);
    assert_int_equal(fixture_recover(fixture).files, 2);
    assert_string_equal(content(fixture, "a"), "Cy");
    assert_string_equal(content(fixture, "folder/b"), "Ax");
}

static void what_was_not_made_is_not_followed(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    commit(fixture, "a", 'A');
    make_file(fixture, "c", 1, 'z');
    begin(fixture, JOURNAL_REPLACE, "a", "c");
    journal_change_end(fixture->journal, false);
    copy(fixture);
    assert_int_equal(fixture_recover(fixture).files, 1);
    assert_string_equal(content(fixture, "a"), "Ax");
    assert_string_equal(content(fixture, "c"), "z");
}

/* The end came over the change: what is there tells whether it was made. */
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

static void a_file_that_is_not_there_is_lost(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    commit(fixture, "a", 'A');
    copy(fixture);
    assert_int_equal(renameat(fixture->root, "a", fixture->root, "c"), 0);
    lost(fixture);
    assert_string_equal(content(fixture, "c"), "xx");
}

static void a_link_or_folder_in_its_place_is_not_it(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    commit(fixture, "folder/b", 'B');
    copy(fixture);
    assert_int_equal(renameat(fixture->root, "folder", fixture->root, "real"), 0);
    assert_int_equal(symlinkat("real", fixture->root, "folder"), 0);
    lost(fixture);
    assert_string_equal(content(fixture, "real/b"), "yy");
}

static void a_path_is_needed(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    struct journal_file file = entry_of(fixture, "a");
    struct journal_page page = data_page(0, 'A');
    file.path = NULL;
    commit_pages(fixture, &file, &page, 1);
    copy(fixture);
    lost(fixture);
}

/* Whoever could place a link to another user's file in the copy does not get it written. */
static void another_users_file_is_not_written(void **state)
{
    struct fixture *fixture = *state;
    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    start(fixture);
    commit(fixture, "a", 'A');
    copy(fixture);
    assert_int_equal(fchownat(fixture->root, "a", 1, 1, 0), 0);
    lost(fixture);
    assert_string_equal(content(fixture, "a"), "xx");
}

static void an_owner_that_was_told_of_will_do(void **state)
{
    struct fixture *fixture = *state;
    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    for (int made = 0; made < 2; made++) {
        struct journal_name name = {.change = JOURNAL_OWNER, .old_path = "a", .owner = 1};
        make_file(fixture, "a", 2, 'x');
        fixture_open(fixture, SMALL_JOURNAL);
        commit(fixture, "a", 'A');
        assert_int_equal(journal_change_begin(fixture->journal, &name), 0);
        if (made)
            assert_int_equal(fchownat(fixture->root, "a", 1, 1, 0), 0);
        copy(fixture);
        assert_int_equal(fixture_recover(fixture).files, 1);
        assert_string_equal(content(fixture, "a"), "Ax");
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(files_are_found_by_their_paths),
        CASE(numbers_do_not_count),
        CASE(a_recovered_copy_is_a_store_of_its_own),
        CASE(a_rename_is_followed),
        CASE(a_renamed_folder_takes_its_files_along),
        CASE(a_replaced_file_is_not_written),
        CASE(a_removed_name_used_again_is_another_file),
        CASE(links_are_followed),
        CASE(a_copy_that_made_files_of_links_has_both_written),
        CASE(an_unlink_in_doubt_is_not_written_to),
        CASE(an_exchange_is_followed),
        CASE(what_was_not_made_is_not_followed),
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
        CASE(a_file_that_is_not_there_is_lost),
        CASE(a_link_or_folder_in_its_place_is_not_it),
        CASE(a_path_is_needed),
        CASE(another_users_file_is_not_written),
        CASE(an_owner_that_was_told_of_will_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
