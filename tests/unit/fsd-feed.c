/* What the feed tells of commits: all that became durable, once, and nothing else, whatever a worker dies of; and what it says when it does not know. */
#include "config.h"

#include "cache/feed.h"
#include "cache/seal.h"
#include "file/changes.h"
#include "fsd-support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_PATH "a-file"

static struct feed commits_of(struct house *house)
{
    return feed_of(&house->arena, MAPSHARE_ABI_COMMITS);
}

/* "1: a-file 3 stored 0-1 hole 4; ..." of all commits after `since`: the sequence, path, size in pages, changes; '+': it goes on in another record. */
static const char *told(struct house *house, uint64_t since)
{
    static const char *const names[] = {"?", "stored", "hole", "cut", "grown", "any"};
    static char text[65536];
    struct feed feed = commits_of(house);
    uint64_t sequence, end = feed_end(&feed, &sequence), at;
    int n = 0;

    text[0] = 0;
    if (feed_find(&feed, since, end, &at))
        return "lost";
    for (; at < end; at++) {
        struct mapshare_abi_entry entry;

        if (feed_read(&feed, at, &entry))
            return "unreadable";
        n += snprintf(text + n, sizeof text - n, "%s%d: %.*s %d", n ? "; " : "", (int)entry.sequence, entry.text_bytes,
                      entry.text + entry.range_count * sizeof entry.ranges[0], (int)(entry.size / PAGE_BYTES));
        for (unsigned i = 0; i < entry.range_count; i++)
            n += snprintf(text + n, sizeof text - n, " %s %d-%d", names[entry.changes[i]], (int)entry.ranges[i].first,
                          (int)entry.ranges[i].last);
        if (!entry.last)
            n += snprintf(text + n, sizeof text - n, " +");
    }
    return text;
}

static void what_a_commit_changed(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, FILE_PATH, 10, 'a');

    put_page(house, file, 3, 'b');
    put_page(house, file, 2, 'b');
    put_page(house, file, 7, 'b');
    put_page(house, file, 7, 'c');
    assert_string_equal(told(house, 0), "");
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(told(house, 0), "1: a-file 10 stored 2-3 stored 7-7");
    assert_int_equal(file_allocate(house->files, file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * PAGE_BYTES, 2 * PAGE_BYTES),
                     0);
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(told(house, 1), "2: a-file 10 hole 2-3");
    assert_int_equal(file_truncate(house->files, file, 4 * PAGE_BYTES), 0);
    put_page(house, file, 5, 'd');
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(told(house, 2), "3: a-file 6 cut 4--1 stored 5-5");
    assert_int_equal(file_truncate(house->files, file, 8 * PAGE_BYTES), 0);
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(told(house, 3), "4: a-file 8 grown 6-7");
    assert_string_equal(told(house, 4), "");
    assert_string_equal(told(house, 5), "lost"); /* there is no such commit */
}

static void files_of_one_commit(void **state)
{
    struct house *house = *state;
    uint32_t files[] = {make_file(house, "one", 1, 'a'), make_file(house, "two", 1, 'a')};

    put_page(house, files[0], 0, 'b');
    put_page(house, files[1], 0, 'b');
    assert_int_equal(commit_files(house, files, 2).error, 0);
    assert_string_equal(told(house, 0), "1: one 1 stored 0-0; 1: two 1 stored 0-0");
}

static void many_ranges_are_several_records(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, FILE_PATH, 20, 'a');

    for (uint64_t page = 0; page < 12; page += 2)
        put_page(house, file, page, 'b');
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(told(house, 0),
                        "1:  20 stored 0-0 stored 2-2 stored 4-4 stored 6-6 +; 1: a-file 20 stored 8-8 stored 10-10");
}

/* Nothing of it is told, and the next one, which has its number, is told once. */
static void a_commit_that_failed(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, FILE_PATH, 10, 'a');

    put_page(house, file, 1, 'b');
    make_fail(house, FLUSH, true, EIO, 1);
    assert_int_equal(commit_file(house, file), -EIO);
    assert_string_equal(told(house, 0), "");
    put_page(house, file, 2, 'b');
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(told(house, 0), "1: a-file 10 stored 1-2");
}

