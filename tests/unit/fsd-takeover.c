/* A worker dies, the next one rebuilds the index from the arena: what was received is received, what was committed is committed, and
 * nothing uncommitted is taken for committed. */
#include "config.h"

#include "file/flusher.h"
#include "fsd-support.h"

#include "file/ahead.h"

#include <errno.h>
#include <string.h>

/* ---- death at a step: control leaves the worker's code for good ---- */

static jmp_buf grave;

/* What the dead held on their stacks is lost, as it would be. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static void die_at_operation(void *context, enum operation operation, bool journal)
{
    if (journal && operation == *(const enum operation *)context)
        longjmp(grave, 1);
}

/* The commit's worker dies when the journal is next written, flushed... */
static void die_committing(struct house *house, uint32_t file, enum operation operation)
{
    struct recorder *recorder = &house->recorder;

    recorder->context = &operation;
    recorder->before = die_at_operation;
    if (!setjmp(grave)) {
        commit_file(house, file);
        assert_true(false); /* it did not die */
    }
    recorder->before = NULL;
    assert_int_equal(pthread_mutex_trylock(&recorder->lock), 0);
    pthread_mutex_unlock(&recorder->lock);
    house_replace_worker(house);
}

static enum { LIVE, BEFORE_RESERVE, BEFORE_FLUSH, AFTER_FLUSH, BEFORE_COMMIT, AFTER_COMMIT, AT_PUBLISH } death;
static int publishes_left;

int __real_journal_reserve(struct journal *journal, struct journal_chunk *chunk);
int __wrap_journal_reserve(struct journal *journal, struct journal_chunk *chunk);
int __real_journal_flush(struct journal *journal, const struct journal_chunk *chunk);
int __wrap_journal_flush(struct journal *journal, const struct journal_chunk *chunk);
int __real_journal_publish(struct journal *journal, const struct journal_chunk *chunk);
int __wrap_journal_publish(struct journal *journal, const struct journal_chunk *chunk);
void __real_version_publish(struct files *files, struct file_index *index, uint64_t void_from, const struct journal_chunk *chunk);
void __wrap_version_publish(struct files *files, struct file_index *index, uint64_t void_from, const struct journal_chunk *chunk);

int __wrap_journal_reserve(struct journal *journal, struct journal_chunk *chunk)
{
    if (death == BEFORE_RESERVE)
        longjmp(grave, 1);
    return __real_journal_reserve(journal, chunk);
}

int __wrap_journal_flush(struct journal *journal, const struct journal_chunk *chunk)
{
    int error;

    if (death == BEFORE_FLUSH)
        longjmp(grave, 1);
    error = __real_journal_flush(journal, chunk);
    if (death == AFTER_FLUSH)
        longjmp(grave, 1);
    return error;
}

int __wrap_journal_publish(struct journal *journal, const struct journal_chunk *chunk)
{
    int error;

    if (death == BEFORE_COMMIT)
        longjmp(grave, 1);
    error = __real_journal_publish(journal, chunk);
    if (death == AFTER_COMMIT)
        longjmp(grave, 1);
    return error;
}

void __wrap_version_publish(struct files *files, struct file_index *index, uint64_t void_from, const struct journal_chunk *chunk)
{
    if (death == AT_PUBLISH && publishes_left-- == 0)
        longjmp(grave, 1);
    __real_version_publish(files, index, void_from, chunk);
}

static void die_at(struct house *house, int step, const uint32_t *files, uint32_t count)
{
    death = step;
    if (!setjmp(grave)) {
        commit_files(house, files, count);
        assert_true(false);
    }
    death = LIVE;
    house_replace_worker(house);
}

static void die_at_one(struct house *house, int step, uint32_t file)
{
    die_at(house, step, &file, 1);
}

static struct mapshare_abi_info info_of(struct house *house, uint32_t file)
{
    struct mapshare_abi_info info;

    status_info(house->files, file, &info);
    return info;
}

/* ---- a death between requests ---- */

