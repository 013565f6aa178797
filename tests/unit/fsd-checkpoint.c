/* Checkpoints: what is written to the store's file, in which order, and what becomes of it when that fails. */
#include "config.h"

#include "file/lists.h"
#include "fsd-support.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static struct mapshare_abi_info info_of(struct house *house, uint32_t file)
{
    struct mapshare_abi_info info;

    status_info(house->files, file, &info);
    return info;
}

static void writes_are_sorted_and_joined(void **state)
{
    static const int order[] = {9, 2, 0, 1, 7, 3, 20};
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 10, 'a');

    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        put_page(house, file, order[i], 'A' + order[i]);
        assert_int_equal(commit_file(house, file), 0);
    }
    record_start(house);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(recorded(house, "a"), "t86016 w0+4 w7+1 w9+1 w20+1 m s");
    assert_string_equal(stored(house, "a"), "ABCDaaaHaJ..........U");
    assert_string_equal(states(house, file), "");
    assert_int_equal(frame_free_count(house->files->frames), 1024);
    assert_int_equal(house->arena.header->counters.pages_checkpointed, 7);
    record_start(house);
    assert_int_equal(checkpoint_all(house->files), 0); /* nothing is left to do */
    assert_int_equal(house->recorder.count, 0);
}

/* The recorder checks that no call has both. */
static void parts_of_pages_are_written_after_whole_ones(void **state)
{
    struct house *house = *state;
    uint32_t a = make_file(house, "a", 4, 'a'), b = make_file(house, "b", 4, 'b');

    assert_int_equal(file_truncate(house->files, a, 3 * PAGE_BYTES + 100), 0);
    put_page(house, a, 2, 'A');
    put(house, a, 3 * PAGE_BYTES, 100, 'A');
    put_page(house, b, 3, 'B');
    assert_int_equal(commit_file(house, a), 0);
    assert_int_equal(commit_file(house, b), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "aaAA");
    assert_string_equal(stored(house, "b"), "bbbB");
}

/* What fallocate reserved behind the end stays, though the last page is one in part. */
static void blocks_behind_the_end_stay(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');
    struct stat status;

    assert_int_equal(file_truncate(house->files, file, PAGE_BYTES), 0); /* the checkpoint cuts the file first */
    put(house, file, PAGE_BYTES, 100, 'b');
    assert_int_equal(file_allocate(house->files, file, FALLOC_FL_KEEP_SIZE, 2 * PAGE_BYTES, 100 * PAGE_BYTES), 0);
    assert_true(house->arena.inodes[inode_of(house, file)].flags & INODE_UNSYNCED); /* to be durable with the next commit */
    assert_int_equal(commit_file(house, file), 0);
    assert_false(house->arena.inodes[inode_of(house, file)].flags & INODE_UNSYNCED);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_return_code(fstatat(house->root, "a", &status, 0), errno);
    assert_int_equal(status.st_size, PAGE_BYTES + 100);
    assert_true(status.st_blocks >= 102 * 8);
}

static void size_and_times_follow_the_pages(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 8, 'a');
    struct stat status;

    put_page(house, file, 1, 'b');
    assert_int_equal(file_truncate(house->files, file, 4 * PAGE_BYTES), 0);
    put(house, file, 5 * PAGE_BYTES, 100, 'c');
    file_set_times(house->files, file, FILE_ATIME | FILE_MTIME, (struct timespec){1000000000, 123456789},
                   (struct timespec){1100000000, 987654321});
    assert_int_equal(commit_file(house, file), 0);
    record_start(house);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(recorded(house, "a"), "t16384 t20580 w1+1 w5+1 m s");
    assert_return_code(fstatat(house->root, "a", &status, 0), errno); /* before it is read here */
    assert_string_equal(stored(house, "a"), "abaa.c");
    assert_int_equal(status.st_size, 5 * PAGE_BYTES + 100);
    assert_int_equal(status.st_atim.tv_sec, 1000000000);
    assert_int_equal(status.st_atim.tv_nsec, 123456789);
    assert_int_equal(status.st_mtim.tv_sec, 1100000000);
    assert_int_equal(status.st_mtim.tv_nsec, 987654321);
}

/* Invariant 4: the journal's tail moves after everything is in the store. */
static void the_journal_is_released_last(void **state)
{
    struct house *house = *state;
    uint32_t a = make_file(house, "a", 1, 'a'), b = make_file(house, "b", 1, 'b');
    const struct recorder *recorder = &house->recorder;
    size_t syncs = 0;

    put_page(house, a, 0, 'x');
    put_page(house, b, 0, 'y');
    assert_int_equal(commit_file(house, a), 0);
    assert_int_equal(commit_file(house, b), 0);
    assert_true(journal_used(house->worker->journal) > 0);
    record_start(house);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_int_equal(journal_used(house->worker->journal), 0);
    assert_true(recorder->count > 2);
    for (size_t i = 0; i < recorder->count; i++) {
        if (recorder->records[i].journal)
            assert_int_equal(syncs, 2);
        syncs += recorder->records[i].operation == SYNC && !recorder->records[i].journal;
    }
    assert_true(recorder->records[recorder->count - 1].journal);
}

