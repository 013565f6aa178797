/* Records of the arena are damaged between deaths of the worker: what belongs to a damaged one is refused and says so, the others know
 * nothing of it, and no file of the store gets what is not its own. */
#include "config.h"

#include "fsd-damage.h"

#include <errno.h>

#include "cache/damage.h"
#include "cache/place.h"
#include "file/flusher.h"
#include "file/verify.h"

static uint32_t frame_of(struct house *house, uint32_t file, uint64_t page)
{
    for (uint32_t i = 1; i <= house->arena.header->frame_max; i++) {
        if (house->arena.frames[i].file == file && house->arena.frames[i].page == page)
            return i;
    }
    fail();
    return 0;
}

/* ---- one record ---- */

/* Two files: page 0 is as it was, 1 committed, 2 received. */
static void make_two(struct house *house, uint32_t *a, uint32_t *b)
{
    *a = make_file(house, "a", 4, 'a');
    *b = make_file(house, "b", 4, 'b');
    put_page(house, *a, 1, 'A');
    put_page(house, *b, 1, 'B');
    assert_int_equal(commit_file(house, *a), 0);
    assert_int_equal(commit_file(house, *b), 0);
    put_page(house, *a, 2, '1');
    put_page(house, *b, 2, '2');
}

static void check_two(struct house *house, uint32_t a, uint32_t b)
{
    house_replace_worker(house);
    for (int death = 0; death < 2; death++) {
        assert_refused(house, a);
        assert_string_equal(seen(house, b, 0, 4), "bB2b");
        house_replace_worker(house);
    }
    assert_int_equal(commit_file(house, b), 0);
    assert_int_equal(flush_all(house->files), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "aaaa");
    assert_string_equal(stored(house, "b"), "bB2b");
    assert_int_equal(frame_free_count(house->files->frames), 1024);
    house_recover(house);
    assert_string_equal(stored(house, "a"), "aAaa");
    assert_string_equal(stored(house, "b"), "bB2b");
}

static void a_page_said_to_be_anothers(struct house *house, uint32_t a, uint32_t b)
{
    house->arena.frames[frame_of(house, a, 1)].file = b;
}

static void a_page_said_to_be_free(struct house *house, uint32_t a, uint32_t b)
{
    (void)b;
    house->arena.frames[frame_of(house, a, 1)].file = 0;
}

static void a_page_of_no_file(struct house *house, uint32_t a, uint32_t b)
{
    (void)b;
    house->arena.frames[frame_of(house, a, 2)].file = UINT32_MAX;
}

static void a_page_elsewhere(struct house *house, uint32_t a, uint32_t b)
{
    (void)b;
    house->arena.frames[frame_of(house, a, 2)].page = UINT64_MAX;
}

static void an_older_page(struct house *house, uint32_t a, uint32_t b)
{
    (void)b;
    house->arena.frames[frame_of(house, a, 1)].version--;
}

static void a_page_said_to_be_hidden(struct house *house, uint32_t a, uint32_t b)
{
    (void)b;
    house->arena.frames[frame_of(house, a, 1)].flags ^= 1;
}

static void a_page_said_to_be_committed(struct house *house, uint32_t a, uint32_t b)
{
    (void)b;
    house->arena.frames[frame_of(house, a, 2)].position = house->arena.files[a].published & ~POSITION_FREE;
}

static void a_commit_elsewhere(struct house *house, uint32_t a, uint32_t b)
{
    (void)b;
    for (int i = 0; i < 2; i++)
        house->arena.files[a].commits[i].position ^= 1 << 13;
}

static void a_size_beyond_all(struct house *house, uint32_t a, uint32_t b)
{
    (void)b;
    house->arena.files[a].current.size = UINT64_MAX;
}

static void a_file_of_anothers_inode(struct house *house, uint32_t a, uint32_t b)
{
    house->arena.files[a].inode = inode_of(house, b);
}

static void a_file_said_to_be_free(struct house *house, uint32_t a, uint32_t b)
{
    (void)b;
    house->arena.files[a].inode = 0;
}

static void an_inode_of_anothers_file(struct house *house, uint32_t a, uint32_t b)
{
    truth_of(house, inode_of(house, a))->file = b;
}

static void an_inode_without_its_file(struct house *house, uint32_t a, uint32_t b)
{
    (void)b;
    truth_of(house, inode_of(house, a))->file = 0;
}

