/* Commits: from received to committed, alone and together, when the journal fails, and when they are larger than it. */
#include "config.h"

#include "fsd-support.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "file/flusher.h"

static struct mapshare_abi_info info_of(struct house *house, uint32_t file)
{
    struct mapshare_abi_info info;

    status_info(house->files, file, &info);
    return info;
}

static void pages_are_committed(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');
    struct commit_result result;
    int64_t before = time_now();

    put_page(house, file, 1, 'b');
    put(house, file, 3 * PAGE_BYTES, 2 * PAGE_BYTES, 'c');
    assert_string_equal(states(house, file), "R1 R3-4");
    record_start(house);
    result = commit_files(house, &file, 1);
    assert_int_equal(result.error, 0);
    assert_int_equal(result.sequence, 1);
    assert_true(result.time >= before && result.time <= time_now());
    assert_string_equal(states(house, file), "C1 C3-4");
    assert_string_equal(counts(house, file), "0,0,3,0");
    assert_string_equal(recorded(house, NULL), "w f"); /* one write, one flush */
    assert_string_equal(recorded(house, "a"), "");     /* and nothing of the store's file */
    assert_string_equal(stored(house, "a"), "aaaa");
    assert_string_equal(seen(house, file, 0, 9), "abacc");
    assert_int_equal(info_of(house, file).committed_size, 5 * PAGE_BYTES);
    assert_int_equal(info_of(house, file).sequence, 1);
    assert_int_equal(info_of(house, file).commit_seconds, time_unpack(result.time).tv_sec);
    assert_int_equal(journal_sequence(house->files->journal), 1);
}

static void nothing_to_commit_writes_nothing(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    assert_true(commit_needless(house->files, inode_of(house, file), file));
    put_page(house, file, 1, 'b');
    assert_false(commit_needless(house->files, inode_of(house, file), file));
    assert_int_equal(commit_file(house, file), 0);
    assert_true(commit_needless(house->files, inode_of(house, file), file));
    record_start(house);
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(recorded(house, NULL), "");
    assert_int_equal(journal_sequence(house->files->journal), 1);
}

static void size_alone_is_committed(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    assert_int_equal(file_truncate(house->files, file, 100), 0);
    assert_int_equal(info_of(house, file).committed_size, 4 * PAGE_BYTES);
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(info_of(house, file).committed_size, 100);
    assert_int_equal(stored_size(house, "a"), 4 * PAGE_BYTES);
}

static void several_files_are_one_commit(void **state)
{
    struct house *house = *state;
    uint32_t files[3];

    for (int i = 0; i < 3; i++) {
        char name[] = {'a' + i, 0};

        files[i] = make_file(house, name, 1, 'z');
        put_page(house, files[i], i, 'A' + i);
    }
    record_start(house);
    assert_int_equal(commit_files(house, files, 3).error, 0);
    assert_string_equal(recorded(house, NULL), "w f");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(info_of(house, files[i]).sequence, 1);
        assert_string_equal(counts(house, files[i]), "0,0,1,0");
    }
    assert_int_equal(house->arena.header->counters.commits, 1);
    assert_int_equal(house->arena.header->counters.pages_committed, 3);
}

struct counted {
    struct commit_waiter waiter;
    struct commit_result result;
    unsigned answers;
};

static void count_answer(struct commit_waiter *waiter, const struct commit_result *result)
{
    struct counted *counted = waiter->context;

    counted->result = *result;
    counted->answers++;
}

static void waiters_of_one_time_share_a_flush(void **state)
{
    struct house *house = *state;
    uint32_t files[] = {make_file(house, "a", 1, 'a'), make_file(house, "b", 1, 'b')};
    struct counted counted[3] = {0};
    struct commit_waiter waiters[3];

    put_page(house, files[0], 0, 'x');
    put_page(house, files[1], 0, 'y');
    for (int i = 0; i < 3; i++)
        waiters[i] = (struct commit_waiter){.files = &files[i % 2], .count = 1, .done = count_answer, .context = &counted[i]};
    record_start(house);
    commit_submit(house->files, waiters, 3);
    assert_string_equal(recorded(house, NULL), "w f");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(counted[i].answers, 1);
        assert_int_equal(counted[i].result.error, 0);
        assert_int_equal(counted[i].result.sequence, 1);
    }
}

/* ---- failures ---- */

