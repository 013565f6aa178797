/* Commits: published when durable, undone when not; space, epochs, and several writers. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "journal-support.h"

static struct journal_point point(const struct fixture *fixture)
{
    return fixture->state.points[fixture->state.current];
}

static void a_commit_is_published(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(1, 'A');
    assert_true(point(fixture).head > 0);
    struct journal_chunk first = commit_pages(fixture, &file, &page, 1);
    struct journal_chunk second = commit_pages(fixture, &file, &page, 1);
    assert_int_equal(first.sequence + 1, second.sequence);
    assert_int_equal(first.position + first.length, second.position);
    assert_int_equal(point(fixture).head, second.position + second.length);
    assert_int_equal(point(fixture).sequence, second.sequence);
    assert_true(journal_published(&fixture->state, second.position));
    assert_false(journal_published(&fixture->state, second.position + second.length));
    assert_int_equal(journal_used(fixture->journal), first.length + second.length);
}

static void reserved_is_not_published(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    file.stream = 1;
    struct journal_page page = data_page(1, 'A');
    struct journal_chunk chunk = write_pages(fixture, JOURNAL_CHUNK_DATA, &file, &page, 1);
    assert_false(journal_published(&fixture->state, chunk.position));
    assert_int_equal(fixture_recover(fixture).pages, 0);
    assert_string_equal(content(fixture, "a"), "xxxx");
}

static void a_full_journal_says_so(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(1, 'A');
    struct journal_chunk chunk = {.type = JOURNAL_CHUNK_COMMIT, .files = &file, .file_count = 1, .pages = &page, .page_count = 1};
    int result;
    while ((result = journal_reserve(fixture->journal, &chunk)) == 0)
        assert_int_equal(commit_chunk(fixture->journal, &chunk), 0);
    assert_int_equal(result, -ENOSPC);
    assert_in_range(journal_used(fixture->journal), journal_size(fixture->journal) / 64 * 63 - 2 * PAGE,
                    journal_size(fixture->journal));
    assert_int_equal(journal_release(fixture->journal, point(fixture).head, point(fixture).next_number), 0);
    assert_int_equal(journal_used(fixture->journal), 0);
    commit_pages(fixture, &file, &page, 1);
    assert_int_equal(fixture_recover(fixture).commits, 1);
    assert_string_equal(content(fixture, "a"), "xAxx");
}

static void what_never_fits_says_so(void **state)
{
    static struct journal_page pages[300];
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    for (int i = 0; i < 300; i++)
        pages[i] = data_page((uint64_t)i, 'A');
    struct journal_chunk chunk = {.type = JOURNAL_CHUNK_COMMIT, .files = &file, .file_count = 1, .pages = pages, .page_count = 300};
    assert_int_equal(journal_reserve(fixture->journal, &chunk), -EFBIG);
}

static int count_visits(void *context, const struct journal_visit *entry)
{
    (void)entry;
    ++*(unsigned *)context;
    return 0;
}

/* Chunks of 1 to 11 pages go around the log's end at every place; what is in the log stays readable. */
static void the_log_goes_around_and_is_read(void **state)
{
    static const char letters[] = "ABCDEFGHIJKL";
    struct fixture *fixture = *state;
    struct journal_chunk last[3] = {{0}};
    fixture_open(fixture, SMALL_JOURNAL);
    make_file(fixture, "a", 12, 'x');
    struct journal_file file = entry_of(fixture, "a");
    for (unsigned round = 0; round < 400; round++) {
        struct journal_page pages[12];
        struct recover_report report;
        unsigned visits = 0;
        uint32_t count = 1 + round * 7 % 11;
        for (uint32_t i = 0; i < count; i++)
            pages[i] = data_page(i, letters[(round + i) % 12]);
        last[round % 3] = commit_pages(fixture, &file, pages, count);
        struct journal_chunk *oldest = &last[(round + 1) % 3];
        if (oldest->number > 0)
            assert_int_equal(journal_release(fixture->journal, oldest->position, oldest->number), 0);
        assert_int_equal(journal_walk(fixture->root, count_visits, &visits, &report), 0);
        assert_int_equal(visits, round < 2 ? round + 1 : 3);
        assert_int_equal(report.sequence, last[round % 3].sequence);
    }
}

