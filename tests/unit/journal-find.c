/* Recovery writes to the files that are meant, wherever they are now, and to no others. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal-support.h"

#define NOBODY 65534

/* The file's handle goes into its entry. False where there are no handles. */
static bool add_handle(struct fixture *fixture, const char *path, struct journal_file *file)
{
    struct file_handle *handle = calloc(1, sizeof(*handle) + IDENTITY_HANDLE_MAX);
    int mount;
    assert_non_null(handle);
    handle->handle_bytes = IDENTITY_HANDLE_MAX;
    bool made = name_to_handle_at(fixture->root, path, handle, &mount, 0) == 0;
    if (made) {
        file->identity.handle_type = handle->handle_type;
        file->identity.handle_length = handle->handle_bytes;
        memcpy(file->identity.handle, handle->f_handle, handle->handle_bytes);
    }
    free(handle);
    return made;
}

/* Commits page 0 of the file, then the test moves things about. */
static struct journal_file commit_file(struct fixture *fixture, const char *path, bool with_handle)
{
    if (fixture->journal == NULL)
        fixture_open(fixture, SMALL_JOURNAL);
    make_file(fixture, path, 2, 'x');
    struct journal_file file = entry_of(fixture, path);
    struct journal_page page = data_page(0, 'A');
    if (with_handle)
        add_handle(fixture, path, &file);
    commit_pages(fixture, &file, &page, 1);
    return file;
}

static void renamed(struct fixture *fixture, bool with_handle)
{
    commit_file(fixture, "a", with_handle);
    assert_int_equal(mkdirat(fixture->root, "one", 0700), 0);
    assert_int_equal(mkdirat(fixture->root, "one/two", 0700), 0);
    assert_int_equal(renameat(fixture->root, "a", fixture->root, "one/two/b"), 0);
    make_file(fixture, "a", 2, 'y');
    struct recover_report report = fixture_recover(fixture);
    assert_int_equal(report.files, 1);
    assert_int_equal(report.files_missing, 0);
    assert_string_equal(content(fixture, "one/two/b"), "Ax");
    assert_string_equal(content(fixture, "a"), "yy");
}

static void a_renamed_file_is_found_by_its_handle(void **state)
{
    renamed(*state, true);
}

static void a_renamed_file_is_found_by_its_number(void **state)
{
    renamed(*state, false);
}

static void another_link_will_do(void **state)
{
    struct fixture *fixture = *state;
    commit_file(fixture, "a", false);
    assert_int_equal(linkat(fixture->root, "a", fixture->root, "b", 0), 0);
    assert_int_equal(unlinkat(fixture->root, "a", 0), 0);
    assert_int_equal(fixture_recover(fixture).files, 1);
    assert_string_equal(content(fixture, "b"), "Ax");
}

static void missing(struct fixture *fixture, bool with_handle)
{
    commit_file(fixture, "a", with_handle);
    commit_file(fixture, "b", with_handle);
    remove_file(fixture, "a");
    struct recover_report report = fixture_recover(fixture);
    assert_int_equal(report.files, 1);
    assert_int_equal(report.files_missing, 1);
    assert_string_equal(content(fixture, "b"), "Ax");
    assert_int_equal(fixture_recover(fixture).chunks, 0);
}

static void a_removed_file_is_passed_over(void **state)
{
    missing(*state, true);
}

static void a_removed_file_without_handle_is_passed_over(void **state)
{
    missing(*state, false);
}

static unsigned count_removed(struct fixture *fixture)
{
    unsigned count = 0;
    DIR *folder = fdopendir(openat(fixture->private_folder, "removed", O_RDONLY | O_DIRECTORY));
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count - 2;
}

static void removed_files_go_when_nobody_asks_any_more(void **state)
{
    struct fixture *fixture = *state;
    commit_file(fixture, "a", false);
    remove_file(fixture, "a");
    commit_file(fixture, "b", false);
    assert_int_equal(unlinkat(fixture->root, "b", 0), 0);
    struct recover_report report;
    assert_int_equal(fixture_try(fixture, false, &report), -ENOTRECOVERABLE);
    assert_int_equal(count_removed(fixture), 1);
    assert_int_equal(fixture_try(fixture, true, &report), 0);
    assert_int_equal(count_removed(fixture), 0);
}

/* It was to be replaced, but was not yet. */
static void a_removed_file_that_is_still_there_is_alive(void **state)
{
    struct fixture *fixture = *state;
    commit_file(fixture, "a", false);
    assert_int_equal(linkat(fixture->root, "a", fixture->root, "b", 0), 0);
    remove_file(fixture, "a");
    struct recover_report report = fixture_recover(fixture);
    assert_int_equal(report.files, 1);
    assert_int_equal(report.files_missing, 0);
    assert_string_equal(content(fixture, "b"), "Ax");
}

