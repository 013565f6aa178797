/* Records of the arena are damaged between deaths of the worker: what belongs to a damaged one is refused and says so, the others know
 * nothing of it, and no file of the store gets what is not its own. */
#include "config.h"

#include "fsd-inodes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cache/damage.h"
#include "cache/place.h"
#include "cache/seal.h"
#include "file/damage.h"
#include "file/flusher.h"
#include "file/verify.h"
#include "journal/recover.h"

#define FILES 6
#define PAGES 8
#define ROUNDS 150

static bool has_error(struct house *house, uint32_t file)
{
    return house->arena.files[file].error == EUCLEAN && commit_file(house, file) == -EUCLEAN;
}

/* Nothing of it is read, written or changed. */
static void assert_refused(struct house *house, uint32_t file)
{
    struct received data = {.rest = (const unsigned char *)"x"};
    char byte;

    assert_true(has_error(house, file));
    assert_int_equal(file_read(house->files, inode_of(house, file), file, &byte, 1, 0), -EUCLEAN);
    assert_int_equal(file_write(house->files, file, &data, 1, 0, WRITE_PLAIN), -EUCLEAN);
    assert_int_equal(file_write(house->files, file, &data, 1, 0, WRITE_MAPPED), -EUCLEAN);
    assert_int_equal(file_truncate(house->files, file, 0), -EUCLEAN);
    assert_int_equal(file_allocate(house->files, file, 0, 0, 1), -EUCLEAN);
    assert_int_equal(file_seek(house->files, inode_of(house, file), file, 0, SEEK_DATA), -EUCLEAN);
}

/* As at a mount after a crash. */
static void recover(struct house *house)
{
    struct recover_report report;
    struct store *store;

    assert_int_equal(store_open_serial(&store), 0);
    assert_int_equal(journal_recover(store, house->root, false, NULL, &report), 0);
    store_close(store);
}

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
    recover(house);
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