static void a_failure_undoes_the_commit(struct fixture *fixture, _Atomic int *left)
{
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    commit_pages(fixture, &file, &page, 1);
    struct journal_point before = point(fixture);
    uint32_t epoch = journal_epoch(fixture->journal);

    page = data_page(1, 'B');
    struct journal_chunk chunk = {.type = JOURNAL_CHUNK_COMMIT, .files = &file, .file_count = 1, .pages = &page, .page_count = 1};
    assert_int_equal(journal_reserve(fixture->journal, &chunk), 0);
    *left = 0;
    assert_int_equal(commit_chunk(fixture->journal, &chunk), -EIO);
    assert_int_equal(point(fixture).head, before.head);
    assert_int_equal(point(fixture).sequence, before.sequence);
    assert_true(journal_epoch(fixture->journal) > epoch);

    page = data_page(2, 'C');
    struct journal_chunk next = commit_pages(fixture, &file, &page, 1);
    assert_int_equal(next.position, before.head);
    assert_int_equal(next.sequence, before.sequence + 1);
    assert_int_equal(fixture_recover(fixture).commits, 2);
    assert_string_equal(content(fixture, "a"), "AxCx");
}

static void a_failed_write_undoes_the_commit(void **state)
{
    struct fixture *fixture = *state;
    a_failure_undoes_the_commit(fixture, &fixture->faulty.writes_left);
}

static void a_failed_flush_undoes_the_commit(void **state)
{
    struct fixture *fixture = *state;
    a_failure_undoes_the_commit(fixture, &fixture->faulty.flushes_left);
}

/* The superblock on disk is of this epoch. */
static uint32_t epoch_on_disk(struct fixture *fixture)
{
    struct superblock superblock;
    int fd;
    assert_int_equal(superblock_open_file(fixture->private_folder, O_RDONLY, &fd), 0);
    assert_int_equal(superblock_read(fd, &superblock), 0);
    close(fd);
    return superblock.epoch;
}

/* What a failed commit left must not be taken for one after a crash, so the next one waits until that is durable. */
static void without_a_fence_there_is_no_next_commit(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    struct journal_chunk chunk = {.type = JOURNAL_CHUNK_COMMIT, .files = &file, .file_count = 1, .pages = &page, .page_count = 1};
    assert_int_equal(journal_reserve(fixture->journal, &chunk), 0);
    fixture->faulty.all_fail = true;
    assert_int_equal(commit_chunk(fixture->journal, &chunk), -EIO);
    fixture->faulty.all_fail = false;
    fixture->faulty.writes_left = 0; /* the fence's */
    assert_int_equal(journal_reserve(fixture->journal, &chunk), 0);
    assert_int_equal(commit_chunk(fixture->journal, &chunk), -EIO);
    assert_int_equal(epoch_on_disk(fixture), fixture->state.epoch); /* that of the rollback */
    fixture->faulty.all_fail = true;
    journal_rollback(fixture->journal);
    fixture->faulty.all_fail = false;
    assert_true(epoch_on_disk(fixture) < fixture->state.epoch);
    commit_pages(fixture, &file, &page, 1);
    assert_int_equal(epoch_on_disk(fixture), fixture->state.epoch);
}

static void a_failed_write_ahead_fails_the_commit_behind_it(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    file.stream = 1;
    struct journal_chunk ahead = {.type = JOURNAL_CHUNK_DATA, .files = &file, .file_count = 1, .pages = &page, .page_count = 1};
    struct journal_chunk commit = {.type = JOURNAL_CHUNK_COMMIT, .files = &file, .file_count = 1};
    assert_int_equal(journal_reserve(fixture->journal, &ahead), 0);
    assert_int_equal(journal_reserve(fixture->journal, &commit), 0);
    fixture->faulty.writes_left = 0;
    assert_int_equal(journal_write(fixture->journal, &ahead), -EIO);
    assert_int_equal(commit_chunk(fixture->journal, &commit), -EIO);
    assert_int_equal(fixture_recover(fixture).commits, 0);
}

static void a_place_is_lost_by_a_rollback(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    file.stream = 1;
    struct journal_chunk chunk = {.type = JOURNAL_CHUNK_DATA, .files = &file, .file_count = 1, .pages = &page, .page_count = 1};
    assert_int_equal(journal_reserve(fixture->journal, &chunk), 0);
    journal_rollback(fixture->journal);
    assert_int_equal(journal_used(fixture->journal), 0);
    assert_int_equal(journal_write(fixture->journal, &chunk), -ECANCELED);
    assert_int_equal(journal_reserve(fixture->journal, &chunk), 0);
    assert_int_equal(journal_write(fixture->journal, &chunk), 0);
}

static void pages_of_an_older_epoch_are_not_in_the_commit(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    file.stream = 1;
    write_pages(fixture, JOURNAL_CHUNK_DATA, &file, &page, 1);
    journal_rollback(fixture->journal);
    commit_pages(fixture, &file, NULL, 0);
    assert_int_equal(fixture_recover(fixture).commits, 1);
    assert_string_equal(content(fixture, "a"), "xxxx");
}