/* Nothing is changed, and nothing forgotten, until it is given up. */
static void lost(struct fixture *fixture, uint64_t others)
{
    struct recover_report report;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fixture_try(fixture, false, &report), -ENOTRECOVERABLE);
        assert_int_equal(report.files_lost, 1);
        assert_int_equal(report.pages_lost, 1);
        assert_int_equal(report.files, 0);
    }
    assert_int_equal(fixture_try(fixture, true, &report), 0);
    assert_int_equal(report.files_lost, 1);
    assert_int_equal(report.files, others);
    assert_int_equal(fixture_recover(fixture).chunks, 0);
}

static void not_found_is_not_removed(void **state)
{
    struct fixture *fixture = *state;
    commit_file(fixture, "a", false);
    commit_file(fixture, "b", false);
    assert_int_equal(unlinkat(fixture->root, "a", 0), 0);
    lost(fixture, 1);
    assert_string_equal(content(fixture, "b"), "Ax");
}

static void not_found_by_handle_is_not_removed(void **state)
{
    struct fixture *fixture = *state;
    commit_file(fixture, "a", true);
    assert_int_equal(unlinkat(fixture->root, "a", 0), 0);
    lost(fixture, 0);
}

static void a_file_without_a_name_is_not_missed(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    commit_pages(fixture, &file, &page, 1);
    file.path = NULL;
    file.unnamed = true;
    commit_pages(fixture, &file, &page, 1);
    assert_int_equal(unlinkat(fixture->root, "a", 0), 0);
    assert_int_equal(fixture_recover(fixture).files_missing, 1);
}

static char told[4096];

static void tell(const char *path, const char *text)
{
    snprintf(told, sizeof(told), "%s: %s", path, text);
}

static void what_is_lost_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct recover_report report;
    commit_file(fixture, "a", false);
    commit_file(fixture, "b", false);
    assert_int_equal(unlinkat(fixture->root, "b", 0), 0);
    fixture_close(fixture);
    assert_int_equal(journal_recover(fixture->store, fixture->root, false, tell, &report), -ENOTRECOVERABLE);
    assert_true(strncmp(told, "b: ", 3) == 0);
    assert_non_null(strstr(told, " 1 pages of commits 2 to 2 "));
}

/* The same name and number, but born at another time. */
static void a_number_used_again_is_another_file(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture, SMALL_JOURNAL);
    make_file(fixture, "a", 2, 'x');
    struct journal_file file = entry_of(fixture, "a");
    if (file.identity.birth.tv_sec == 0) {
        print_message("no time of birth on this file system\n");
        skip();
    }
    struct journal_page page = data_page(0, 'A');
    file.identity.birth.tv_sec--;
    commit_pages(fixture, &file, &page, 1);
    lost(fixture, 0);
    assert_string_equal(content(fixture, "a"), "xx");
}

static void without_a_time_of_birth_the_handle_tells(void **state)
{
    struct fixture *fixture = *state;
    struct journal_page page = data_page(0, 'A');
    fixture_open(fixture, SMALL_JOURNAL);
    make_file(fixture, "a", 2, 'x');
    struct journal_file file = entry_of(fixture, "a");
    file.identity.birth = (struct timespec){0};
    if (!add_handle(fixture, "a", &file)) {
        print_message("no handles on this file system\n");
        skip();
    }
    struct journal_file older = file;
    for (uint32_t i = 0; i < older.identity.handle_length; i++)
        older.identity.handle[i] ^= 0x11;
    commit_pages(fixture, &older, &page, 1);
    page = data_page(1, 'B');
    commit_pages(fixture, &file, &page, 1);
    lost(fixture, 1);
    assert_string_equal(content(fixture, "a"), "xB");
}

/* Without either, the owner must be the one that it had. */
static void where_nothing_else_tells_the_owner_must_agree(void **state)
{
    struct fixture *fixture = *state;
    struct journal_page page = data_page(0, 'A');
    fixture_open(fixture, SMALL_JOURNAL);
    make_file(fixture, "a", 2, 'x');
    struct journal_file file = entry_of(fixture, "a");
    file.identity.birth = (struct timespec){0};
    file.owner++;
    commit_pages(fixture, &file, &page, 1);
    lost(fixture, 0);
    assert_string_equal(content(fixture, "a"), "xx");
}