/* Before the feed's end has moved: the journal alone knows that the commit was made. */
static void death_after_the_commit_point(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, FILE_PATH, 10, 'a');
    struct feed feed = commits_of(house);
    uint64_t before = feed.state->end;

    put_page(house, file, 1, 'b');
    assert_int_equal(commit_file(house, file), 0);
    atomic_store(&feed.state->end, before);
    assert_string_equal(told(house, 0), "");
    house_replace_worker(house);
    assert_string_equal(told(house, 0), "1: a-file 10 stored 1-1");
    house_replace_worker(house);
    assert_string_equal(told(house, 0), "1: a-file 10 stored 1-1");
}

static jmp_buf grave;

int __real_journal_publish(struct journal *journal, const struct journal_chunk *chunk);
int __wrap_journal_publish(struct journal *journal, const struct journal_chunk *chunk);
static bool dies;

int __wrap_journal_publish(struct journal *journal, const struct journal_chunk *chunk)
{
    if (dies)
        longjmp(grave, 1);
    return __real_journal_publish(journal, chunk);
}

/* All records are there and pending, but not true; the next commit takes their place, and their number. */
static void death_before_the_commit_point(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, FILE_PATH, 10, 'a');
    struct feed feed = commits_of(house);

    put_page(house, file, 1, 'b');
    dies = true;
    if (!setjmp(grave))
        commit_file(house, file);
    dies = false;
    assert_int_equal(feed.state->pending, feed.state->end + 1);
    house_replace_worker(house);
    assert_int_equal(feed.state->pending, feed.state->end);
    assert_string_equal(told(house, 0), "");
    put_page(house, file, 4, 'b');
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(told(house, 0), "1: a-file 10 stored 1-1 stored 4-4");
}

/* ---- the ring ---- */

static void append(const struct feed *feed, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i <= to; i++)
        feed_append(feed, &(struct mapshare_abi_entry){.sequence = i, .kind = MAPSHARE_ABI_COMMIT, .last = 1});
}

static void the_oldest_go_first(void **state)
{
    struct house *house = *state;
    struct feed feed = commits_of(house);
    const uint64_t all = 3 * MAPSHARE_ABI_FEED_RECORDS + 5, kept = MAPSHARE_ABI_FEED_RECORDS / 4 * 3;
    struct mapshare_abi_entry entry;
    uint64_t sequence, end, at;

    append(&feed, 1, all);
    end = feed_end(&feed, &sequence);
    assert_int_equal(end, all);
    assert_int_equal(sequence, all);
    assert_int_equal(feed_find(&feed, all, end, &at), 0);
    assert_int_equal(at, end);
    for (uint64_t since = all - kept + 1; since < all; since += 1000) {
        assert_int_equal(feed_find(&feed, since, end, &at), 0);
        assert_int_equal(feed_read(&feed, at, &entry), 0);
        assert_int_equal(entry.sequence, since + 1);
    }
    assert_int_equal(feed_find(&feed, all - kept, end, &at), -ERANGE); /* others of that commit may be gone */
    assert_int_equal(feed_find(&feed, 0, end, &at), -ERANGE);
    assert_int_equal(feed_find(&feed, all + 1, end, &at), -ERANGE);
    assert_int_equal(feed_read(&feed, end - kept - 1, &entry), -ERANGE);
    assert_int_equal(feed_read(&feed, end, &entry), -ERANGE); /* an older one is in its place */
}

static void what_is_damaged_is_lost(void **state)
{
    struct house *house = *state;
    struct feed feed = commits_of(house);
    struct mapshare_abi_entry entry;

    append(&feed, 1, 10);
    for (size_t bit = 0; bit < sizeof feed.slots[4] * 8; bit += 5) {
        unsigned char *byte = (unsigned char *)&feed.slots[4] + bit / 8;

        *byte ^= 1 << bit % 8;
        assert_int_equal(feed_read(&feed, 4, &entry), -ERANGE);
        *byte ^= 1 << bit % 8;
    }
    assert_int_equal(feed_read(&feed, 4, &entry), 0);
}