static void received_pages_stay_received(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    put_page(house, file, 1, 'c');
    put(house, file, 5 * PAGE_BYTES, 100, 'd');
    house_replace_worker(house);
    assert_string_equal(states(house, file), "R1 R5");
    assert_string_equal(counts(house, file), "2,0,0,0");
    assert_string_equal(seen(house, file, 0, 10), "acaa.d");
    assert_string_equal(stored(house, "a"), "aaaa");
    assert_int_equal(frame_free_count(house->files->frames), 1022);
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(states(house, file), "C1 C5");
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "acaa.d");
    assert_int_equal(stored_size(house, "a"), 5 * PAGE_BYTES + 100);
}

static void committed_pages_stay_committed(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');
    uint64_t sequence;

    put_page(house, file, 1, 'b');
    put_page(house, file, 2, 'c');
    assert_int_equal(commit_file(house, file), 0);
    sequence = info_of(house, file).sequence;
    put_page(house, file, 2, 'd');
    house_replace_worker(house);
    assert_string_equal(states(house, file), "C1 R2");
    assert_string_equal(counts(house, file), "1,0,2,0"); /* the older frame of page 2 is hidden */
    assert_int_equal(info_of(house, file).sequence, sequence);
    assert_string_equal(seen(house, file, 0, 4), "abda");
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "abca"); /* page 2 as of its commit */
    assert_string_equal(states(house, file), "R2");
    assert_int_equal(commit_file(house, file), 0);
    assert_true(info_of(house, file).sequence > sequence);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "abda");
    assert_int_equal(frame_free_count(house->files->frames), 1024);
}

static void a_cut_outlives_the_worker(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    assert_int_equal(file_truncate(house->files, file, 2 * PAGE_BYTES), 0);
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(file_truncate(house->files, file, 4 * PAGE_BYTES), 0);
    house_replace_worker(house);
    assert_string_equal(seen(house, file, 0, 9), "aa..");
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "aa..");
}

/* The cut's own commit drops older pages, and only that one. */
static void pages_written_after_a_cut_are_kept(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 8, 'a');

    assert_int_equal(file_truncate(house->files, file, PAGE_BYTES), 0);
    assert_int_equal(commit_file(house, file), 0);
    put_page(house, file, 5, 'b');
    assert_int_equal(commit_file(house, file), 0);
    put_page(house, file, 0, 'c');
    assert_int_equal(commit_file(house, file), 0);
    house_replace_worker(house);
    assert_string_equal(seen(house, file, 0, 9), "c....b");
    assert_string_equal(states(house, file), "C0 C5");
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "c....b");
}

static void the_list_of_files_to_commit_is_rebuilt(void **state)
{
    struct house *house = *state;
    uint32_t a = make_file(house, "a", 1, 'a'), b = make_file(house, "b", 1, 'b');

    put_page(house, a, 0, 'x');
    put_page(house, b, 0, 'y');
    assert_int_equal(commit_file(house, b), 0);
    house_replace_worker(house);
    assert_true(index_of(house, a)->listed[LIST_CHANGED].on);
    assert_false(index_of(house, a)->listed[LIST_COMMITTED].on);
    assert_true(index_of(house, b)->listed[LIST_COMMITTED].on);
    assert_int_equal(index_of(house, a)->view.tree.rbh_root != NULL, 1);
    assert_true(journal_sequence(house->files->journal) == info_of(house, b).sequence);
}

static void many_deaths(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 8, 'a');

    for (int i = 0; i < 8; i++) {
        put_page(house, file, i, 'A' + i);
        if (i % 3 == 0)
            assert_int_equal(commit_file(house, file), 0);
        if (i % 4 == 3)
            assert_int_equal(checkpoint_all(house->files), 0);
        house_replace_worker(house);
    }
    assert_string_equal(seen(house, file, 0, 8), "ABCDEFGH");
    assert_string_equal(stored(house, "a"), "ABCDEFGa"); /* page 7 was in no commit */
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "ABCDEFGH");
    assert_int_equal(journal_used(house->worker->journal), 0);
}

