/* Two commits under way: the second is written and flushed while the first one's flush goes on, and becomes true after it. */
#include "config.h"

#include "cache/feed.h"
#include "file/ahead.h"
#include "file/snapshot.h"
#include "fsd-support.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Somebody's sync, in a thread of its own. */
struct client {
    struct house *house;
    uint32_t files[2], count;
    pthread_t thread;
    struct commit_waiter waiter;
    struct commit_result result;
    struct snapshot *snapshots[2]; /* what it asked for, where waiter.snapshots says so */
    _Atomic unsigned answers;
    _Atomic bool submitted; /* its thread serves others again */
};

static void answered(struct commit_waiter *waiter, const struct commit_result *result)
{
    struct client *client = waiter->context;

    client->result = *result;
    client->answers++;
}

static void *ask(void *argument)
{
    struct client *client = argument;

    client->waiter.files = client->files;
    client->waiter.count = client->count;
    client->waiter.done = answered;
    client->waiter.context = client;
    commit_submit(client->house->files, &client->waiter, 1);
    client->submitted = true;
    return NULL;
}

static void start(struct client *client)
{
    assert_int_equal(pthread_create(&client->thread, NULL, ask, client), 0);
}

static unsigned count(struct house *house, enum operation operation)
{
    unsigned count = 0;

    pthread_mutex_lock(&house->recorder.lock);
    for (size_t i = 0; i < house->recorder.count; i++)
        count += house->recorder.records[i].journal && house->recorder.records[i].operation == operation;
    pthread_mutex_unlock(&house->recorder.lock);
    return count;
}

/* What happens in the first flush, or write, of the journal. */
static struct scene {
    struct house *house;
    enum operation operation;
    void (*play)(void);
    bool over;
    struct client others[2];
} scene;

static void before(void *context, enum operation operation, bool journal)
{
    (void)context;
    if (operation != scene.operation || !journal || scene.over)
        return;
    scene.over = true;
    scene.play();
}

/* The publications of commits, from now on: before which of them the worker dies, or after which, before its files are told. */
static struct {
    _Atomic unsigned seen;
    unsigned before, after;
} death;

int __real_journal_flush(struct journal *journal, const struct journal_chunk *chunk);
int __wrap_journal_flush(struct journal *journal, const struct journal_chunk *chunk);

/* It would wait for its turn for ever. */
int __wrap_journal_flush(struct journal *journal, const struct journal_chunk *chunk)
{
    int result = __real_journal_flush(journal, chunk);

    if (chunk->under_way && (death.before == 1 || death.after == 1))
        pthread_exit(NULL);
    return result;
}

int __real_journal_publish(struct journal *journal, const struct journal_chunk *chunk);
int __wrap_journal_publish(struct journal *journal, const struct journal_chunk *chunk);

int __wrap_journal_publish(struct journal *journal, const struct journal_chunk *chunk)
{
    unsigned now = ++death.seen;
    int result = 0;

    if (now != death.before)
        result = __real_journal_publish(journal, chunk);
    if (now == death.before || now == death.after)
        pthread_exit(NULL);
    return result;
}

void __real_version_publish(struct files *files, struct file_index *index, uint64_t void_from, const struct journal_chunk *chunk);
void __wrap_version_publish(struct files *files, struct file_index *index, uint64_t void_from, const struct journal_chunk *chunk);

/* Until its files are told no other commit is true: a takeover could not tell which they are of. */
void __wrap_version_publish(struct files *files, struct file_index *index, uint64_t void_from, const struct journal_chunk *chunk)
{
    usleep(20000); /* the other one would be, by now */
    assert_int_equal(journal_sequence(files->journal), chunk->sequence);
    __real_version_publish(files, index, void_from, chunk);
}

static void set(struct house *house, void (*play)(void))
{
    death.seen = death.before = death.after = 0;
    scene = (struct scene){
        .house = house, .operation = FLUSH, .play = play, .others = {{.house = house, .count = 1}, {.house = house, .count = 1}}};
    house->recorder.before = before;
    record_start(house);
}

