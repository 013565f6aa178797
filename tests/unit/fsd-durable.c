/* What must be durable before what: the order of writes and flushes, where a crash in between would lose or bring back something. */
#include "config.h"

#include "fsd-support.h"

#include "file/ahead.h"
#include "file/carry.h"
#include "file/lists.h"
#include "file/tail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- events in their order: "Jw" a write to the journal, "w" one to a file, and so on; "metadata": fsync ---- */

static char events[1024];
static bool sync_fails;

static void note(const char *event)
{
    if (events[0])
        strncat(events, " ", sizeof events - strlen(events) - 1);
    strncat(events, event, sizeof events - strlen(events) - 1);
}

static void note_operation(void *context, enum operation operation, bool journal)
{
    const char text[] = {'J', operation, '\0'};

    (void)context;
    note(journal ? text : text + 1);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_syncfs(int fd);
int __wrap_syncfs(int fd);

int __wrap_fsync(int fd)
{
    note("metadata");
    if (!sync_fails)
        return __real_fsync(fd);
    errno = EIO;
    return -1;
}

int __wrap_syncfs(int fd)
{
    note("syncfs");
    if (!sync_fails)
        return __real_syncfs(fd);
    errno = EIO;
    return -1;
}

static void start_notes(struct house *house)
{
    events[0] = '\0';
    house->recorder.before = note_operation;
}

static int setup(void **state)
{
    sync_fails = false;
    return house_setup(state);
}

/* ---- invariant 4 ---- */

static uint32_t checked;

/* While a checkpoint waits for the store, the page that it writes is committed again. */
static void commit_and_move_the_tail(void *context, enum operation operation, bool journal)
{
    struct house *house = context;
    uint64_t released = house->files->tail.released;

    if (journal || operation != SYNC)
        return;
    house->recorder.before = NULL;
    put_page(house, checked, 1, 'c');
    assert_int_equal(commit_file(house, checked), 0);
    assert_int_equal(tail_move(house->files), 0);
    assert_int_equal(house->files->tail.released, released);
}

static void the_journal_keeps_what_is_on_its_way_to_the_store(void **state)
{
    struct house *house = *state;

    checked = make_file(house, "a", 4, 'a');
    put_page(house, checked, 1, 'b');
    put_page(house, checked, 3, 'b');
    assert_int_equal(commit_file(house, checked), 0);
    house->recorder.before = commit_and_move_the_tail;
    house->recorder.context = house;
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_null(house->recorder.before); /* it was called */
    assert_string_equal(stored(house, "a"), "acab");
}

/* Of a commit without pages the journal alone has size and times. */
static void the_journal_keeps_sizes(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');
    uint64_t released = house->files->tail.released;

    assert_int_equal(file_truncate(house->files, file, 6 * PAGE_BYTES), 0);
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(tail_move(house->files), 0);
    assert_int_equal(house->files->tail.released, released);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_true(house->files->tail.released > released);
    assert_int_equal(stored_size(house, "a"), 6 * PAGE_BYTES);
}

static struct house *moving;

int __real_journal_reserve(struct journal *journal, struct journal_chunk *chunk);
int __wrap_journal_reserve(struct journal *journal, struct journal_chunk *chunk);

int __wrap_journal_reserve(struct journal *journal, struct journal_chunk *chunk)
{
    if (moving)
        assert_int_equal(tail_move(moving->files), 0);
    return __real_journal_reserve(journal, chunk);
}

/* A file's second stream has its number, but not its place yet, when the tail is to move. */
static void the_tail_waits_for_the_place_of_a_stream(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a'), other = make_file(house, "b", 4, 'a');

    put_page(house, file, 1, 'b');
    ahead_journal(house->files, file);
    assert_int_equal(commit_file(house, file), 0);
    put_page(house, other, 1, 'b');
    assert_int_equal(commit_file(house, other), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    put_page(house, file, 1, 'c');
    moving = house;
    ahead_journal(house->files, file);
    moving = NULL;
    assert_int_equal(commit_file(house, file), 0);
    house_recover(house);
    assert_string_equal(stored(house, "a"), "acaa");
}

/* ---- invariant 8 ---- */

static void a_truncation_lets_a_stream_go(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 10, 'a');

    for (int i = 0; i < 10; i++)
        put_page(house, file, i, 'b');
    ahead_journal(house->files, file);
    assert_int_equal(file_truncate(house->files, file, 2 * PAGE_BYTES), 0);
    assert_int_equal(file_truncate(house->files, file, 10 * PAGE_BYTES), 0);
    assert_int_equal(commit_file(house, file), 0);
    house_recover(house);
    assert_string_equal(stored(house, "a"), "bb........");
}

/* A crash must not bring a name back with content that is older than its last commit. */
static void a_dropped_file_is_gone_before_its_commits_are(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');
    uint64_t released = house->files->tail.released;

    put_page(house, file, 1, 'b');
    assert_int_equal(commit_file(house, file), 0);
    assert_return_code(unlinkat(house->root, "a", 0), errno);
    file_drop(house->files, file);
    start_notes(house);
    sync_fails = true;
    assert_int_equal(tail_move(house->files), -EIO);
    assert_string_equal(events, "syncfs");
    assert_int_equal(house->files->tail.released, released);
    sync_fails = false;
    assert_int_equal(tail_move(house->files), 0);
    assert_string_equal(events, "syncfs syncfs Jw Jf");
    assert_true(house->files->tail.released > released);
}

static void a_next_worker_knows_of_dropped_files(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    assert_int_equal(commit_file(house, file), 0);
    assert_return_code(unlinkat(house->root, "a", 0), errno);
    file_drop(house->files, file);
    house_replace_worker(house);
    start_notes(house);
    assert_int_equal(tail_move(house->files), 0);
    assert_string_equal(events, "syncfs Jw Jf");
}

/* ---- invariant 3 ---- */

static void metadata_is_durable_before_a_commit(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a'), inode = inode_of(house, file);

    atomic_fetch_or(&house->arena.inodes[inode].flags, INODE_UNSYNCED);
    put_page(house, file, 1, 'b');
    start_notes(house);
    sync_fails = true;
    assert_int_equal(commit_file(house, file), -EIO);
    assert_string_equal(events, "metadata");
    sync_fails = false;
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(events, "metadata metadata Jw Jf");
    put_page(house, file, 1, 'c');
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(events, "metadata metadata Jw Jf Jw Jf"); /* once is enough */
}

/* The worker died while it flushed them. */
static void metadata_is_flushed_again_after_a_death(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a'), inode = inode_of(house, file);

    put_page(house, file, 1, 'b');
    atomic_fetch_or(&house->arena.inodes[inode].flags, INODE_SYNCING);
    house_replace_worker(house);
    start_notes(house);
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(events, "metadata Jw Jf");
}

/* A rename, and the kernel forgot the file, before it was opened, written and synced: what its record would have told is known. */
static void metadata_is_durable_though_the_record_ended(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a'), inode = inode_of(house, file);

    atomic_fetch_or(&house->arena.inodes[inode].flags, INODE_UNSYNCED);
    inode_forget(&house->worker->inodes, inode, 1, &house->arena.arrivals[0].forgotten, 0);
    assert_int_equal(house->arena.inodes[inode].number, 0);
    file = make_file(house, "a", 4, 'a');
    inode = inode_of(house, file);
    assert_false(commit_needless(house->files, inode, file));
    put_page(house, file, 1, 'b');
    start_notes(house);
    sync_fails = true;
    assert_int_equal(commit_file(house, file), -EIO);
    assert_string_equal(events, "syncfs");
    sync_fails = false;
    house_replace_worker(house);
    start_notes(house);
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(events, "syncfs Jw Jf");
    assert_true(commit_needless(house->files, inode, file));
    put_page(house, file, 1, 'c');
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(events, "syncfs Jw Jf Jw Jf"); /* once is enough */
}

/* Many new files are flushed at once. */
static void metadata_of_many_files_is_flushed_once(void **state)
{
    struct house *house = *state;
    uint32_t files[20];
    char name[16];

    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "f%d", i);
        files[i] = make_file(house, name, 1, 'a');
        atomic_fetch_or(&house->arena.inodes[inode_of(house, files[i])].flags, INODE_UNSYNCED);
        put_page(house, files[i], 0, 'b');
    }
    start_notes(house);
    sync_fails = true;
    assert_int_equal(commit_files(house, files, 20).error, -EIO);
    sync_fails = false;
    assert_int_equal(commit_files(house, files, 20).error, 0);
    assert_string_equal(events, "syncfs syncfs Jw Jf");
    for (int i = 0; i < 20; i++)
        assert_int_equal(house->arena.inodes[inode_of(house, files[i])].flags & (INODE_UNSYNCED | INODE_SYNCING), 0);
}

