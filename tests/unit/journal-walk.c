/* What people are shown of a journal. */
#include "config.h"

#include <string.h>

#include "journal-support.h"

struct seen {
    unsigned count;
    unsigned stop_at; /* 0: never */
    struct {
        enum journal_chunk_type type;
        bool in_commit;
        uint32_t pages;
        char path[16];
    } chunks[8];
};

static int see(void *context, const struct journal_visit *entry)
{
    struct seen *seen = context;
    assert_true(seen->count < 8);
    seen->chunks[seen->count].type = entry->chunk->type;
    seen->chunks[seen->count].in_commit = entry->in_commit;
    seen->chunks[seen->count].pages = entry->chunk->page_count;
    strncpy(seen->chunks[seen->count].path, entry->chunk->files[0].path, 15);
    return ++seen->count == seen->stop_at ? 42 : 0;
}

static void fill(struct fixture *fixture)
{
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    file.stream = 1;
    write_pages(fixture, JOURNAL_CHUNK_DATA, &file, &page, 1);
    file.stream = 2;
    write_pages(fixture, JOURNAL_CHUNK_DATA, &file, &page, 1);
    commit_pages(fixture, &file, NULL, 0);
}

static void each_chunk_in_order(void **state)
{
    static const enum journal_chunk_type types[] = {JOURNAL_CHUNK_DATA, JOURNAL_CHUNK_DATA, JOURNAL_CHUNK_COMMIT};
    static const bool in_commit[] = {false, true, true};
    struct fixture *fixture = *state;
    struct recover_report report;
    struct seen seen = {0};
    fill(fixture);
    assert_int_equal(journal_walk(fixture->root, see, &seen, &report), 0);
    assert_int_equal(seen.count, 3);
    assert_int_equal(report.chunks, 3);
    assert_int_equal(report.commits, 1);
    assert_int_equal(report.sequence, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(seen.chunks[i].type, types[i]);
        assert_int_equal(seen.chunks[i].in_commit, in_commit[i]);
        assert_string_equal(seen.chunks[i].path, "a");
    }
}

static void the_visitor_may_stop(void **state)
{
    struct fixture *fixture = *state;
    struct recover_report report;
    struct seen seen = {.stop_at = 2};
    fill(fixture);
    assert_int_equal(journal_walk(fixture->root, see, &seen, &report), 42);
    assert_int_equal(seen.count, 2);
}

static void looking_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct recover_report report;
    struct seen seen = {0};
    fill(fixture);
    assert_int_equal(journal_walk(fixture->root, see, &seen, &report), 0);
    assert_string_equal(content(fixture, "a"), "xxxx");
    assert_int_equal(fixture_recover(fixture).chunks, 3);
    seen.count = 0;
    assert_int_equal(journal_walk(fixture->root, see, &seen, &report), 0);
    assert_int_equal(seen.count, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_chunk_in_order),
        CASE(the_visitor_may_stop),
        CASE(looking_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