/* "1:a 2:b" of all that the feed has. */
static const char *told(struct house *house)
{
    static char text[256];
    struct feed feed = feed_of(&house->arena, MAPSHARE_ABI_COMMITS);
    struct mapshare_abi_entry entry;
    uint64_t sequence, end = feed_end(&feed, &sequence);
    int n = 0;

    text[0] = 0;
    for (uint64_t at = 0; at < end; at++) {
        assert_int_equal(feed_read(&feed, at, &entry), 0);
        n += snprintf(text + n, sizeof text - n, "%s%d:%.*s", n ? " " : "", (int)entry.sequence, entry.text_bytes,
                      entry.text + entry.range_count * sizeof entry.ranges[0]);
    }
    return text;
}

static void flushed_beside(void)
{
    start(&scene.others[0]);
    while (count(scene.house, FLUSH) < 2)
        usleep(1000);
    assert_int_equal(scene.others[0].answers, 0);
    assert_int_equal(journal_sequence(scene.house->files->journal), 0);
}

static void two_are_flushed_at_once(void **state)
{
    struct house *house = *state;
    uint32_t a = make_file(house, "a", 1, 'a'), b = make_file(house, "b", 1, 'b');
    struct commit_result result;

    put_page(house, a, 0, 'x');
    put_page(house, b, 0, 'y');
    set(house, flushed_beside);
    scene.others[0].files[0] = b;
    result = commit_files(house, &a, 1);
    pthread_join(scene.others[0].thread, NULL);
    assert_int_equal(result.sequence, 1);
    assert_int_equal(scene.others[0].result.error, 0);
    assert_int_equal(scene.others[0].result.sequence, 2);
    assert_string_equal(recorded(house, NULL), "w f w f");
    house_replace_worker(house);
    assert_string_equal(states(house, a), "C0");
    assert_string_equal(states(house, b), "C0");
    house_recover(house);
    assert_string_equal(stored(house, "a"), "x");
    assert_string_equal(stored(house, "b"), "y");
}

static void written_beside(void)
{
    start(&scene.others[0]);
    while (count(scene.house, WRITE) < 2)
        usleep(1000);
}

/* The one whose place was taken with it is made again, and is told no error that was another's. */
static void failure_is_told_to_its_own(struct house *house, enum operation operation, void (*play)(void))
{
    uint32_t a = make_file(house, "a", 1, 'a'), b = make_file(house, "b", 1, 'b');

    put_page(house, a, 0, 'x');
    put_page(house, b, 0, 'y');
    set(house, play);
    scene.operation = operation;
    scene.others[0].files[0] = b;
    make_fail(house, operation, true, EIO, 1);
    assert_int_equal(commit_file(house, a), -EIO);
    pthread_join(scene.others[0].thread, NULL);
    assert_int_equal(scene.others[0].result.error, 0);
    assert_int_equal(scene.others[0].result.sequence, 1);
    assert_string_equal(states(house, a), "F0");
    assert_string_equal(states(house, b), "C0");
    assert_string_equal(told(house), "1:b");
    house_recover(house);
    assert_string_equal(stored(house, "a"), "a");
    assert_string_equal(stored(house, "b"), "y");
}

static void a_failed_flush_is_told_to_its_own(void **state)
{
    failure_is_told_to_its_own(*state, FLUSH, flushed_beside);
}

static void a_failed_write_is_told_to_its_own(void **state)
{
    failure_is_told_to_its_own(*state, WRITE, written_beside);
}

/* Nobody who comes later goes before one that waits for a file. */
static void asked_meanwhile(void)
{
    put_page(scene.house, scene.others[0].files[0], 0, 'z');
    for (int i = 0; i < 2; i++) {
        start(&scene.others[i]);
        while (!scene.others[i].submitted)
            usleep(1000);
    }
    assert_int_equal(count(scene.house, FLUSH), 1);
    assert_int_equal(scene.others[0].answers + scene.others[1].answers, 0);
}

static void a_file_under_way_waits(struct house *house, uint32_t count)
{
    uint32_t a = make_file(house, "a", 1, 'a'), b = make_file(house, "b", 1, 'b'), c = make_file(house, "c", 1, 'c');

    put_page(house, a, 0, 'x');
    put_page(house, b, 0, 'y');
    put_page(house, c, 0, 'y');
    set(house, asked_meanwhile);
    scene.others[0].files[0] = a;
    scene.others[0].files[1] = b;
    scene.others[0].count = count;
    scene.others[1].files[0] = c;
    assert_int_equal(commit_files(house, &a, 1).sequence, 1);
    for (int i = 0; i < 2; i++) {
        pthread_join(scene.others[i].thread, NULL);
        assert_int_equal(scene.others[i].answers, 1);
        assert_int_equal(scene.others[i].result.error, 0);
        assert_int_equal(scene.others[i].result.sequence, 2);
    }
    assert_string_equal(recorded(house, NULL), "w f w f");
    assert_string_equal(states(house, b), count > 1 ? "C0" : "R0");
    house_recover(house);
    assert_string_equal(stored(house, "a"), "z");
    assert_string_equal(stored(house, "c"), "y");
}