/* ---- a death while a commit is made ---- */

static const int uncommitted_steps[] = {BEFORE_RESERVE, BEFORE_FLUSH, AFTER_FLUSH, BEFORE_COMMIT};
static const enum operation uncommitted_operations[] = {WRITE, FLUSH};

static void check_uncommitted(struct house *house, uint32_t file)
{
    assert_string_equal(states(house, file), "R1 R3");
    assert_string_equal(seen(house, file, 0, 9), "ab.c");
    assert_int_equal(info_of(house, file).sequence, 0);
    assert_int_equal(info_of(house, file).committed_size, 4 * PAGE_BYTES);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "aaaa"); /* invariant 2 */
    assert_string_equal(seen(house, file, 0, 9), "ab.c");
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(states(house, file), "C1 C3");
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "ab.c");
    assert_int_equal(journal_used(house->worker->journal), 0);
    assert_int_equal(frame_free_count(house->files->frames), 1024);
}

static uint32_t truncated_and_written(struct house *house)
{
    uint32_t file = make_file(house, "a", 4, 'a');

    assert_int_equal(file_truncate(house->files, file, PAGE_BYTES), 0);
    put_page(house, file, 1, 'b');
    put_page(house, file, 3, 'c');
    return file;
}

static void dead_before_the_commit_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct house *house = house_open(1024, 0, 2 * MIB);
        uint32_t file = truncated_and_written(house);

        die_at_one(house, uncommitted_steps[i], file);
        check_uncommitted(house, file);
        house_close(house);
    }
    for (size_t i = 0; i < 2; i++) {
        struct house *house = house_open(1024, 0, 2 * MIB);
        uint32_t file = truncated_and_written(house);

        die_committing(house, file, uncommitted_operations[i]);
        check_uncommitted(house, file);
        house_close(house);
    }
}

/* What one worker's commit had reserved, another file's commit gets: the first file's pages are not part of it. */
static void anothers_commit_in_the_same_place(void **state)
{
    struct house *house = *state;
    uint32_t a = truncated_and_written(house), b = make_file(house, "b", 1, 'b');

    die_committing(house, a, FLUSH);
    put_page(house, b, 0, 'x');
    assert_int_equal(commit_file(house, b), 0);
    house_replace_worker(house);
    assert_string_equal(states(house, b), "C0");
    check_uncommitted(house, a);
}

static void a_failed_commit_is_not_taken_for_a_later_one(void **state)
{
    struct house *house = *state;
    uint32_t a = truncated_and_written(house), b = make_file(house, "b", 1, 'b');

    make_fail(house, WRITE, true, EIO, 1);
    assert_int_equal(commit_file(house, a), -EIO);
    put_page(house, b, 0, 'x');
    assert_int_equal(commit_file(house, b), 0); /* where the failed one would have been */
    house_replace_worker(house);
    assert_string_equal(counts(house, a), "2,0,0,0");
    assert_int_equal(info_of(house, a).sequence, 0);
    assert_int_equal(info_of(house, a).committed_size, 4 * PAGE_BYTES);
    assert_string_equal(seen(house, a, 0, 9), "ab.c");
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "aaaa");
    assert_string_equal(stored(house, "b"), "x");
    assert_int_equal(commit_file(house, a), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "ab.c");
}