static void an_inode_said_to_be_free(struct house *house, uint32_t a, uint32_t b)
{
    (void)b;
    truth_of(house, inode_of(house, a))->number = 0;
}

static void an_inode_with_anothers_number(struct house *house, uint32_t a, uint32_t b)
{
    truth_of(house, inode_of(house, a))->number = truth_of(house, inode_of(house, b))->number;
}

static void an_inode_with_a_long_handle(struct house *house, uint32_t a, uint32_t b)
{
    (void)b;
    truth_of(house, inode_of(house, a))->handle_length += 1 << 24;
}

static void an_inode_said_to_have_no_name(struct house *house, uint32_t a, uint32_t b)
{
    (void)b;
    truth_of(house, inode_of(house, a))->flags ^= INODE_UNLINKED & 0xffff;
}

static void (*const damages[])(struct house *, uint32_t, uint32_t) = {
    a_page_said_to_be_anothers,
    a_page_said_to_be_free,
    a_page_of_no_file,
    a_page_elsewhere,
    an_older_page,
    a_page_said_to_be_hidden,
    a_page_said_to_be_committed,
    a_commit_elsewhere,
    a_size_beyond_all,
    a_file_of_anothers_inode,
    a_file_said_to_be_free,
    an_inode_of_anothers_file,
    an_inode_without_its_file,
    an_inode_said_to_be_free,
    an_inode_with_anothers_number,
    an_inode_with_a_long_handle,
    an_inode_said_to_have_no_name,
};

static void contain(size_t number, bool verify)
{
    struct house *house = house_open(1024, 0, 2 * MIB);
    struct mapshare_abi_verify report = {0};
    uint32_t a, b;

    print_message("damage %zu\n", number);
    make_two(house, &a, &b);
    damages[number](house, a, b);
    if (verify) {
        uint64_t damaged = 0;

        verify_inodes(house->files, &report);
        verify_files(house->files, &report);
        for (int kind = 0; kind < MAPSHARE_ABI_RECORDS; kind++)
            damaged += report.damaged[kind];
        assert_true(damaged > 0);
        assert_refused(house, a);
        assert_string_equal(seen(house, b, 0, 4), "bB2b");
    }
    check_two(house, a, b);
    house_close(house);
}

static void each_damage_is_contained(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++)
        contain(i, false);
}

static void each_damage_is_found_while_serving(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++)
        contain(i, true);
}

/* Looked up again, it is the same record, and says the same. */
static void a_damaged_inode_is_found_again(void **state)
{
    struct house *house = *state;
    uint32_t a, b, slot;

    make_two(house, &a, &b);
    slot = inode_of(house, a);
    truth_of(house, slot)->number ^= 0x5500;
    house_replace_worker(house);
    assert_int_equal(look_up_in_root(house, "a"), slot);
    assert_int_equal(truth_of(house, slot)->file, a);
    assert_refused(house, a);
}

static void a_handle_of_anothers(void **state)
{
    struct house *house = *state;
    uint32_t a, b, damaged, whole;

    make_two(house, &a, &b);
    damaged = make_handle(house, a);
    whole = make_handle(house, b);
    house->arena.handles[damaged].inode = inode_of(house, b);
    house_replace_worker(house);
    assert_refused(house, a);
    assert_int_equal(house->arena.handles[damaged].inode, 0);
    assert_int_equal(house->arena.handles[whole].inode, inode_of(house, b));
    assert_int_equal(house->files->index[b].opens.writers, 1);
    house->arena.handles[whole].inode = UINT32_MAX;
    house_replace_worker(house);
    assert_int_equal(house->arena.handles[whole].inode, 0);
    assert_refused(house, b);
}

/* The journal's room is for all: a damaged file's commits do not keep it. */
static void others_get_the_journals_room(void **state)
{
    struct house *house = *state;
    uint32_t a, b;

    make_two(house, &a, &b);
    house->arena.frames[frame_of(house, a, 1)].page ^= 1;
    house_replace_worker(house);
    for (int i = 0; i < 2000; i++) {
        put_page(house, b, i % 4, 'A' + i % 26);
        assert_int_equal(commit_file(house, b), 0);
        if (checkpoint_is_due(house->files))
            damage_give_up(house->files);
        if (i % 50 == 49)
            assert_int_equal(checkpoint_all(house->files), 0);
    }
    assert_refused(house, a);
    assert_true(house->arena.files[a].flags & FILE_GIVEN_UP);
    house_replace_worker(house);
    assert_refused(house, a);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "aaaa");
}