static void a_log_whose_figures_are_damaged_begins_anew(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, FILE_PATH, 10, 'a');
    struct feed feed = commits_of(house);
    _Atomic uint64_t *const figures[] = {&feed.state->end, &feed.state->pending, (_Atomic uint64_t *)&feed.state->position};
    uint64_t sequence = 0;

    for (size_t i = 0; i < 2 * 3; i++) {
        put_page(house, file, i, 'b');
        sequence = commit_files(house, &file, 1).sequence;
        *figures[i / 2] = i % 2 ? UINT64_MAX : *figures[i / 2] + 99999;
        house_replace_worker(house);
        assert_string_equal(told(house, sequence - 1), "lost");
        assert_string_equal(told(house, sequence), "");
    }
    put_page(house, file, 9, 'c');
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(told(house, sequence), "7: a-file 10 stored 9-9");
}

/* ---- more than can be told ---- */

/* One commit of so many files, each with so many pages that are no neighbours. Its records. */
static uint64_t commit_of(struct house *house, uint32_t files, uint32_t ranges, const char *path, uint64_t sequence)
{
    static struct changes changes;
    struct journal_chunk chunk = {.file_count = files, .position = 1 << 20, .sequence = sequence};
    struct journal_file file = {.path = path, .size = 1 << 30, .valid = UINT64_MAX};
    struct feed feed = commits_of(house);
    uint64_t before = feed.state->end;

    changes_begin(&changes, &house->arena, &chunk);
    for (uint32_t i = 0; i < files; i++) {
        for (uint32_t j = ranges; j--;)
            changes_page(&changes, j * 2, false);
        changes_file(&changes, &file, 1, 1 << 30);
    }
    changes_end(&changes, &chunk);
    changes_done(&house->arena, 0);
    return feed.state->end - before;
}

static void too_much_is_told_as_less(void **state)
{
    struct house *house = *state;
    const uint32_t most = (MAPSHARE_ABI_FEED_FILE - 1) * MAPSHARE_ABI_RECORD_RANGES + 3;
    char path[4000];

    assert_int_equal(commit_of(house, 1, most, NULL, 1), MAPSHARE_ABI_FEED_FILE);
    assert_int_equal(commit_of(house, 1, most + 1, "x", 2), 1);
    assert_string_equal(told(house, 1), "2: x 262144 any 0--1");
    assert_int_equal(commit_of(house, 4096, 1, "some/folder/some-name", 3), 4096);
    assert_true(commit_of(house, 4096, 50, "x", 4) <= FEED_COMMIT_MOST);
    assert_int_equal(commit_of(house, FEED_COMMIT_MOST + 1, 1, "x", 5), 1);
    assert_string_equal(told(house, 4), "5:  0"); /* MAPSHARE_ABI_MANY */
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(commit_of(house, 1, 1, path, 6), (sizeof path - 1 - 56 + 71) / 72 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_a_commit_changed, house_setup, house_teardown),
        cmocka_unit_test_setup_teardown(files_of_one_commit, house_setup, house_teardown),
        cmocka_unit_test_setup_teardown(many_ranges_are_several_records, house_setup, house_teardown),
        cmocka_unit_test_setup_teardown(a_commit_that_failed, house_setup, house_teardown),
        cmocka_unit_test_setup_teardown(death_after_the_commit_point, house_setup, house_teardown),
        cmocka_unit_test_setup_teardown(death_before_the_commit_point, house_setup, house_teardown),
        cmocka_unit_test_setup_teardown(the_oldest_go_first, house_setup, house_teardown),
        cmocka_unit_test_setup_teardown(what_is_damaged_is_lost, house_setup, house_teardown),
        cmocka_unit_test_setup_teardown(a_log_whose_figures_are_damaged_begins_anew, house_setup, house_teardown),
        cmocka_unit_test_setup_teardown(too_much_is_told_as_less, house_setup, house_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
