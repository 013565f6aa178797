/* Several machines' daemons, one after the other, have one journal: the older one finds out, and stops. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal-support.h"

static int lost_calls;

static void lost(void)
{
    lost_calls++;
}

static int setup(void **state)
{
    lost_calls = 0;
    return fixture_make(state);
}

static ino_t inode_of(const struct fixture *fixture)
{
    struct stat status;
    assert_int_equal(fstatat(fixture->private_folder, JOURNAL_NAME, &status, 0), 0);
    return status.st_ino;
}

static struct superblock read_superblock(const struct fixture *fixture)
{
    struct superblock superblock;
    int fd;
    assert_int_equal(superblock_open_file(fixture->private_folder, O_RDONLY, &fd), 0);
    assert_int_equal(superblock_read(fd, &superblock), 0);
    close(fd);
    return superblock;
}

/* Opened by a machine of this generation, which has done nothing yet. */
static void open_as(struct fixture *fixture, uint64_t generation)
{
    fixture->generation = generation;
    fixture->state = (struct journal_state){0};
    fixture_open(fixture, SMALL_JOURNAL);
    journal_when_lost(fixture->journal, lost);
}

static struct journal_chunk commit_one(struct fixture *fixture, char letter)
{
    struct journal_file file = entry_of(fixture, "a");
    struct journal_page page = data_page(0, letter);
    return commit_pages(fixture, &file, &page, 1);
}

/* As another machine does, which has the store's lock: recovers, opens, commits. The older one's journal stays open and is returned. */
static struct journal *take_over(struct fixture *fixture, uint64_t generation, struct journal_state *older)
{
    struct recover_report report;
    struct journal *journal = fixture->journal;
    *older = fixture->state; /* the older one's own memory is another machine's */
    fixture->journal = NULL;
    assert_int_equal(fixture_try(fixture, false, &report), 0);
    open_as(fixture, generation);
    return journal;
}

static void a_newer_generation_has_a_journal_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    make_file(fixture, "a", 4, 'x');
    open_as(fixture, 1);
    ino_t first = inode_of(fixture);
    int held = openat(fixture->private_folder, JOURNAL_NAME, O_RDONLY);
    commit_one(fixture, 'A');
    fixture_recover(fixture);
    open_as(fixture, UINT64_C(0x100000007));
    assert_int_not_equal(inode_of(fixture), first);
    assert_int_equal(read_superblock(fixture).generation, UINT64_C(0x100000007));
    assert_int_equal(commit_one(fixture, 'B').sequence, 2); /* it goes on */
    fixture_recover(fixture);
    assert_string_equal(content(fixture, "a"), "Bxxx");
    close(held);
}

static void without_one_or_in_the_same_it_stays(void **state)
{
    struct fixture *fixture = *state;
    open_as(fixture, 3);
    ino_t first = inode_of(fixture);
    fixture_recover(fixture);
    open_as(fixture, 3);
    assert_int_equal(inode_of(fixture), first);
    fixture_recover(fixture);
    open_as(fixture, 0);
    assert_int_equal(inode_of(fixture), first);
    assert_int_equal(journal_generation(fixture->journal), 3);
    fixture_close(fixture);
    fixture->state = (struct journal_state){0};
    fixture_open(fixture, 2 * SMALL_JOURNAL); /* anew, since it has another size */
    assert_int_equal(journal_generation(fixture->journal), 3);
}

static void an_older_one_is_refused(void **state)
{
    struct fixture *fixture = *state;
    open_as(fixture, 3);
    fixture_recover(fixture);
    struct superblock before = read_superblock(fixture);
    fixture->generation = 2;
    fixture->state = (struct journal_state){0};
    assert_int_equal(journal_open(&fixture->journal, fixture->store, fixture->private_folder, SMALL_JOURNAL, 2, &fixture->state),
                     -EPERM);
    fixture->journal = NULL;
    struct superblock after = read_superblock(fixture);
    assert_memory_equal(&after, &before, sizeof(before));
}

/* The older one thaws when the newer one serves. */
static void an_older_one_finds_out(struct fixture *fixture, uint64_t generation)
{
    struct journal_state older;
    make_file(fixture, "a", 4, 'x');
    open_as(fixture, 1);
    struct journal_chunk chunk = commit_one(fixture, 'A');
    struct journal *journal = take_over(fixture, generation, &older);
    commit_one(fixture, 'B');
    struct superblock before = read_superblock(fixture);
    struct journal_state newer = fixture->state;

    fixture->state = older; /* its memory is its own */
    assert_int_equal(journal_release(journal, chunk.position + chunk.length, chunk.number + 1), -ESTALE);
    assert_int_equal(lost_calls, 1);
    journal_seal(journal);
    journal_close(journal);
    struct journal *next;
    assert_int_equal(journal_open(&next, fixture->store, fixture->private_folder, SMALL_JOURNAL, 1, &fixture->state), -ESTALE);

    struct superblock after = read_superblock(fixture);
    assert_memory_equal(&after, &before, sizeof(before));
    fixture->state = newer;
    fixture_recover(fixture);
    assert_string_equal(content(fixture, "a"), "Bxxx");
}

static void an_older_one_finds_a_dead_file(void **state)
{
    an_older_one_finds_out(*state, 2);
}

static void it_finds_another_uuid_in_the_same_file(void **state)
{
    an_older_one_finds_out(*state, 1);
}

static void a_worker_that_died_over_the_seal_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    open_as(fixture, 1);
    journal_seal(fixture->journal);
    fixture_close(fixture);
    fixture_open(fixture, SMALL_JOURNAL); /* with the state */
    assert_int_equal(lost_calls, 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, fixture_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_newer_generation_has_a_journal_of_its_own),
        CASE(without_one_or_in_the_same_it_stays),
        CASE(an_older_one_is_refused),
        CASE(an_older_one_finds_a_dead_file),
        CASE(it_finds_another_uuid_in_the_same_file),
        CASE(a_worker_that_died_over_the_seal_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