/* Of one that nothing was committed of the journal needs to keep nothing. */
static void a_new_file_holds_no_tail(void **state)
{
    struct house *house = *state;
    uint32_t a, b;

    make_two(house, &a, &b);
    house_replace_worker(house);
    assert_int_equal(flush_all(house->files), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    a = make_file(house, "new", 1, 'n');
    damage_found(house->files, a, "its test");
    for (int i = 0; i < 3; i++) {
        put_page(house, b, 0, 'C' + i);
        assert_int_equal(commit_file(house, b), 0);
        assert_int_equal(checkpoint_all(house->files), 0);
    }
    assert_int_equal(journal_used(house->worker->journal), 0);
}

/* What nobody needs any more is no trouble: its record ends. */
static void a_damaged_file_is_removed(void **state)
{
    struct house *house = *state;
    uint32_t a, b, slot;

    make_two(house, &a, &b);
    slot = inode_of(house, a);
    house->arena.frames[frame_of(house, a, 1)].page ^= 1;
    house_replace_worker(house);
    assert_return_code(unlinkat(house->root, "a", 0), errno);
    atomic_fetch_or(&truth_of(house, slot)->flags, INODE_UNLINKED);
    inode_hold(table_of(house), slot);
    forget(house, slot);
    file_drop(house->files, a);
    inode_put(table_of(house), slot);
    assert_int_equal(truth_of(house, slot)->number, 0);
    assert_int_equal(house->arena.files[a].inode, 0);
    assert_int_equal(flush_all(house->files), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_int_equal(journal_used(house->worker->journal), 0);
}

/* Folders that lie in each other lead nowhere, and nobody walks them for ever. */
static void folders_in_a_circle(void **state)
{
    struct house *house = *state;
    uint32_t slots[3];
    char path[4096];

    for (int i = 0; i < 3; i++) {
        const char name[] = {"xyz"[i], 0};

        assert_return_code(mkdirat(house->root, name, 0700), errno);
        slots[i] = look_up_in_root(house, name);
    }
    for (int i = 0; i < 3; i++)
        truth_of(house, slots[i])->place = (uint64_t)slots[(i + 1) % 3] << 32 | (uint32_t)truth_of(house, slots[i])->place;
    house_replace_worker(house);
    for (int i = 0; i < 3; i++)
        assert_false(inode_path(table_of(house), slots[i], path));
    assert_int_equal(look_up_in_root(house, "y"), slots[1]);
    assert_true(inode_path(table_of(house), slots[1], path));
    assert_string_equal(path, "y");
}

static void a_name_that_leads_out(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 1, 'a'), slot = inode_of(house, file), cell = truth_of(house, slot)->place;

    strcpy(house->arena.names[cell].text, "../a");
    house_replace_worker(house);
    assert_int_equal(truth_of(house, slot)->place, 0);
    assert_int_equal(look_up_in_root(house, "a"), slot);
    cell = truth_of(house, slot)->place;
    house->arena.names[cell].next = cell;
    house_replace_worker(house);
    assert_int_equal(truth_of(house, slot)->place, 0);
}

static void the_header_is_checked(void **state)
{
    struct house *house = *state;
    struct arena_header *header = house->arena.header;
    uint32_t *const constants[] = {&header->layout,    &header->inode_max,  &header->file_max, &header->frame_max,
                                   &header->spill_max, &header->handle_max, &header->name_max, &header->area_max};

    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
        *constants[i] ^= 1u << 3 * i;
        assert_non_null(arena_damage(&house->arena));
        *constants[i] ^= 1u << 3 * i;
    }
    header->size_max++;
    assert_non_null(arena_damage(&house->arena));
    header->size_max--;
    assert_null(arena_damage(&house->arena));
    header->inode_used = header->inode_max + 1;
    assert_non_null(arena_damage(&house->arena));
    header->inode_used = 2;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_damage_is_contained),
        cmocka_unit_test(each_damage_is_found_while_serving),
        TEST(a_damaged_inode_is_found_again),
        TEST(a_handle_of_anothers),
        TEST(others_get_the_journals_room),
        TEST(a_new_file_holds_no_tail),
        TEST(a_damaged_file_is_removed),
        TEST(folders_in_a_circle),
        TEST(a_name_that_leads_out),
        TEST(the_header_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