/* mapshare_wait() on either of them then ends. */
static void an_unchanged_file_of_a_group_has_its_number_too(void **state)
{
    struct house *house = *state;
    uint32_t files[] = {make_file(house, "a", 4, 'a'), make_file(house, "b", 4, 'b')}, other = make_file(house, "c", 1, 'c');

    assert_int_equal(commit_files(house, files, 2).sequence, 0); /* nothing to commit, and never was */
    put_page(house, files[1], 1, 'x');
    assert_int_equal(commit_files(house, files, 2).sequence, 1);
    assert_int_equal(info_of(house, files[0]).sequence, 1);
    assert_int_equal(info_of(house, files[1]).sequence, 1);
    put_page(house, other, 0, 'y');
    assert_int_equal(commit_file(house, other), 0);
    record_start(house);
    assert_int_equal(commit_files(house, files, 2).sequence, 1); /* not another file's */
    assert_string_equal(recorded(house, NULL), "");
}

static void one_waiters_failure_is_not_anothers(void **state)
{
    struct house *house = *state;
    uint32_t files[] = {make_file(house, "a", 4, 'a'), make_file(house, "b", 4, 'b')};
    struct counted counted[3] = {0};
    struct commit_waiter waiters[3];

    for (int i = 0; i < 2; i++)
        waiters[i] = (struct commit_waiter){.files = &files[i], .count = 1, .done = count_answer, .context = &counted[i]};
    waiters[2] = (struct commit_waiter){.flush_inode = inode_of(house, files[0]), .done = count_answer, .context = &counted[2]};
    put_page(house, files[1], 1, 'x');
    make_fail(house, WRITE, true, EIO, 1);
    commit_submit(house->files, waiters, 3);
    assert_int_equal(counted[0].result.error, 0);
    assert_int_equal(counted[1].result.error, -EIO);
    assert_int_equal(counted[2].result.error, 0);
}

static void metadata_is_flushed_when_nothing_else_changed(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a'), inode = inode_of(house, file);

    atomic_fetch_or(&house->arena.inodes[inode].flags, INODE_UNSYNCED);
    assert_false(commit_needless(house->files, inode, file));
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(house->arena.inodes[inode].flags & (INODE_UNSYNCED | INODE_SYNCING), 0);
    assert_true(commit_needless(house->files, inode, file));
}

/* A record that the timer found may be another file's when its turn comes. */
static void the_timer_commits_no_atomic_file(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');
    struct counted counted = {0};
    struct commit_waiter waiter = {.files = &file, .count = 1, .by_timer = true, .done = count_answer, .context = &counted};

    file_set_atomic(house->files, file, true);
    put_page(house, file, 1, 'x');
    commit_submit(house->files, &waiter, 1);
    assert_int_equal(counted.result.error, 0);
    assert_string_equal(states(house, file), "R1");
}

static void a_failing_journal_keeps_pages_and_error(enum operation operation)
{
    struct house *house = house_open(1024, 0, 2 * MIB);
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    assert_int_equal(file_truncate(house->files, file, 3 * PAGE_BYTES), 0);
    make_fail(house, operation, true, EIO, 2);
    assert_int_equal(commit_file(house, file), -EIO);
    assert_string_equal(states(house, file), "F1");
    assert_string_equal(counts(house, file), "1,0,0,0");
    assert_int_equal(info_of(house, file).error, EIO);
    assert_int_equal(info_of(house, file).failed, 1);
    assert_int_equal(info_of(house, file).sequence, 0);
    assert_int_equal(info_of(house, file).committed_size, 4 * PAGE_BYTES);
    assert_string_equal(seen(house, file, 0, 9), "aba");
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "aaaa");

    while (house->recorder.failures) { /* the first sync may have met more than one failure */
        assert_int_equal(commit_file(house, file), -EIO);
        assert_string_equal(states(house, file), "F1");
    }
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(states(house, file), "C1");
    assert_int_equal(info_of(house, file).error, 0);
    assert_int_equal(info_of(house, file).failed, 0);
    assert_int_equal(index_of(house, file)->view.failed, 0);
    assert_int_equal(info_of(house, file).committed_size, 3 * PAGE_BYTES);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "aba");
    house_close(house);
}

static void a_failing_write_of_the_journal(void **state)
{
    (void)state;
    a_failing_journal_keeps_pages_and_error(WRITE);
}

static void a_failing_flush_of_the_journal(void **state)
{
    (void)state;
    a_failing_journal_keeps_pages_and_error(FLUSH);
}