static void a_failed_release_keeps_the_space(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    struct journal_chunk chunk = commit_pages(fixture, &file, &page, 1);
    fixture->faulty.flushes_left = 0;
    assert_int_equal(journal_release(fixture->journal, point(fixture).head, point(fixture).next_number), -EIO);
    assert_int_equal(journal_used(fixture->journal), chunk.length);
    assert_int_equal(journal_release(fixture->journal, point(fixture).head, point(fixture).next_number), 0);
    assert_int_equal(journal_used(fixture->journal), 0);
    assert_int_equal(journal_release(fixture->journal, point(fixture).head + PAGE, 99), -EINVAL);
}

static void a_commit_stays_with_what_was_written_ahead_for_it(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture, SMALL_JOURNAL);
    make_file(fixture, "a", 4, 'x');
    make_file(fixture, "b", 4, 'y');
    struct journal_file file = entry_of(fixture, "a"), other = entry_of(fixture, "b");
    struct journal_page page = data_page(0, 'A');
    struct journal_chunk first = commit_pages(fixture, &other, &page, 1);
    file.stream = 1;
    struct journal_chunk ahead = write_pages(fixture, JOURNAL_CHUNK_DATA, &file, &page, 1);
    struct journal_chunk between = commit_pages(fixture, &other, &page, 1);
    struct journal_chunk commit = commit_pages(fixture, &file, NULL, 0);

    assert_int_equal(journal_release(fixture->journal, between.position, between.number), 0);
    assert_int_equal(point(fixture).tail, ahead.position);
    assert_int_equal(journal_release(fixture->journal, commit.position, commit.number), 0);
    assert_int_equal(point(fixture).tail, ahead.position);
    assert_true(ahead.position > first.position);
    struct journal_chunk last = commit_pages(fixture, &other, &page, 1);
    assert_int_equal(journal_release(fixture->journal, last.position, last.number), 0);
    assert_int_equal(point(fixture).tail, last.position);
    assert_int_equal(fixture_recover(fixture).commits, 1);
}

static void the_part_of_a_dead_process_is_given_back_as_a_whole(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    struct journal_chunk first = commit_pages(fixture, &file, &page, 1);
    struct journal_chunk second = commit_pages(fixture, &file, &page, 1);
    fixture_close(fixture);
    fixture_open(fixture, SMALL_JOURNAL);
    assert_int_equal(journal_release(fixture->journal, second.position, second.number), 0);
    assert_int_equal(point(fixture).tail, first.position);
    struct journal_chunk third = commit_pages(fixture, &file, &page, 1);
    assert_int_equal(journal_release(fixture->journal, third.position, third.number), 0);
    assert_int_equal(point(fixture).tail, third.position);
}

static void the_next_process_goes_on_at_the_head(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    commit_pages(fixture, &file, &page, 1);
    struct journal_point before = point(fixture);
    uint32_t epoch = journal_epoch(fixture->journal);
    page = data_page(1, 'B');
    file.stream = 1;
    write_pages(fixture, JOURNAL_CHUNK_DATA, &file, &page, 1);

    fixture_close(fixture); /* killed */
    fixture_open(fixture, SMALL_JOURNAL);
    assert_true(journal_epoch(fixture->journal) > epoch);
    assert_int_equal(point(fixture).head, before.head);
    page = data_page(2, 'C');
    struct journal_chunk chunk = commit_pages(fixture, &file, &page, 1);
    assert_int_equal(chunk.position, before.head);
    assert_int_equal(chunk.sequence, before.sequence + 1);
    fixture_recover(fixture);
    assert_string_equal(content(fixture, "a"), "AxCx");
}

#define WRITERS 4
#define ROUNDS 40

struct writer {
    struct fixture *fixture;
    struct journal_file file;
    int number;
    pthread_t thread;
};

static void *write_ahead(void *argument)
{
    struct writer *writer = argument;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        struct journal_page page = data_page(i, (char)('A' + writer->number));
        struct journal_chunk chunk = {
            .type = JOURNAL_CHUNK_DATA, .files = &writer->file, .file_count = 1, .pages = &page, .page_count = 1};
        if (journal_reserve(writer->fixture->journal, &chunk) != 0 || journal_write(writer->fixture->journal, &chunk) != 0)
            return writer;
    }
    return NULL;
}

