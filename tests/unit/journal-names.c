/* A change of names is in the log before it is made: without a flush, and whatever happens to the chunks around it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "journal-support.h"

static const struct journal_name rename_it = {.change = JOURNAL_RENAME, .old_path = "a", .new_path = "folder/b"};

static void change(struct fixture *fixture, const struct journal_name *name)
{
    assert_int_equal(journal_change_begin(fixture->journal, name), 0);
    journal_change_end(fixture->journal, true);
}

static int list(void *context, const struct journal_visit *entry)
{
    static const char letters[] = "?rpxluoUD";
    char *text = context;
    const struct journal_chunk *chunk = entry->chunk;
    char letter = chunk->type == JOURNAL_CHUNK_COMMIT ? 'C'
                  : chunk->type == JOURNAL_CHUNK_DATA ? 'D'
                                                      : letters[chunk->names->change];
    text[strlen(text)] = letter;
    return 0;
}

/* The log as a string: C commit, D data, r rename and so on in the order of their numbers, U undone, D doubted. */
static const char *listed(struct fixture *fixture)
{
    static char text[4096];
    struct recover_report report;
    memset(text, 0, sizeof(text));
    assert_int_equal(journal_walk(fixture->root, list, text, &report), 0);
    return text;
}

static struct journal_file start(struct fixture *fixture)
{
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    commit_pages(fixture, &file, &page, 1);
    return file;
}

static void (*meanwhile)(void);
static unsigned syncs;

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
    void (*play)(void) = meanwhile;
    meanwhile = NULL;
    if (play != NULL)
        play();
    syncs++;
    return __real_fsync(fd);
}

/* The process dies and the next one goes on. */
static void take_over(struct fixture *fixture)
{
    fixture_close(fixture);
    fixture_open(fixture, SMALL_JOURNAL);
}

static void without_commits_nothing_is_written(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture, SMALL_JOURNAL);
    change(fixture, &rename_it);
    assert_int_equal(journal_used(fixture->journal), 0);
}

/* Stops at the first change, which is the one expected. */
static int check_rename(void *context, const struct journal_visit *entry)
{
    (void)context;
    if (entry->chunk->type != JOURNAL_CHUNK_NAMES)
        return 0;
    assert_int_equal(entry->chunk->name_count, 1);
    assert_int_equal(entry->chunk->names->change, JOURNAL_RENAME);
    assert_string_equal(entry->chunk->names->old_path, "a");
    assert_string_equal(entry->chunk->names->new_path, "folder/b");
    return 1;
}

static void it_all_comes_back(void **state)
{
    struct fixture *fixture = *state;
    struct recover_report report;
    start(fixture);
    change(fixture, &rename_it);
    assert_int_equal(journal_walk(fixture->root, check_rename, NULL, &report), 1);
}

static void it_is_not_flushed(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    fixture->faulty.flushes_left = 0;
    int result = journal_change_begin(fixture->journal, &rename_it);
    fixture->faulty.flushes_left = -1;
    if (result < 0)
        skip(); /* no O_DIRECT here: then it is */
    journal_change_end(fixture->journal, true);
    assert_string_equal(listed(fixture), "Cr");
}

static void it_outlives_the_process(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = start(fixture);
    struct journal_page page = data_page(1, 'B');
    change(fixture, &rename_it);
    take_over(fixture);
    commit_pages(fixture, &file, &page, 1);
    assert_string_equal(listed(fixture), "CrC");
    assert_string_equal((fixture_recover(fixture), content(fixture, "a")), "ABxx");
}

static void it_outlives_a_rollback(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = start(fixture);
    struct journal_page page = data_page(1, 'B');
    file.stream = 7;
    write_pages(fixture, JOURNAL_CHUNK_DATA, &file, &page, 1);
    change(fixture, &rename_it);
    journal_rollback(fixture->journal);
    assert_string_equal(listed(fixture), "CDr");
    commit_pages(fixture, &file, NULL, 0);
    assert_string_equal((fixture_recover(fixture), content(fixture, "a")), "Axxx"); /* the stream was rolled back */
}

/* Where a commit was that failed, nothing is committed. */
static void it_publishes_no_commit(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = start(fixture);
    struct journal_page page = data_page(1, 'B');
    struct journal_chunk chunk = {.type = JOURNAL_CHUNK_COMMIT, .files = &file, .file_count = 1, .pages = &page, .page_count = 1};
    assert_int_equal(journal_reserve(fixture->journal, &chunk), 0);
    fixture->faulty.flushes_left = 0;
    assert_int_equal(commit_chunk(fixture->journal, &chunk), -EIO);
    change(fixture, &rename_it);
    assert_false(journal_published(&fixture->state, chunk.position));
    assert_int_equal(journal_sequence(fixture->journal), 1);
    commit_pages(fixture, &file, NULL, 0);
    assert_true(journal_published(&fixture->state, chunk.position));
    assert_string_equal((fixture_recover(fixture), content(fixture, "a")), "Axxx");
}