/* A dead worker may have written what it had no time to flush. */
static void the_journal_is_flushed_after_a_death(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    assert_int_equal(commit_file(house, file), 0);
    start_notes(house);
    house_replace_worker(house);
    assert_int_equal(strncmp(events, "Jf Jw", 5), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, house_teardown)

static void ignore(struct commit_waiter *waiter, const struct commit_result *result)
{
    (void)waiter, (void)result;
}

static void commit_carrying(struct house *house, uint32_t file)
{
    struct commit_waiter waiter = {.files = &file, .count = 1, .carries = true, .done = ignore};

    commit_submit(house->files, &waiter, 1);
}

/* A file that can never be stored fails no commit of another: it is carried along in the journal, and comes back from there. */
static void a_failing_file_does_not_fill_the_journal(void **state)
{
    struct house *house = *state;
    uint32_t bad = make_file(house, "bad", 8, 'a'), good = make_file(house, "good", 8, 'a');
    uint64_t size = journal_size(house->files->journal), written = 0;

    file_set_atomic(house->files, bad, true);
    assert_int_equal(file_truncate(house->files, bad, 2 * PAGE_BYTES), 0);
    put_page(house, bad, 5, 'b');
    assert_int_equal(commit_file(house, bad), 0);
    house->recorder.fails_only = house->arena.inodes[inode_of(house, bad)].number;
    make_fail(house, WRITE, false, EIO, UINT32_MAX);
    for (char letter = 'c'; written < 3 * size; written += 9 * PAGE_BYTES, letter = letter == 'z' ? 'c' : letter + 1) {
        uint32_t number;

        for (uint64_t page = 0; page < 8; page++)
            put_page(house, good, page, letter);
        assert_int_equal(commit_file(house, good), 0);
        checkpoint_all(house->files);
        if (checkpoint_is_due(house->files) &&
            list_take(house->files, LIST_COMMITTED, &number, 1, carry_is_due, (int64_t)journal_used(house->files->journal))) {
            assert_int_equal(number, bad);
            commit_carrying(house, number);
            file_put(house->files, number);
            assert_int_equal(house->arena.files[bad].error, EIO); /* every sync goes on telling */
        }
    }
    assert_string_equal(seen(house, bad, 0, 9), "aa...b");
    house_replace_worker(house);
    assert_string_equal(seen(house, bad, 0, 9), "aa...b");
    house->recorder.failures = 0;
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "bad"), "aa...b");
    assert_int_equal(house->arena.files[bad].error, 0);
}