/* While some threads write ahead, another one commits; then all that was written ahead is committed. */
static void several_threads_write(void **state)
{
    static const char *const names[WRITERS] = {"a", "b", "c", "d"};
    struct fixture *fixture = *state;
    struct writer writers[WRITERS];
    struct journal_file files[WRITERS];
    fixture_open(fixture, 8 * SMALL_JOURNAL);
    make_file(fixture, "other", 1, 'x');
    for (int i = 0; i < WRITERS; i++) {
        make_file(fixture, names[i], ROUNDS, 'x');
        files[i] = entry_of(fixture, names[i]);
        files[i].stream = (uint64_t)i + 1;
        writers[i] = (struct writer){.fixture = fixture, .file = files[i], .number = i};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_ahead, &writers[i]), 0);
    }
    struct journal_file other = entry_of(fixture, "other");
    struct journal_page page = data_page(0, 'O');
    for (int i = 0; i < 100; i++)
        commit_pages(fixture, &other, &page, 1);
    for (int i = 0; i < WRITERS; i++) {
        void *failed;
        pthread_join(writers[i].thread, &failed);
        assert_null(failed);
    }
    struct journal_chunk chunk = {.type = JOURNAL_CHUNK_COMMIT, .files = files, .file_count = WRITERS};
    assert_int_equal(journal_reserve(fixture->journal, &chunk), 0);
    assert_int_equal(commit_chunk(fixture->journal, &chunk), 0);
    struct recover_report report = fixture_recover(fixture);
    assert_int_equal(report.chunks, WRITERS * ROUNDS + 101);
    for (int i = 0; i < WRITERS; i++) {
        char expected[ROUNDS + 1] = {0};
        memset(expected, 'A' + i, ROUNDS);
        assert_string_equal(content(fixture, names[i]), expected);
    }
}

static void *write_ahead_whatever_happens(void *argument)
{
    struct writer *writer = argument;
    for (uint64_t i = 0; i < 10 * ROUNDS; i++) {
        struct journal_page page = data_page(i % ROUNDS, (char)('A' + writer->number));
        struct journal_chunk chunk = {
            .type = JOURNAL_CHUNK_DATA, .files = &writer->file, .file_count = 1, .pages = &page, .page_count = 1};
        if (journal_reserve(writer->fixture->journal, &chunk) == 0)
            journal_write(writer->fixture->journal, &chunk);
    }
    return NULL;
}

/* Writes and flushes fail now and then under several threads: a commit that succeeds in the end is there, and nobody waits for
 * ever. */
static void several_threads_and_failures(void **state)
{
    struct fixture *fixture = *state;
    struct writer writers[WRITERS];
    fixture_open(fixture, 16 * SMALL_JOURNAL);
    make_file(fixture, "a", ROUNDS, 'x');
    make_file(fixture, "b", 1, 'x');
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.fixture = fixture, .file = entry_of(fixture, "a"), .number = i};
        writers[i].file.stream = (uint64_t)i + 1;
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_ahead_whatever_happens, &writers[i]), 0);
    }
    struct journal_file file = entry_of(fixture, "b");
    uint64_t last = 0;
    for (int i = 0; i < 100; i++) {
        struct journal_page page = data_page(0, (char)('A' + i % 26));
        struct journal_chunk chunk = {
            .type = JOURNAL_CHUNK_COMMIT, .files = &file, .file_count = 1, .pages = &page, .page_count = 1};
        int result;
        if (i % 5 == 0)
            fixture->faulty.writes_left = 3;
        if (i % 7 == 0)
            fixture->faulty.flushes_left = 0;
        do {
            if (journal_used(fixture->journal) > journal_size(fixture->journal) / 2)
                journal_release(fixture->journal, point(fixture).head, point(fixture).next_number);
            result = journal_reserve(fixture->journal, &chunk);
            if (result == 0)
                result = commit_chunk(fixture->journal, &chunk);
        } while (result == -EIO || result == -ECANCELED);
        assert_int_equal(result, 0);
        assert_true(chunk.sequence > last);
        last = chunk.sequence;
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    fixture->faulty.writes_left = -1;
    fixture->faulty.flushes_left = -1;
    assert_int_equal(fixture_recover(fixture).sequence, last);
    assert_string_equal(content(fixture, "b"), "V");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_commit_is_published),
        CASE(reserved_is_not_published),
        CASE(a_full_journal_says_so),
        CASE(what_never_fits_says_so),
        CASE(the_log_goes_around_and_is_read),
        CASE(a_failed_write_undoes_the_commit),
        CASE(a_failed_flush_undoes_the_commit),
        CASE(without_a_fence_there_is_no_next_commit),
        CASE(a_failed_write_ahead_fails_the_commit_behind_it),
        CASE(a_place_is_lost_by_a_rollback),
        CASE(pages_of_an_older_epoch_are_not_in_the_commit),
        CASE(a_failed_release_keeps_the_space),
        CASE(a_commit_stays_with_what_was_written_ahead_for_it),
        CASE(the_part_of_a_dead_process_is_given_back_as_a_whole),
        CASE(the_next_process_goes_on_at_the_head),
        CASE(several_threads_write),
        CASE(several_threads_and_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