static void what_was_not_made_is_undone(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    assert_int_equal(journal_change_begin(fixture->journal, &rename_it), 0);
    journal_change_end(fixture->journal, false);
    assert_string_equal(listed(fixture), "CrU");
    change(fixture, &rename_it);
    assert_string_equal(listed(fixture), "CrUr");
}

/* Nobody knows whether a worker that died over a change has made it. The request will come again; what is committed before does not say
 * that it was. */
static void what_a_death_left_open_is_doubted_before_the_next_commit(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = start(fixture);
    assert_int_equal(journal_change_begin(fixture->journal, &rename_it), 0);
    fixture_close(fixture);
    fixture_open(fixture, SMALL_JOURNAL);
    assert_string_equal(listed(fixture), "Cr");
    commit_pages(fixture, &file, NULL, 0);
    assert_string_equal(listed(fixture), "CrDC");
    take_over(fixture);
    commit_pages(fixture, &file, NULL, 0);
    assert_string_equal(listed(fixture), "CrDCC");
}

/* The undoing fails once; it comes before the next commit all the same. */
static void undoing_is_not_forgotten(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = start(fixture);
    assert_int_equal(journal_change_begin(fixture->journal, &rename_it), 0);
    fixture_close(fixture);
    fixture_open(fixture, SMALL_JOURNAL);
    struct journal_chunk chunk = {.type = JOURNAL_CHUNK_COMMIT, .files = &file, .file_count = 1};
    fixture->faulty.all_fail = true;
    assert_int_equal(journal_reserve(fixture->journal, &chunk), -EIO);
    fixture->faulty.all_fail = false;
    commit_pages(fixture, &file, NULL, 0);
    assert_string_equal(listed(fixture), "CrDC");
}

static void a_write_that_fails_once_is_made_again(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    fixture->faulty.writes_left = 0;
    change(fixture, &rename_it);
    assert_string_equal(listed(fixture), "Cr");
}

static void on_a_dead_disk_it_does_not_begin(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    fixture->faulty.all_fail = true;
    assert_int_equal(journal_change_begin(fixture->journal, &rename_it), -EIO);
    fixture->faulty.all_fail = false;
    change(fixture, &rename_it);
    assert_string_equal(listed(fixture), "Cr");
}

static void there_is_room_when_commits_have_none(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = start(fixture);
    struct journal_chunk chunk = {.type = JOURNAL_CHUNK_COMMIT, .files = &file, .file_count = 1};
    int result, count = 0;
    while ((result = journal_reserve(fixture->journal, &chunk)) == 0)
        assert_int_equal(commit_chunk(fixture->journal, &chunk), 0);
    assert_int_equal(result, -ENOSPC);
    while ((result = journal_change_begin(fixture->journal, &rename_it)) == 0) {
        journal_change_end(fixture->journal, true);
        count++;
    }
    assert_int_equal(result, -ENOSPC);
    assert_true(count >= 2);
}

static void after_the_last_commit_it_is_not_kept(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    const struct journal_point *point = &fixture->state.points[fixture->state.current & 1];
    uint64_t position = point->head, number = point->next_number;
    change(fixture, &rename_it);
    assert_true(journal_used(fixture->journal) > 0);
    assert_int_equal(journal_release(fixture->journal, position, number), 0);
    assert_int_equal(journal_used(fixture->journal), 0);
    change(fixture, &rename_it);
    assert_int_equal(journal_used(fixture->journal), 0);
    assert_string_equal(listed(fixture), "");
}

static void an_open_stream_before_it_is_kept(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = start(fixture);
    const struct journal_point *point = &fixture->state.points[fixture->state.current & 1];
    uint64_t position = point->head, number = point->next_number;
    struct journal_page page = data_page(1, 'B');
    file.stream = 7;
    write_pages(fixture, JOURNAL_CHUNK_DATA, &file, &page, 1);
    change(fixture, &rename_it);
    assert_int_equal(journal_release(fixture->journal, position, number), 0);
    commit_pages(fixture, &file, NULL, 0);
    assert_string_equal(listed(fixture), "DrC");
    assert_string_equal((fixture_recover(fixture), content(fixture, "a")), "xBxx");
}