/* The entry is a file's that lies outside the store, with every path that might lead there. */
static void nothing_outside_is_touched(void **state)
{
    static const char *const paths[] = {"../outside", "link", "folder-link/outside", "./../outside",
                                        "/outside",   "",     "folder//a",           "a/.."};
    struct fixture *fixture = *state;
    struct journal_page page = data_page(0, 'A');
    fixture_open(fixture, SMALL_JOURNAL);
    make_file(fixture, "outside", 2, 'x');
    struct journal_file file = entry_of(fixture, "outside");
    add_handle(fixture, "outside", &file);
    /* The store is from now on the folder "store"; its private folder goes there. */
    assert_int_equal(mkdirat(fixture->root, "store", 0700), 0);
    assert_int_equal(renameat(fixture->root, JOURNAL_FOLDER, fixture->root, "store/" JOURNAL_FOLDER), 0);
    assert_int_equal(symlinkat("../outside", fixture->root, "store/link"), 0);
    assert_int_equal(symlinkat("..", fixture->root, "store/folder-link"), 0);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        file.path = paths[i];
        commit_pages(fixture, &file, &page, 1);
        int outside = fixture->root;
        fixture->root = openat(outside, "store", O_RDONLY | O_DIRECTORY);
        struct recover_report report;
        assert_int_equal(fixture_try(fixture, true, &report), 0);
        close(fixture->root);
        fixture->root = outside;
        assert_int_equal(report.files, 0);
        assert_int_equal(report.files_lost, 1);
        assert_string_equal(content(fixture, "outside"), "xx");
        fixture_open(fixture, SMALL_JOURNAL);
    }
}

static void the_private_folder_is_not_touched(void **state)
{
    struct fixture *fixture = *state;
    struct journal_page page = data_page(0, 'A');
    fixture_open(fixture, SMALL_JOURNAL);
    make_file(fixture, JOURNAL_FOLDER "/secret", 2, 'x');
    struct journal_file file = entry_of(fixture, JOURNAL_FOLDER "/secret");
    add_handle(fixture, JOURNAL_FOLDER "/secret", &file);
    commit_pages(fixture, &file, &page, 1);
    file = entry_of(fixture, JOURNAL_FOLDER "/" JOURNAL_NAME);
    commit_pages(fixture, &file, &page, 1);
    struct recover_report report;
    assert_int_equal(fixture_try(fixture, true, &report), 0);
    assert_int_equal(report.files_lost, 2);
    assert_string_equal(content(fixture, JOURNAL_FOLDER "/secret"), "xx");
}

static void a_folder_or_a_pipe_is_no_file(void **state)
{
    struct fixture *fixture = *state;
    struct journal_page page = data_page(0, 'A');
    fixture_open(fixture, SMALL_JOURNAL);
    assert_int_equal(mkdirat(fixture->root, "folder", 0700), 0);
    assert_int_equal(mkfifoat(fixture->root, "pipe", 0600), 0);
    struct journal_file file = entry_of(fixture, "folder");
    commit_pages(fixture, &file, &page, 1);
    file = entry_of(fixture, "pipe");
    commit_pages(fixture, &file, &page, 1);
    struct recover_report report;
    assert_int_equal(fixture_try(fixture, true, &report), 0);
    assert_int_equal(report.files_lost, 2);
}

/* Its owner may change the mode, and does so for a moment. Root would not need to. */
static void a_file_made_read_only_is_written(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;
    commit_file(fixture, "a", false);
    assert_int_equal(fchmodat(fixture->root, "a", 0444, 0), 0);
    fixture_close(fixture);
    bool root = geteuid() == 0;
    if (root) {
        assert_int_equal(fchownat(fixture->root, "a", NOBODY, NOBODY, 0), 0);
        assert_int_equal(fchownat(fixture->private_folder, JOURNAL_NAME, NOBODY, NOBODY, 0), 0);
        assert_int_equal(fchownat(fixture->private_folder, "removed", NOBODY, NOBODY, 0), 0);
        assert_int_equal(fchown(fixture->private_folder, NOBODY, NOBODY), 0);
        assert_int_equal(fchown(fixture->root, NOBODY, NOBODY), 0);
        assert_int_equal(seteuid(NOBODY), 0);
    }
    assert_int_equal(fixture_recover(fixture).files, 1);
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(fstatat(fixture->root, "a", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0444);
    assert_string_equal(content(fixture, "a"), "Ax");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_renamed_file_is_found_by_its_handle),
        CASE(a_renamed_file_is_found_by_its_number),
        CASE(another_link_will_do),
        CASE(a_removed_file_is_passed_over),
        CASE(a_removed_file_without_handle_is_passed_over),
        CASE(removed_files_go_when_nobody_asks_any_more),
        CASE(a_removed_file_that_is_still_there_is_alive),
        CASE(not_found_is_not_removed),
        CASE(not_found_by_handle_is_not_removed),
        CASE(a_file_without_a_name_is_not_missed),
        CASE(what_is_lost_is_named),
        CASE(where_nothing_else_tells_the_owner_must_agree),
        CASE(a_number_used_again_is_another_file),
        CASE(without_a_time_of_birth_the_handle_tells),
        CASE(nothing_outside_is_touched),
        CASE(the_private_folder_is_not_touched),
        CASE(a_folder_or_a_pipe_is_no_file),
        CASE(a_file_made_read_only_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