static void dead_after_the_commit_point(void **state)
{
    struct house *house = *state;
    uint32_t a = truncated_and_written(house), b = make_file(house, "b", 2, 'b');
    const uint32_t both[] = {a, b};

    put_page(house, b, 1, 'x');
    assert_int_equal(commit_files(house, both, 2).error, 0);
    assert_int_equal(file_truncate(house->files, a, 2 * PAGE_BYTES), 0); /* page 3 was committed, and now is void */
    put_page(house, a, 0, 'd');
    put_page(house, b, 0, 'y');
    die_at(house, AFTER_COMMIT, both, 2);
    assert_string_equal(states(house, a), "C0-1");
    assert_string_equal(states(house, b), "C0-1");
    assert_string_equal(counts(house, a), "0,0,2,0");
    assert_int_equal(info_of(house, a).sequence, 2);
    assert_int_equal(info_of(house, b).sequence, 2);
    assert_int_equal(info_of(house, a).committed_size, 2 * PAGE_BYTES);
    assert_int_equal(file_truncate(house->files, a, 4 * PAGE_BYTES), 0);
    assert_string_equal(seen(house, a, 0, 9), "db..");
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "db");
    assert_string_equal(stored(house, "b"), "yx");
    assert_int_equal(commit_file(house, a), 0);
    assert_int_equal(info_of(house, a).sequence, 3);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "db..");
}

/* One file of the commit was told of it, the other was not yet. */
static void dead_between_two_files_of_a_commit(void **state)
{
    (void)state;
    for (int told = 0; told < 2; told++) {
        struct house *house = house_open(1024, 0, 2 * MIB);
        uint32_t a = truncated_and_written(house), b = make_file(house, "b", 4, 'b');
        const uint32_t both[] = {a, b};

        assert_int_equal(file_truncate(house->files, b, 2 * PAGE_BYTES), 0);
        publishes_left = told;
        die_at(house, AT_PUBLISH, both, 2);
        assert_string_equal(states(house, a), "C1 C3");
        assert_int_equal(info_of(house, a).sequence, 1);
        assert_int_equal(info_of(house, b).sequence, 1);
        assert_int_equal(info_of(house, b).committed_size, 2 * PAGE_BYTES);
        assert_int_equal(checkpoint_all(house->files), 0);
        assert_string_equal(stored(house, "a"), "ab.c");
        assert_string_equal(stored(house, "b"), "bb");
        house_close(house);
    }
}

static void the_time_of_a_commit_outlives_the_worker(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 1, 'a');

    put_page(house, file, 0, 'x');
    die_at_one(house, AFTER_COMMIT, file);
    assert_int_equal(info_of(house, file).sequence, 1);
    assert_true(info_of(house, file).commit_seconds > 1000000000);
}

/* Pages journaled ahead belong to no commit yet. */
static void a_stream_of_a_dead_worker_is_journaled_again(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    for (int i = 0; i < 4; i++)
        put_page(house, file, i, 'A' + i);
    ahead_journal(house->files, file);
    assert_string_equal(counts(house, file), "0,4,0,0");
    house_replace_worker(house);
    assert_string_equal(counts(house, file), "4,0,0,0");
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "ABCD");
}

/* What was journaled ahead was replaced since, and stays until its commit. */
static void a_page_of_a_stream_was_replaced(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    for (int i = 0; i < 4; i++)
        put_page(house, file, i, 'A' + i);
    ahead_journal(house->files, file);
    put_page(house, file, 1, 'x');
    assert_string_equal(counts(house, file), "1,4,0,0");
    house_replace_worker(house);
    assert_string_equal(counts(house, file), "4,0,0,0");
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "AxCD");
    assert_int_equal(frame_free_count(house->files->frames), 1024);
}

/* What the dead worker had not freed yet is in nobody's share. */
static void a_share_is_what_is_kept(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    file_set_atomic(house->files, file, true);
    for (int i = 0; i < 4; i++)
        put_page(house, file, i, 'A' + i);
    ahead_journal(house->files, file);
    put_page(house, file, 1, 'x');
    put_page(house, file, 2, 'y');
    assert_int_equal(house->files->shares.memory, 6);
    house_replace_worker(house);
    assert_string_equal(counts(house, file), "4,0,0,0");
    assert_int_equal(house->files->shares.memory, 4);
}

/* ---- a death while a checkpoint is made ---- */

static void die_at_store(void *context, enum operation operation, bool journal)
{
    if (!journal && operation == *(const enum operation *)context)
        longjmp(grave, 1);
}