static uint32_t make_handle(struct house *house, uint32_t file)
{
    uint32_t number = ++house->arena.header->handle_used;
    struct handle *handle = &house->arena.handles[number];

    *handle = (struct handle){.generation = 7, .flags = O_RDWR, .unique = 1000 + number, .user = 5};
    handle->inode = inode_of(house, file);
    handle->seal = handle_seal(handle, handle->inode);
    return number;
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

/* ---- any bytes ---- */

/* A file's letters: what its store had, what was committed, what was received. */
static const char letters[3][FILES + 1] = {"abcdef", "ABCDEF", "123456"};

struct model {
    struct house *house;
    uint32_t files[FILES], handles[FILES];
    char now[FILES][PAGES + 1];
    bool hit[FILES];    /* one of its records was */
    bool sealed[FILES]; /* in one byte, which a long seal tells of */
    bool known[FILES];  /* and that was noticed */
};

static unsigned draw(unsigned below)
{
    return (unsigned)random() % below;
}

static void name_of(int i, char name[2])
{
    name[0] = letters[0][i];
    name[1] = 0;
}

static void store_page(struct model *model, int i, int generation)
{
    unsigned page = draw(PAGES);

    put_page(model->house, model->files[i], page, letters[generation][i]);
    model->now[i][page] = letters[generation][i];
}

static void begin(struct model *model)
{
    *model = (struct model){.house = house_open(1024, 0, 2 * MIB)};
    for (int i = 0; i < FILES; i++) {
        char name[2];

        name_of(i, name);
        model->files[i] = make_file(model->house, name, PAGES, name[0]);
        memset(model->now[i], name[0], PAGES);
        if (i % 2)
            file_set_atomic(model->house->files, model->files[i], true);
        model->handles[i] = make_handle(model->house, model->files[i]);
    }
}

/* Something of each state. */
static void work(struct model *model)
{
    for (int i = 0; i < FILES; i++) {
        if (model->hit[i])
            continue;
        for (unsigned n = draw(4); n; n--)
            store_page(model, i, 1);
        if (draw(2))
            assert_int_equal(commit_file(model->house, model->files[i]), 0);
        if (draw(8) == 0)
            checkpoint_all(model->house->files);
        for (unsigned n = draw(4); n; n--)
            store_page(model, i, 2);
    }
}

static void hit_file(struct model *model, uint32_t file, bool sealed)
{
    for (int i = 0; i < FILES; i++) {
        model->hit[i] |= file && model->files[i] == file;
        model->sealed[i] |= file && model->files[i] == file && sealed;
    }
}

static void hit_inode(struct model *model, uint32_t inode)
{
    for (int i = 0; i < FILES; i++)
        model->hit[i] |= inode_of(model->house, model->files[i]) == inode;
}

/* A few bytes of one record. */
static void damage(struct model *model)
{
    const struct arena *arena = &model->house->arena;
    unsigned i = draw(FILES), record, size = 0, count = 1 + (draw(4) == 0) * draw(8), at = UINT32_MAX;
    unsigned char *bytes = NULL;

    switch (draw(5)) {
    case 0:
        record = inode_of(model->house, model->files[i]);
        bytes = (unsigned char *)&arena->inodes[record], size = sizeof arena->inodes[0];
        hit_inode(model, record);
        break;
    case 1:
        bytes = (unsigned char *)&arena->files[model->files[i]], size = sizeof arena->files[0];
        hit_file(model, model->files[i], false);
        break;
    case 2:
    case 3: /* in use, or not */
        record = 1 + draw(64);
        bytes = (unsigned char *)&arena->frames[record], size = sizeof arena->frames[0];
        at = draw(size);
        hit_file(model, arena->frames[record].file, count == 1 && at < offsetof(struct frame, position));
        break;
    case 4:
        bytes = (unsigned char *)&arena->handles[model->handles[i]], size = sizeof arena->handles[0];
        hit_file(model, model->files[i], false);
    }
    at = at < size ? at : draw(size);
    for (; count-- && at < size; at++)
        bytes[at] ^= 1 + draw(255);
}

/* A file that was not hit is as it was. One that was is refused, or what was damaged cannot be told from sense: a size, a time, a count. */
static void check_seen(struct model *model)
{
    for (int i = 0; i < FILES; i++) {
        const struct file *truth = &model->house->arena.files[model->files[i]];

        if (!model->hit[i]) {
            assert_int_equal(truth->error, 0);
            assert_string_equal(seen(model->house, model->files[i], 0, PAGES), model->now[i]);
        } else if (truth->inode && file_is_damaged(truth)) {
            model->known[i] = true;
            assert_refused(model->house, model->files[i]);
        } else {
            assert_false(model->known[i] || model->sealed[i]);
        }
    }
}

static void check_stored(struct model *model)
{
    for (int i = 0; i < FILES; i++) {
        const char own[] = {letters[0][i], letters[1][i], letters[2][i], '.', 0};
        const char *pages;
        char name[2];

        name_of(i, name);
        pages = stored(model->house, name);
        if (!model->hit[i])
            assert_string_equal(pages, model->now[i]);
        else
            assert_int_equal(strspn(pages, own), strlen(pages));
    }
}

/* As at unmount; what was hit may fail, and is tried again and again. */
static void finish(struct model *model)
{
    for (int i = 0; i < FILES; i++) {
        if (!model->hit[i])
            assert_int_equal(commit_file(model->house, model->files[i]), 0);
    }
    flush_all(model->house->files);
    for (int i = 0; i < FILES; i++)
        checkpoint_all(model->house->files);
}

static void any_bytes(void **state)
{
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL), first = seed, hit = 0, known = 0;

    (void)state;
    print_message("seed: SEED=%u\n", seed);
    for (; seed < first + (given ? 1 : ROUNDS); seed++) {
        struct model model;

        print_message("SEED=%u\n", seed);
        srandom(seed);
        begin(&model);
        for (int death = 0; death < 4; death++) {
            work(&model);
            damage(&model);
            house_replace_worker(model.house);
            check_seen(&model);
        }
        finish(&model);
        check_stored(&model);
        for (int i = 0; i < FILES; i++)
            hit += model.hit[i], known += model.known[i];
        house_close(model.house);
    }
    print_message("%u files were hit, %u of them noticed\n", hit, known);
    assert_true(known > hit / 2 || given);
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
        TEST(a_damaged_file_is_removed),
        TEST(folders_in_a_circle),
        TEST(a_name_that_leads_out),
        TEST(the_header_is_checked),
        cmocka_unit_test(any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
