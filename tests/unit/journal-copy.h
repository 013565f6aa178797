/* Copies of stores, for tests of their recovery: names change, the store is copied, the copy is recovered. */
#ifndef UNIT_JOURNAL_COPY_H
#define UNIT_JOURNAL_COPY_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal-support.h"

static inline void commit(struct fixture *fixture, const char *path, char letter)
{
    struct journal_file file = entry_of(fixture, path);
    struct journal_page page = data_page(0, letter);
    commit_pages(fixture, &file, &page, 1);
}

static inline void start(struct fixture *fixture)
{
    fixture_open(fixture, SMALL_JOURNAL);
    assert_int_equal(mkdirat(fixture->root, "folder", 0700), 0);
    make_file(fixture, "a", 2, 'x');
    make_file(fixture, "folder/b", 2, 'y');
}

static inline void begin(struct fixture *fixture, enum journal_change what, const char *old, const char *new)
{
    struct journal_name name = {.change = what, .old_path = old, .new_path = new};
    assert_int_equal(journal_change_begin(fixture->journal, &name), 0);
}

static inline void move(struct fixture *fixture, enum journal_change what, const char *old, const char *new)
{
    begin(fixture, what, old, new);
    assert_int_equal(renameat2(fixture->root, old, fixture->root, new, what == JOURNAL_EXCHANGE ? RENAME_EXCHANGE : 0), 0);
    journal_change_end(fixture->journal, true);
}

static inline void add_link(struct fixture *fixture, const char *old, const char *new)
{
    begin(fixture, JOURNAL_LINK, old, new);
    assert_int_equal(linkat(fixture->root, old, fixture->root, new, 0), 0);
    journal_change_end(fixture->journal, true);
}

static inline void unlink_it(struct fixture *fixture, const char *path)
{
    begin(fixture, JOURNAL_UNLINK, path, NULL);
    assert_int_equal(unlinkat(fixture->root, path, 0), 0);
    journal_change_end(fixture->journal, true);
}

/* From here on the fixture is the copy. */
static inline void copy_with(struct fixture *fixture, const char *options)
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

static inline void copy(struct fixture *fixture)
{
    copy_with(fixture, "-a");
}

static inline void lost(struct fixture *fixture)
{
    struct recover_report report;
    assert_int_equal(fixture_try(fixture, false, &report), -ENOTRECOVERABLE);
    assert_int_equal(report.files_lost, 1);
    assert_int_equal(fixture_try(fixture, true, &report), 0);
    assert_int_equal(report.files_lost, 1);
}

#endif