static void one_commit_of_a_file_at_a_time(void **state)
{
    a_file_under_way_waits(*state, 1);
}

static void a_group_waits_as_a_whole(void **state)
{
    a_file_under_way_waits(*state, 2);
}

static void taken_back(void)
{
    scene.others[0].waiter.rolls_back = true;
    asked_meanwhile();
}

/* What is in a commit stays, what came after it goes. */
static void a_file_under_way_is_not_rolled_back(void **state)
{
    struct house *house = *state;
    uint32_t a = make_file(house, "a", 1, 'a'), c = make_file(house, "c", 1, 'c');

    put_page(house, a, 0, 'x');
    put_page(house, c, 0, 'y');
    set(house, taken_back);
    scene.others[0].files[0] = a;
    scene.others[1].files[0] = c;
    assert_int_equal(commit_file(house, a), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(scene.others[i].thread, NULL);
        assert_int_equal(scene.others[i].answers, 1);
        assert_int_equal(scene.others[i].result.error, 0);
    }
    assert_string_equal(states(house, a), "C0");
    assert_string_equal(seen(house, a, 0, 1), "x");
    assert_string_equal(states(house, c), "C0");
}

static void two_ask(void)
{
    start(&scene.others[0]);
    while (!scene.others[0].submitted)
        usleep(1000);
    assert_int_equal(count(scene.house, WRITE), 1);
    start(&scene.others[1]);
    while (count(scene.house, FLUSH) < 2)
        usleep(1000);
}

/* Beside a commit that two asked for, one for one would be small. */
static void the_second_is_not_smaller(void **state)
{
    struct house *house = *state;
    uint32_t files[] = {make_file(house, "a", 1, 'a'), make_file(house, "b", 1, 'b'), make_file(house, "c", 1, 'c'),
                        make_file(house, "d", 1, 'd')};
    struct client two[2];
    struct commit_waiter waiters[2];

    for (int i = 0; i < 4; i++)
        put_page(house, files[i], 0, 'x');
    set(house, two_ask);
    for (int i = 0; i < 2; i++) {
        scene.others[i].files[0] = files[2 + i];
        two[i] = (struct client){.house = house};
        waiters[i] = (struct commit_waiter){.files = &files[i], .count = 1, .done = answered, .context = &two[i]};
    }
    commit_submit(house->files, waiters, 2);
    for (int i = 0; i < 2; i++)
        pthread_join(scene.others[i].thread, NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(two[i].result.sequence, 1);
        assert_int_equal(scene.others[i].result.sequence, 2);
    }
    assert_string_equal(recorded(house, NULL), "w f w f");
}

/* ---- snapshots ---- */

static void ask_for_snapshots(struct client *client)
{
    client->waiter.snapshots = client->snapshots;
    client->waiter.user = user_find(&client->house->worker->inodes.users, 0);
    start(client);
    while (!client->submitted)
        usleep(1000);
}

static const char *shown(struct house *house, struct snapshot *snapshot)
{
    static unsigned char bytes[SNAPSHOT_BYTES];
    ssize_t n = snapshot_read(house->files, snapshot, bytes, sizeof bytes, 0);

    assert_return_code(n, -n);
    return letters_of(bytes, n);
}

/* One needs a file of the commit under way, and has all of that; the other one does not wait. */
static void two_snapshots(void)
{
    ask_for_snapshots(&scene.others[1]);
    assert_int_equal(scene.others[1].answers, 1);
    ask_for_snapshots(&scene.others[0]);
    assert_int_equal(scene.others[0].answers, 0);
}