static void a_page_changed_while_its_commit_fails(void *context, enum operation operation, bool journal)
{
    struct house *house = context;

    if (operation == WRITE && journal) {
        house->recorder.before = NULL;
        put_page(house, 1, 1, 'n');
        assert_string_equal(counts(house, 1), "1,2,0,0");
    }
}

static void what_a_failed_commit_replaced_is_not_lost(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    assert_int_equal(file, 1);
    put_page(house, file, 1, 'b');
    put_page(house, file, 2, 'c');
    make_fail(house, WRITE, true, EIO, 1);
    house->recorder.context = house;
    house->recorder.before = a_page_changed_while_its_commit_fails;
    assert_int_equal(commit_file(house, file), -EIO);
    assert_string_equal(counts(house, file), "2,0,0,0"); /* the older frame of page 1 is of no use to anyone */
    assert_string_equal(seen(house, file, 0, 4), "anca");
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "anca");
    assert_int_equal(info_of(house, file).error, 0);
}

static void one_files_failure_is_not_anothers(void **state)
{
    struct house *house = *state;
    uint32_t a = make_file(house, "a", 1, 'a'), b = make_file(house, "b", 1, 'b');

    put_page(house, a, 0, 'x');
    make_fail(house, WRITE, true, ENOSPC, 1);
    assert_int_equal(commit_file(house, a), -ENOSPC);
    put_page(house, b, 0, 'y');
    assert_int_equal(commit_file(house, b), 0);
    assert_int_equal(info_of(house, a).error, ENOSPC);
    assert_int_equal(info_of(house, b).error, 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "a");
    assert_string_equal(stored(house, "b"), "y");
}

/* ---- content under I/O (invariant 5) ---- */

static unsigned char under_write[2]; /* of page 1's frame, before and after the client's store */

static void store_while_committing(void *context, enum operation operation, bool journal)
{
    struct house *house = context;
    struct frame_index *frame;

    if (operation != WRITE || !journal)
        return;
    house->recorder.before = NULL;
    frame = TAILQ_FIRST(&index_of(house, 1)->view.lists[FRAME_COMMITTING]);
    under_write[0] = *(unsigned char *)frame_memory(house->files->frames, frame);
    put(house, 1, PAGE_BYTES + 10, 20, 'n');
    put_page(house, 1, 1, 'm');
    assert_int_equal(file_truncate(house->files, 1, PAGE_BYTES + 100), 0);
    under_write[1] = *((unsigned char *)frame_memory(house->files->frames, frame) + 10);
    assert_int_equal(frame->state, FRAME_COMMITTING);
}

static void content_being_committed_does_not_change(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    house->recorder.context = house;
    house->recorder.before = store_while_committing;
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(under_write[0], 'b');
    assert_int_equal(under_write[1], 'b');
    assert_string_equal(states(house, file), "R1");
    assert_string_equal(counts(house, file), "1,0,1,0");
    assert_string_equal(seen(house, file, 0, 9), "am");
    assert_int_equal(info_of(house, file).committed_size, 4 * PAGE_BYTES);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "abaa"); /* as the commit has it */
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "am");
    assert_int_equal(stored_size(house, "a"), PAGE_BYTES + 100);
}

/* ---- larger than the journal ---- */

struct threads {
    pthread_t flusher, checkpointer;
};

static void start_threads(struct house *house, struct threads *threads)
{
    assert_int_equal(pthread_create(&threads->flusher, NULL, flusher_thread, house->files), 0);
    assert_int_equal(pthread_create(&threads->checkpointer, NULL, checkpoint_thread, house->files), 0);
}

static void stop_threads(struct house *house, struct threads *threads)
{
    wishes_stop(&house->files->wishes);
    pthread_join(threads->flusher, NULL);
    pthread_join(threads->checkpointer, NULL);
}

static void default_files_take_several_commits(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 1, 'a');
    struct threads threads;
    char expected[701];

    for (int i = 0; i < 700; i++) {
        put_page(house, file, i, expected[i] = 'a' + i % 23);
        expected[i + 1] = 0;
    }
    start_threads(house, &threads);
    assert_int_equal(commit_file(house, file), 0);
    stop_threads(house, &threads);
    assert_int_equal(index_of(house, file)->view.counts[FRAME_RECEIVED], 0);
    assert_true(journal_sequence(house->files->journal) > 1);
    assert_int_equal(info_of(house, file).committed_size, 700 * PAGE_BYTES);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), expected);
}

