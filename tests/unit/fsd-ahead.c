/* Streams: pages that are journaled ahead of their commit. */
#include "config.h"

#include "fsd-support.h"

#include "file/ahead.h"
#include "journal/recover.h"

#include <errno.h>
#include <string.h>

static void streams_are_ahead_of_their_commit(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 1, 'a');

    for (int i = 0; i < 100; i++)
        put_page(house, file, i, 'b');
    record_start(house);
    ahead_journal(house->files, file);
    assert_string_equal(recorded(house, NULL), "w"); /* no flush: nothing is promised yet */
    assert_string_equal(counts(house, file), "0,100,0,0");
    assert_string_equal(states(house, file), "R0-99");
    assert_int_equal(journal_sequence(house->files->journal), 0);
    put_page(house, file, 7, 'c');
    assert_string_equal(counts(house, file), "1,100,0,0");
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "a"); /* invariant 2 */
    record_start(house);
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(house->recorder.records[0].length, 2 * PAGE_BYTES); /* header and page 7: the rest is there */
    assert_string_equal(recorded(house, NULL), "w f");
    assert_string_equal(states(house, file), "C0-99");
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_int_equal(strlen(stored(house, "a")), 100);
    assert_int_equal(strspn(stored(house, "a"), "b"), 7);
    assert_int_equal(stored(house, "a")[7], 'c');
    assert_int_equal(journal_used(house->worker->journal), 0);
}

static void a_failed_stream_is_journaled_again(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 1, 'a');

    for (int i = 0; i < 10; i++)
        put_page(house, file, i, 'b');
    make_fail(house, WRITE, true, EIO, 1);
    ahead_journal(house->files, file);
    assert_int_equal(commit_file(house, file), -EIO); /* what was not written cannot be committed */
    assert_string_equal(counts(house, file), "10,0,0,0");
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "bbbbbbbbbb");
}

static void an_abandoned_stream_is_journaled_again(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 1, 'a');

    for (int i = 0; i < 10; i++)
        put_page(house, file, i, 'b');
    ahead_journal(house->files, file);
    ahead_abandon_file(house->files, index_of(house, file));
    pthread_mutex_unlock(&house->files->index[file].lock);
    assert_string_equal(counts(house, file), "10,0,0,0");
    record_start(house);
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(house->recorder.records[0].length, 11 * PAGE_BYTES);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "bbbbbbbbbb");
}

/* In the log its old pages would come behind its new ones. */
static void a_stream_does_not_go_on_after_a_failed_commit(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 10, 'a'), other = make_file(house, "b", 1, 'a');
    struct recover_report report;
    struct store *store;

    for (int i = 0; i < 10; i++)
        put_page(house, file, i, 'b');
    ahead_journal(house->files, file);
    put_page(house, other, 0, 'x');
    make_fail(house, FLUSH, true, EIO, 1);
    assert_int_equal(commit_file(house, other), -EIO);
    for (int i = 0; i < 10; i++)
        put_page(house, file, i, 'c');
    record_start(house);
    ahead_journal(house->files, file);
    assert_string_equal(recorded(house, NULL), "");
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(store_open_serial(&store), 0);
    assert_int_equal(journal_recover(store, house->root, false, NULL, &report), 0);
    store_close(store);
    assert_string_equal(stored(house, "a"), "cccccccccc");
}

static void a_stream_of_a_dropped_file_is_let_go(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 10, 'a');

    for (int i = 0; i < 10; i++)
        put_page(house, file, i, 'b');
    ahead_journal(house->files, file);
    put_page(house, file, 3, 'c');
    file_drop(house->files, file);
    assert_string_equal(counts(house, file), "0,0,0,0");
    assert_int_equal(frame_free_count(house->files->frames), 1024);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(streams_are_ahead_of_their_commit),      TEST(a_failed_stream_is_journaled_again),
        TEST(an_abandoned_stream_is_journaled_again), TEST(a_stream_does_not_go_on_after_a_failed_commit),
        TEST(a_stream_of_a_dropped_file_is_let_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