static void a_snapshot_waits_for_its_files_alone(void **state)
{
    struct house *house = *state;
    uint32_t a = make_file(house, "a", 1, 'a'), b = make_file(house, "b", 1, 'b'), c = make_file(house, "c", 1, 'c');

    put_page(house, a, 0, 'x');
    put_page(house, b, 0, 'y');
    put_page(house, c, 0, 'z');
    set(house, two_snapshots);
    scene.others[0].files[0] = c;
    scene.others[0].files[1] = a;
    scene.others[0].count = 2;
    scene.others[1].files[0] = b;
    assert_int_equal(commit_file(house, a), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(scene.others[i].thread, NULL);
        assert_int_equal(scene.others[i].result.error, 0);
    }
    assert_int_equal(scene.others[0].result.sequence, 1);
    assert_int_equal(scene.others[1].result.sequence, 0);
    assert_string_equal(shown(house, scene.others[0].snapshots[0]), "c");
    assert_string_equal(shown(house, scene.others[0].snapshots[1]), "x");
    assert_string_equal(shown(house, scene.others[1].snapshots[0]), "b");
    snapshot_close(house->files, scene.others[0].snapshots[0]);
    snapshot_close(house->files, scene.others[0].snapshots[1]);
    snapshot_close(house->files, scene.others[1].snapshots[0]);
}

static struct snapshot *snapshot_of(struct house *house, uint32_t file)
{
    struct client client = {.house = house, .files = {file}, .count = 1};

    ask_for_snapshots(&client);
    pthread_join(client.thread, NULL);
    assert_int_equal(client.result.error, 0);
    return client.snapshots[0];
}

/* Both put aside what they replace, each when it is its turn. */
static void both_keep_what_they_replace(void **state)
{
    struct house *house = *state;
    uint32_t a = make_file(house, "a", 3, 'a'), b = make_file(house, "b", 3, 'b');
    struct snapshot *of[] = {snapshot_of(house, a), snapshot_of(house, b)};

    for (uint64_t page = 0; page < 2; page++) {
        put_page(house, a, page, 'x');
        put_page(house, b, page + 1, 'y');
    }
    set(house, flushed_beside);
    scene.others[0].files[0] = b;
    assert_int_equal(commit_file(house, a), 0);
    pthread_join(scene.others[0].thread, NULL);
    assert_string_equal(shown(house, of[0]), "aaa");
    assert_string_equal(shown(house, of[1]), "bbb");
    assert_int_equal(slots_in_use(&house->files->snapshots.slots), 4);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "xxa");
    assert_string_equal(shown(house, of[0]), "aaa");
    assert_string_equal(shown(house, of[1]), "bbb");
    snapshot_close(house->files, of[0]);
    snapshot_close(house->files, of[1]);
}

/* ---- the feed, and deaths ---- */

static void the_feed_has_both_in_their_order(void **state)
{
    struct house *house = *state;
    uint32_t a = make_file(house, "a", 1, 'a'), b = make_file(house, "b", 1, 'b');

    put_page(house, a, 0, 'x');
    put_page(house, b, 0, 'y');
    set(house, flushed_beside);
    scene.others[0].files[0] = b;
    assert_int_equal(commit_file(house, a), 0);
    pthread_join(scene.others[0].thread, NULL);
    assert_string_equal(told(house), "1:a 2:b");
}

/* A worker with both flushed dies at the commit point of either. What is in the feed is what is committed, once; the rest is received, and committed again. */
static void die(struct house *house, unsigned before, unsigned after, const char *feed, bool a_is_true, bool b_is_true)
{
    uint32_t a = make_file(house, "a", 1, 'a'), b = make_file(house, "b", 1, 'b');
    struct client first = {.house = house, .files = {a}, .count = 1};
    char rest[64];

    put_page(house, a, 0, 'x');
    put_page(house, b, 0, 'y');
    set(house, flushed_beside);
    scene.others[0].files[0] = b;
    death.before = before;
    death.after = after;
    start(&first);
    pthread_join(first.thread, NULL);
    pthread_join(scene.others[0].thread, NULL);
    death.before = death.after = 0;
    house_replace_worker(house);
    assert_string_equal(told(house), feed);
    assert_int_equal(journal_sequence(house->files->journal), a_is_true + b_is_true);
    assert_string_equal(states(house, a), a_is_true ? "C0" : "R0");
    assert_string_equal(states(house, b), b_is_true ? "C0" : "R0");
    assert_int_equal(commit_file(house, b), 0);
    assert_int_equal(commit_file(house, a), 0);
    snprintf(rest, sizeof rest, "%s%s%s", feed, b_is_true ? "" : a_is_true ? " 2:b" : "1:b", a_is_true ? "" : " 2:a");
    assert_string_equal(told(house), rest);
    house_recover(house);
    assert_string_equal(stored(house, "a"), "x");
    assert_string_equal(stored(house, "b"), "y");
}