static void atomic_files_are_refused(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 1, 'a');

    file_set_atomic(house->files, file, true);
    for (int i = 0; i < 600; i++)
        put_page(house, file, i, 'b');
    assert_int_equal(commit_file(house, file), -EFBIG);
    assert_string_equal(states(house, file), "R0-599");
    assert_int_equal(journal_sequence(house->files->journal), 0);
    assert_int_equal(file_truncate(house->files, file, 300 * PAGE_BYTES), 0); /* then it fits: in one */
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(journal_sequence(house->files->journal), 1);
    assert_string_equal(states(house, file), "C0-299");
}

struct answered {
    struct commit_waiter waiter;
    struct house *house;
    uint32_t received; /* pages, when the answer came */
    unsigned answers;
};

static void look_at_received(struct commit_waiter *waiter, const struct commit_result *result)
{
    struct answered *answered = waiter->context;

    assert_int_equal(result->error, 0);
    answered->received = index_of(answered->house, waiter->files[0])->view.counts[FRAME_RECEIVED];
    answered->answers++;
}

/* Invariant 3: whoever asks while a large file is committed in parts is
 * answered after the last of them. */
static void nobody_is_answered_after_a_part(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 1, 'a');
    struct answered answered[2] = {{.house = house}, {.house = house}};
    struct commit_waiter waiters[2];

    for (int i = 0; i < 400; i++)
        put_page(house, file, i, 'b');
    for (int i = 0; i < 2; i++)
        waiters[i] = (struct commit_waiter){.files = &file, .count = 1, .done = look_at_received, .context = &answered[i]};
    commit_submit(house->files, waiters, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(answered[i].answers, 1);
        assert_int_equal(answered[i].received, 0);
    }
    assert_true(journal_sequence(house->files->journal) > 1);
}

/* Files that are committed together are one commit or none, whatever kind they
 * are. */
static void groups_are_not_divided(void **state)
{
    struct house *house = *state;
    uint32_t files[] = {make_file(house, "a", 1, 'a'), make_file(house, "b", 1, 'b')};

    for (int i = 0; i < 300; i++) {
        put_page(house, files[0], i, 'x');
        put_page(house, files[1], i, 'y');
    }
    alarm(30); /* should it never answer */
    assert_int_equal(commit_files(house, files, 2).error, -EFBIG);
    assert_int_equal(journal_sequence(house->files->journal), 0);
    assert_string_equal(states(house, files[0]), "R0-299");
    assert_string_equal(states(house, files[1]), "R0-299");
    assert_int_equal(file_truncate(house->files, files[0], 100 * PAGE_BYTES), 0);
    assert_int_equal(commit_files(house, files, 2).error, 0);
    alarm(0);
    assert_int_equal(journal_sequence(house->files->journal), 1);
    assert_int_equal(info_of(house, files[0]).sequence, 1);
    assert_int_equal(info_of(house, files[1]).sequence, 1);
}

static void a_file_of_a_group_is_not_divided(void **state)
{
    struct house *house = *state;
    uint32_t files[] = {make_file(house, "a", 1, 'a'), make_file(house, "b", 1, 'b')};

    for (int i = 0; i < 350; i++) /* more than half the journal */
        put_page(house, files[0], i, 'x');
    put_page(house, files[1], 0, 'y');
    alarm(30);
    assert_int_equal(commit_files(house, files, 2).error, 0);
    alarm(0);
    assert_int_equal(journal_sequence(house->files->journal), 1);
    assert_string_equal(states(house, files[0]), "C0-349");
    assert_string_equal(states(house, files[1]), "C0");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_are_committed),
        TEST(nothing_to_commit_writes_nothing),
        TEST(size_alone_is_committed),
        TEST(several_files_are_one_commit),
        TEST(waiters_of_one_time_share_a_flush),
        TEST(an_unchanged_file_of_a_group_has_its_number_too),
        TEST(one_waiters_failure_is_not_anothers),
        TEST(metadata_is_flushed_when_nothing_else_changed),
        TEST(the_timer_commits_no_atomic_file),
        cmocka_unit_test(a_failing_write_of_the_journal),
        cmocka_unit_test(a_failing_flush_of_the_journal),
        TEST(what_a_failed_commit_replaced_is_not_lost),
        TEST(one_files_failure_is_not_anothers),
        TEST(content_being_committed_does_not_change),
        TEST(default_files_take_several_commits),
        TEST(atomic_files_are_refused),
        TEST(nobody_is_answered_after_a_part),
        TEST(groups_are_not_divided),
        TEST(a_file_of_a_group_is_not_divided),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