static void a_seal_passes_it(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    const struct journal_point *point = &fixture->state.points[fixture->state.current & 1];
    uint64_t position = point->head, number = point->next_number;
    assert_int_equal(journal_change_begin(fixture->journal, &rename_it), 0);
    assert_int_equal(journal_release(fixture->journal, position, number), 0); /* while the change is made */
    journal_change_end(fixture->journal, false);
    journal_seal(fixture->journal);
    fixture_close(fixture);
    fixture->state = (struct journal_state){0};
    struct superblock superblock;
    int fd;
    assert_int_equal(superblock_open_file(fixture->private_folder, O_RDWR, &fd), 0);
    assert_int_equal(superblock_read(fd, &superblock), 0);
    assert_int_equal(superblock.epoch, 0);
    close(fd);
}

#define ROUNDS 100

static struct fixture *two_of;
static struct journal_chunk two[2];

static void flush_the_first(void)
{
    assert_int_equal(journal_flush(two_of->journal, &two[0]), 0);
    assert_true(syncs > 0); /* its own; the other one's is not done */
}

/* A change that was not recorded is durable before any commit after it is, also where two ask for that at once. */
static void each_of_two_commits_syncs_what_was_not_told(void **state)
{
    struct fixture *fixture = two_of = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page page = data_page(0, 'A');
    change(fixture, &rename_it);
    for (int i = 0; i < 2; i++) {
        two[i] =
            (struct journal_chunk){.type = JOURNAL_CHUNK_COMMIT, .files = &file, .file_count = 1, .pages = &page, .page_count = 1};
        assert_int_equal(journal_reserve(fixture->journal, &two[i]), 0);
    }
    syncs = 0;
    meanwhile = flush_the_first;
    assert_int_equal(journal_flush(fixture->journal, &two[1]), 0);
    assert_int_equal(journal_publish(fixture->journal, &two[0]), 0);
    assert_int_equal(journal_publish(fixture->journal, &two[1]), 0);
}

static void *make_changes(void *context)
{
    for (int i = 0; i < ROUNDS; i++)
        change(context, &rename_it);
    return NULL;
}

static void *write_ahead(void *context)
{
    struct fixture *fixture = context;
    struct journal_file file = {.identity.inode = 1, .stream = 99};
    for (int i = 0; i < ROUNDS; i++) {
        struct journal_page page = data_page(0, 'Z');
        write_pages(fixture, JOURNAL_CHUNK_DATA, &file, &page, 1);
    }
    return NULL;
}

/* Commits, pages written ahead and changes of names, all at once: the log has no holes. */
static void all_at_once(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[2];
    fixture_open(fixture, 8 * SMALL_JOURNAL);
    make_file(fixture, "a", 4, 'x');
    struct journal_file file = entry_of(fixture, "a");
    struct journal_page page = data_page(0, 'A');
    commit_pages(fixture, &file, &page, 1);
    assert_int_equal(pthread_create(&threads[0], NULL, make_changes, fixture), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, write_ahead, fixture), 0);
    for (int i = 1; i < ROUNDS; i++) {
        page = data_page(0, (char)('A' + i % 26));
        journal_paths_begin(fixture->journal);
        struct journal_chunk chunk = {
            .type = JOURNAL_CHUNK_COMMIT, .files = &file, .file_count = 1, .pages = &page, .page_count = 1};
        assert_int_equal(journal_reserve(fixture->journal, &chunk), 0);
        journal_paths_end(fixture->journal);
        assert_int_equal(commit_chunk(fixture->journal, &chunk), 0);
    }
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    struct recover_report report = fixture_recover(fixture);
    assert_int_equal(report.commits, ROUNDS);
    assert_int_equal(report.chunks, 3 * ROUNDS);
    assert_string_equal(content(fixture, "a"), "Vxxx");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(without_commits_nothing_is_written),
        CASE(it_all_comes_back),
        CASE(it_is_not_flushed),
        CASE(it_outlives_the_process),
        CASE(it_outlives_a_rollback),
        CASE(it_publishes_no_commit),
        CASE(what_was_not_made_is_undone),
        CASE(what_a_death_left_open_is_doubted_before_the_next_commit),
        CASE(undoing_is_not_forgotten),
        CASE(a_write_that_fails_once_is_made_again),
        CASE(on_a_dead_disk_it_does_not_begin),
        CASE(there_is_room_when_commits_have_none),
        CASE(after_the_last_commit_it_is_not_kept),
        CASE(an_open_stream_before_it_is_kept),
        CASE(a_seal_passes_it),
        CASE(each_of_two_commits_syncs_what_was_not_told),
        CASE(all_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