/* The disk takes neither the commit nor the word that it was given up: should it come back, its file is to be found. */
static void what_was_given_up_keeps_its_file(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 1, 'a');

    put_page(house, file, 0, 'A');
    make_fail(house, FLUSH, true, EIO, 3); /* of the commit, of the next epoch, and of the next try */
    assert_int_equal(commit_file(house, file), -EIO);
    assert_true(file_is_in_journal(house->files, inode_of(house, file)));
    assert_false(file_is_in_journal(house->files, inode_of(house, file)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_journal_keeps_what_is_on_its_way_to_the_store),
        TEST(the_journal_keeps_sizes),
        TEST(the_tail_waits_for_the_place_of_a_stream),
        TEST(a_truncation_lets_a_stream_go),
        TEST(a_dropped_file_is_gone_before_its_commits_are),
        TEST(a_next_worker_knows_of_dropped_files),
        TEST(metadata_is_durable_before_a_commit),
        TEST(metadata_is_flushed_again_after_a_death),
        TEST(metadata_is_durable_though_the_record_ended),
        TEST(metadata_of_many_files_is_flushed_once),
        TEST(the_journal_is_flushed_after_a_death),
        TEST(a_failing_file_does_not_fill_the_journal),
        TEST(what_was_given_up_keeps_its_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