static void of_two_frames_the_newer_is_written(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    assert_int_equal(commit_file(house, file), 0);
    put_page(house, file, 2, 'c');
    put_page(house, file, 1, 'd');
    assert_string_equal(counts(house, file), "2,0,1,0");
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(counts(house, file), "0,0,2,0"); /* what was replaced is not kept once its successor is committed */
    record_start(house);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(recorded(house, "a"), "w1+2 m s");
    assert_string_equal(stored(house, "a"), "adca");
}

static void received_pages_are_left_alone(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    assert_int_equal(commit_file(house, file), 0);
    put_page(house, file, 1, 'c');
    put_page(house, file, 6, 'd');
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "abaa");
    assert_string_equal(states(house, file), "R1 R6");
    assert_string_equal(seen(house, file, 0, 9), "acaa..d");
}

static void punched_pages_are_punched(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 6, 'a');

    assert_int_equal(file_allocate(house->files, file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE_BYTES, 2 * PAGE_BYTES), 0);
    put_page(house, file, 3, 'b');
    assert_int_equal(commit_file(house, file), 0);
    record_start(house);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(recorded(house, "a"), "p1+1 p2+1 w3+1 m s");
    assert_string_equal(stored(house, "a"), "a..baa");
}

static void reads_see_the_same_before_and_after(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 10, 'a');

    for (int i = 0; i < 10; i += 2)
        put_page(house, file, i, 'A' + i);
    assert_string_equal(seen(house, file, 0, 10), "AaCaEaGaIa");
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(seen(house, file, 0, 10), "AaCaEaGaIa");
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(seen(house, file, 0, 10), "AaCaEaGaIa");
}

/* ---- failures ---- */

static void a_failing_store_keeps_pages_and_error(enum operation operation)
{
    struct house *house = house_open(1024, 0, 2 * MIB);
    uint32_t file = make_file(house, "a", 8, 'a');
    uint64_t used;

    put_page(house, file, 1, 'b');
    assert_int_equal(file_truncate(house->files, file, 6 * PAGE_BYTES), 0);
    assert_int_equal(commit_file(house, file), 0);
    used = journal_used(house->worker->journal);
    make_fail(house, operation, false, EIO, 1);
    assert_int_equal(checkpoint_all(house->files), -EIO);
    assert_string_equal(seen(house, file, 0, 9), "abaaaa");
    assert_int_equal(info_of(house, file).error, EIO);
    if (operation != TRUNCATE) { /* that one failed before any page was tried */
        assert_string_equal(states(house, file), "F1");
        assert_int_equal(info_of(house, file).failed, 1);
    }
    assert_int_equal(journal_used(house->worker->journal), used);
    assert_int_equal(commit_file(house, file), -EIO); /* invariant 6: told until they are written */
    assert_int_equal(commit_file(house, file), -EIO);

    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(states(house, file), "");
    assert_string_equal(stored(house, "a"), "abaaaa");
    assert_int_equal(info_of(house, file).error, 0);
    assert_int_equal(index_of(house, file)->view.failed, 0);
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_int_equal(journal_used(house->worker->journal), 0);
    assert_int_equal(frame_free_count(house->files->frames), 1024);
    house_close(house);
}

static void every_step_may_fail(void **state)
{
    static const enum operation steps[] = {WRITE, TRUNCATE, TIMES, SYNC};

    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        a_failing_store_keeps_pages_and_error(steps[i]);
}

static void one_file_fails_the_other_does_not(void **state)
{
    struct house *house = *state;
    uint32_t a = make_file(house, "a", 1, 'a'), b = make_file(house, "b", 1, 'b');

    put_page(house, a, 0, 'x');
    put_page(house, b, 0, 'y');
    assert_int_equal(commit_file(house, a), 0);
    assert_int_equal(commit_file(house, b), 0);
    make_fail(house, WRITE, false, ENOSPC, 1);
    assert_int_equal(checkpoint_all(house->files), -ENOSPC);
    assert_string_equal(states(house, a), "F0");
    assert_string_equal(states(house, b), "");
    assert_string_equal(stored(house, "b"), "y");
    assert_int_equal(info_of(house, b).error, 0);
    assert_true(journal_used(house->worker->journal) > 0); /* a's commit is still needed */
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "x");
    assert_int_equal(journal_used(house->worker->journal), 0);
}

