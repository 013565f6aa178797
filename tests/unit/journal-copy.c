/* A copy of a store is recovered by paths alone, followed through every change of names, and never into a file that was not meant. */
#include "config.h"

#include "journal-copy.h"

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

/* A power cut leaves the first of four changes, without its count. What the last two lead to, there and back, was so before. */
static void there_and_back_shows_nothing(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    make_file(fixture, "d", 2, 'z');
    commit(fixture, "folder/b", 'B');
    move(fixture, JOURNAL_RENAME, "a", "x");
    move(fixture, JOURNAL_RENAME, "folder", "other");
    move(fixture, JOURNAL_RENAME, "d", "e");
    move(fixture, JOURNAL_RENAME, "e", "d");
    assert_int_equal(renameat(fixture->root, "other", fixture->root, "folder"), 0);
    int count = openat(fixture->private_folder, JOURNAL_NAMES_NAME, O_RDWR);
    assert_int_equal(ftruncate(count, 0), 0);
    close(count);
    copy(fixture);
    fixture_recover(fixture);
    assert_string_equal(content(fixture, "folder/b"), "By");
}

/* It was written whole, but its flush failed, and so did the write that starts the next epoch: it may come back. Then a name changes. */
static void a_commit_that_was_given_up_is_not_lost(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    struct journal_file file = entry_of(fixture, "a");
    struct journal_page page = data_page(0, 'A');
    struct journal_chunk chunk = {.type = JOURNAL_CHUNK_COMMIT, .files = &file, .file_count = 1, .pages = &page, .page_count = 1};
    assert_int_equal(journal_reserve(fixture->journal, &chunk), 0);
    fixture->faulty.writes_left = 1;
    fixture->faulty.flushes_left = 0;
    assert_int_equal(commit_chunk(fixture->journal, &chunk), -EIO);
    move(fixture, JOURNAL_RENAME, "a", "c");
    copy(fixture);
    fixture_recover(fixture);
    assert_string_equal(content(fixture, "c"), "xx"); /* the word of the change lies over it */
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
        CASE(there_and_back_shows_nothing),
        CASE(a_commit_that_was_given_up_is_not_lost),
        CASE(a_file_that_is_not_there_is_lost),
        CASE(a_link_or_folder_in_its_place_is_not_it),
        CASE(a_path_is_needed),
        CASE(another_users_file_is_not_written),
        CASE(an_owner_that_was_told_of_will_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