static void death_before_the_first_is_true(void **state)
{
    die(*state, 1, 0, "", false, false);
}

static void death_before_the_files_of_the_first_are_told(void **state)
{
    die(*state, 0, 1, "1:a", true, false);
}

static void death_before_the_second_is_true(void **state)
{
    die(*state, 2, 0, "1:a", true, false);
}

static void death_before_the_files_of_the_second_are_told(void **state)
{
    die(*state, 0, 2, "1:a 2:b", true, true);
}

/* ---- the journal ---- */

static _Atomic bool rolls_back;
int __real_journal_reserve(struct journal *journal, struct journal_chunk *chunk);
int __wrap_journal_reserve(struct journal *journal, struct journal_chunk *chunk);

int __wrap_journal_reserve(struct journal *journal, struct journal_chunk *chunk)
{
    if (chunk->type == JOURNAL_CHUNK_COMMIT && atomic_exchange(&rolls_back, false))
        journal_rollback(journal);
    return __real_journal_reserve(journal, chunk);
}

/* Another commit fails when this one has taken its pages, and has no place yet: what was journaled ahead is gone. */
static void what_was_journaled_ahead_is_not_relied_on(void **state)
{
    struct house *house = *state;
    uint32_t a = make_file(house, "a", 4, 'a');

    set(house, NULL);
    scene.over = true;
    for (uint64_t page = 0; page < 3; page++)
        put_page(house, a, page, 'x');
    ahead_journal(house->files, a);
    put_page(house, a, 3, 'y');
    rolls_back = true;
    assert_int_equal(commit_file(house, a), 0);
    assert_string_equal(states(house, a), "C0-3");
    house_recover(house);
    assert_string_equal(stored(house, "a"), "xxxy");
}

#define LARGE 250u /* pages: two such commits are more than the journal has room for */

static void finds_no_room(void)
{
    start(&scene.others[0]);
    usleep(50000); /* it would be taking the first one's place by now */
    assert_int_equal(scene.others[0].answers, 0);
}

/* It does not make room by taking the place of the one before it: each is written once. */
static void the_second_waits_for_room(void **state)
{
    struct house *house = *state;
    uint32_t a = make_file(house, "a", LARGE, 'a'), b = make_file(house, "b", LARGE, 'b');
    unsigned large = 0;
    pthread_t checkpoints;

    assert_int_equal(pthread_create(&checkpoints, NULL, checkpoint_thread, house->files), 0);
    put(house, a, 0, LARGE * PAGE_BYTES, 'x');
    put(house, b, 0, LARGE * PAGE_BYTES, 'y');
    set(house, finds_no_room);
    scene.others[0].files[0] = b;
    assert_int_equal(commit_files(house, &a, 1).sequence, 1);
    pthread_join(scene.others[0].thread, NULL);
    assert_int_equal(scene.others[0].result.error, 0);
    assert_int_equal(scene.others[0].result.sequence, 2);
    wishes_stop(&house->files->wishes);
    pthread_join(checkpoints, NULL);
    for (size_t i = 0; i < house->recorder.count; i++)
        large += house->recorder.records[i].journal && house->recorder.records[i].length > LARGE / 2 * PAGE_BYTES;
    assert_int_equal(large, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_are_flushed_at_once),
        TEST(a_failed_flush_is_told_to_its_own),
        TEST(a_failed_write_is_told_to_its_own),
        TEST(one_commit_of_a_file_at_a_time),
        TEST(a_group_waits_as_a_whole),
        TEST(a_file_under_way_is_not_rolled_back),
        TEST(the_second_is_not_smaller),
        TEST(a_snapshot_waits_for_its_files_alone),
        TEST(both_keep_what_they_replace),
        TEST(the_feed_has_both_in_their_order),
        TEST(death_before_the_first_is_true),
        TEST(death_before_the_files_of_the_first_are_told),
        TEST(death_before_the_second_is_true),
        TEST(death_before_the_files_of_the_second_are_told),
        TEST(what_was_journaled_ahead_is_not_relied_on),
        TEST(the_second_waits_for_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