static void a_failed_page_that_was_replaced(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    assert_int_equal(commit_file(house, file), 0);
    make_fail(house, WRITE, false, EIO, 1);
    assert_int_equal(checkpoint_all(house->files), -EIO);
    put_page(house, file, 1, 'c');
    assert_string_equal(seen(house, file, 0, 4), "acaa");
    commit_file(house, file); /* may still tell of the failure */
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "acaa");
    assert_int_equal(index_of(house, file)->view.failed, 0);
    assert_int_equal(commit_file(house, file), 0);
}

/* ---- clients at work while the store's file is written ---- */

static void during(struct house *house, void (*work)(void *, enum operation, bool))
{
    house->recorder.context = house;
    house->recorder.before = work;
}

static void write_and_commit(void *context, enum operation operation, bool journal)
{
    struct house *house = context;

    if (operation != WRITE || journal)
        return;
    house->recorder.before = NULL;
    assert_string_equal(states(house, 1), "W1");
    put_page(house, 1, 1, 'n');
    assert_string_equal(counts(house, 1), "1,0,0,1");
    assert_int_equal(commit_file(house, 1), 0);
    assert_string_equal(states(house, 1), "C1");
    assert_string_equal(counts(house, 1), "0,0,1,1");
}

static void a_page_committed_while_its_older_one_is_written(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    assert_int_equal(file, 1);
    put_page(house, file, 1, 'b');
    assert_int_equal(commit_file(house, file), 0);
    during(house, write_and_commit);
    record_start(house);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(recorded(house, "a"), "w1+1 s w1+1 m s");
    assert_string_equal(stored(house, "a"), "anaa");
    assert_int_equal(journal_used(house->worker->journal), 0);
}

/* ... and the older one's write fails: of the two the newer must be in the store at the end. */
static void a_page_committed_while_its_older_one_fails(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    assert_int_equal(commit_file(house, file), 0);
    during(house, write_and_commit);
    make_fail(house, WRITE, false, EIO, 1);
    assert_int_equal(checkpoint_all(house->files), -EIO);
    assert_string_equal(seen(house, file, 0, 4), "anaa");
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "anaa");
    assert_int_equal(index_of(house, file)->view.failed, 0);
}

static void cut_and_commit(void *context, enum operation operation, bool journal)
{
    struct house *house = context;

    if (operation != WRITE || journal)
        return;
    house->recorder.before = NULL;
    assert_int_equal(file_truncate(house->files, 1, PAGE_BYTES), 0);
    assert_int_equal(file_truncate(house->files, 1, 8 * PAGE_BYTES), 0);
    put_page(house, 1, 7, 'n');
    assert_int_equal(commit_file(house, 1), 0);
}

static void check_cut(struct house *house, uint32_t file)
{
    assert_string_equal(seen(house, file, 0, 9), "a......n");
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(seen(house, file, 0, 9), "a......n");
    assert_string_equal(stored(house, "a"), "a......n"); /* invariant 8 */
    assert_int_equal(frame_free_count(house->files->frames), 1024);
}

static void a_cut_while_pages_are_written(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 8, 'a');

    put_page(house, file, 3, 'b');
    put_page(house, file, 5, 'c');
    assert_int_equal(commit_file(house, file), 0);
    during(house, cut_and_commit);
    assert_int_equal(checkpoint_all(house->files), 0);
    check_cut(house, file);
}

static void a_cut_while_writing_pages_fails(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 8, 'a');

    put_page(house, file, 3, 'b');
    put_page(house, file, 5, 'c');
    assert_int_equal(commit_file(house, file), 0);
    during(house, cut_and_commit);
    make_fail(house, WRITE, false, EIO, 2);
    assert_int_equal(checkpoint_all(house->files), -EIO);
    check_cut(house, file);
}

/* ---- more than one round ---- */

static unsigned writes_seen;

static void replace_while_failing(void *context, enum operation operation, bool journal)
{
    struct house *house = context;

    if (operation != WRITE || journal || writes_seen++)
        return;
    put_page(house, 1, 0, 'n');
    assert_int_equal(commit_file(house, 1), 0);
    for (uint64_t page = 1; page < 8192; page++) /* so many that the next round is full before the end of the list
                */
        put_page(house, 1, 10000 + page, 'p');
    assert_int_equal(commit_file(house, 1), 0);
}

static void failed_pages_stay_ahead_of_newer_ones(void **state)
{
    struct house *house = house_open(20000, 0, 128 * MIB);
    uint32_t file = make_file(house, "a", 2, 'a');

    (void)state;
    put_page(house, file, 0, 'b');
    assert_int_equal(commit_file(house, file), 0);
    writes_seen = 0;
    during(house, replace_while_failing);
    make_fail(house, WRITE, false, EIO, 1);
    assert_int_equal(checkpoint_all(house->files), -EIO);
    house->recorder.before = NULL;
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_int_equal(stored(house, "a")[0], 'n');
    house_close(house);
}