static void die_checkpointing(struct house *house, enum operation operation)
{
    house->recorder.context = &operation;
    house->recorder.before = die_at_store;
    if (!setjmp(grave)) {
        checkpoint_all(house->files);
        assert_true(false);
    }
    house->recorder.before = NULL;
    house_replace_worker(house);
}

static void dead_in_a_checkpoint(void **state)
{
    static const enum operation steps[] = {TRUNCATE, WRITE, TIMES, SYNC};

    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct house *house = house_open(1024, 0, 2 * MIB);
        uint32_t file = truncated_and_written(house);

        assert_int_equal(commit_file(house, file), 0);
        put_page(house, file, 3, 'd');
        die_checkpointing(house, steps[i]);
        assert_string_equal(states(house, file), "C1 R3");
        assert_string_equal(seen(house, file, 0, 9), "ab.d");
        assert_true(journal_used(house->worker->journal) > 0); /* invariant 4 */
        assert_int_equal(checkpoint_all(house->files), 0);
        assert_string_equal(stored(house, "a"), "ab.c");
        assert_int_equal(journal_used(house->worker->journal), 0);
        house_close(house);
    }
}

/* What a death costs does not depend on what is cached: a file's frames are looked at when it is touched, by deaths in between, too. */
static void files_are_taken_over_when_touched(void **state)
{
    struct house *house = *state;
    uint32_t a = make_file(house, "a", 4, 'a'), b = make_file(house, "b", 4, 'a');

    put_page(house, a, 1, 'b');
    assert_int_equal(commit_file(house, a), 0);
    put_page(house, a, 1, 'c');
    put_page(house, b, 2, 'd');
    die_at_one(house, BEFORE_COMMIT, a); /* with a place in the journal that the next commit gets */
    assert_true(house->files->index[a].untaken && house->files->index[b].untaken);
    assert_int_equal(commit_file(house, b), 0);
    assert_true(house->files->index[a].untaken);
    house_replace_worker(house);
    assert_int_equal(tail_move(house->files), 0); /* it knows of the commits that nobody looked at */
    assert_string_equal(states(house, a), "R1");
    assert_string_equal(states(house, b), "C2");
    assert_string_equal(seen(house, a, 0, 4), "acaa");
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "abaa");
    assert_string_equal(stored(house, "b"), "aada");
    assert_int_equal(flush_all(house->files), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "acaa");
}

static void frames_in_the_spill_file_are_found_again(void **state)
{
    struct house *house = house_open(8, 5000, MIB);
    uint32_t file = make_file(house, "a", 1, 'a');

    (void)state;
    file_set_atomic(house->files, file, true);
    for (int i = 0; i < 20; i++)
        put_page(house, file, i, 'a' + i);
    house_replace_worker(house);
    assert_string_equal(seen(house, file, 0, 20), "abcdefghijklmnopqrst");
    assert_string_equal(states(house, file), "R0-19");
    assert_int_equal(house->files->frames->spill_free_count, house->arena.header->spilled - 14);
    house_close(house);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(received_pages_stay_received),
        TEST(committed_pages_stay_committed),
        TEST(a_cut_outlives_the_worker),
        TEST(pages_written_after_a_cut_are_kept),
        TEST(the_list_of_files_to_commit_is_rebuilt),
        TEST(many_deaths),
        cmocka_unit_test(dead_before_the_commit_point),
        TEST(anothers_commit_in_the_same_place),
        TEST(a_failed_commit_is_not_taken_for_a_later_one),
        TEST(dead_after_the_commit_point),
        cmocka_unit_test(dead_between_two_files_of_a_commit),
        TEST(the_time_of_a_commit_outlives_the_worker),
        TEST(a_stream_of_a_dead_worker_is_journaled_again),
        TEST(a_page_of_a_stream_was_replaced),
        TEST(a_share_is_what_is_kept),
        cmocka_unit_test(dead_in_a_checkpoint),
        TEST(files_are_taken_over_when_touched),
        cmocka_unit_test(frames_in_the_spill_file_are_found_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