/* Invariant 7: when the first page is written after the cut, the one behind the cut still has its block. */
static void count_blocks(void *context, enum operation operation, bool journal)
{
    struct house *house = context;
    struct stat status;

    if (operation != WRITE || journal)
        return;
    house->recorder.before = NULL;
    assert_return_code(fstatat(house->root, "a", &status, 0), errno);
    assert_int_equal(status.st_blocks, 2 * PAGE_BYTES / 512);
}

static void a_cut_leaves_later_pages_their_blocks(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 8, 'a');

    assert_int_equal(file_truncate(house->files, file, PAGE_BYTES), 0);
    put_page(house, file, 6, 'b');
    assert_int_equal(commit_file(house, file), 0);
    during(house, count_blocks);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_null(house->recorder.before);
    assert_string_equal(stored(house, "a"), "a.....b");
}

/* How many of the journal's bytes are given back without a page being written. */
static uint64_t released(struct house *house)
{
    uint64_t used = journal_used(house->files->journal);

    record_start(house);
    assert_int_equal(tail_move(house->files), 0);
    assert_string_equal(recorded(house, "a"), "");
    return used - journal_used(house->files->journal);
}

static void what_is_committed_again_leaves_the_journal_unwritten(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 8, 'a');

    put_page(house, file, 1, 'b');
    put_page(house, file, 2, 'c');
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(released(house), 0);
    put_page(house, file, 1, 'B');
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(released(house), 0); /* page 2 is in the first commit alone */
    put_page(house, file, 2, 'C');
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(released(house), 3 * PAGE_BYTES); /* a header and two pages */
    assert_int_equal(journal_used(house->files->journal), 4 * PAGE_BYTES);
    assert_string_equal(stored(house, "a"), "aaaaaaaa");
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "aBCaaaaa");
    assert_int_equal(journal_used(house->files->journal), 0);
}

static void a_truncation_stays_in_the_journal(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 8, 'a');

    put_page(house, file, 1, 'b');
    assert_int_equal(file_truncate(house->files, file, 4 * PAGE_BYTES), 0);
    assert_int_equal(file_truncate(house->files, file, 8 * PAGE_BYTES), 0);
    assert_int_equal(commit_file(house, file), 0);
    put_page(house, file, 1, 'B');
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(released(house), 0); /* the store's file still has what the first commit cut off */
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "aBaa....");
    assert_int_equal(journal_used(house->files->journal), 0);
}

static void what_failed_stays_in_the_journal(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 8, 'a');

    put_page(house, file, 1, 'b');
    assert_int_equal(commit_file(house, file), 0);
    make_fail(house, WRITE, false, EIO, 1);
    assert_int_equal(checkpoint_all(house->files), -EIO);
    put_page(house, file, 1, 'B'); /* committed again, but which commit the rest is of is not known any more */
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(released(house), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "aBaaaaaa");
    assert_int_equal(journal_used(house->files->journal), 0);
}

static void a_tail_that_could_not_move_is_moved_again(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 8, 'a');

    put_page(house, file, 1, 'b');
    assert_int_equal(commit_file(house, file), 0);
    put_page(house, file, 1, 'B');
    assert_int_equal(commit_file(house, file), 0);
    make_fail(house, WRITE, true, EIO, 1);
    assert_int_equal(tail_move(house->files), -EIO);
    assert_int_equal(journal_used(house->files->journal), 4 * PAGE_BYTES);
    assert_int_equal(released(house), 2 * PAGE_BYTES);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(writes_are_sorted_and_joined),
        TEST(parts_of_pages_are_written_after_whole_ones),
        TEST(blocks_behind_the_end_stay),
        TEST(size_and_times_follow_the_pages),
        TEST(the_journal_is_released_last),
        TEST(of_two_frames_the_newer_is_written),
        TEST(received_pages_are_left_alone),
        TEST(punched_pages_are_punched),
        TEST(reads_see_the_same_before_and_after),
        cmocka_unit_test(every_step_may_fail),
        TEST(one_file_fails_the_other_does_not),
        TEST(a_failed_page_that_was_replaced),
        TEST(a_page_committed_while_its_older_one_is_written),
        TEST(a_page_committed_while_its_older_one_fails),
        TEST(a_cut_while_pages_are_written),
        TEST(a_cut_while_writing_pages_fails),
        cmocka_unit_test(failed_pages_stay_ahead_of_newer_ones),
        TEST(a_cut_leaves_later_pages_their_blocks),
        TEST(what_is_committed_again_leaves_the_journal_unwritten),
        TEST(a_truncation_stays_in_the_journal),
        TEST(what_failed_stays_in_the_journal),
        TEST(a_tail_that_could_not_move_is_moved_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
