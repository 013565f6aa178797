/* Where inodes are: names and folders, and opening by path. */
#include "config.h"

#include "fsd-inodes.h"

#include <stdio.h>

#define DEPTH 40

/* root/d0/d1/.../d39/file; the folders' slots. */
static uint32_t make_deep(struct house *house, uint32_t slots[DEPTH])
{
    uint32_t parent = INODE_ROOT, slot;
    int folder = dup(house->root), next;
    char name[16];

    for (int i = 0; i < DEPTH; i++) {
        snprintf(name, sizeof name, "d%d", i);
        assert_return_code(mkdirat(folder, name, 0700), errno);
        parent = slots[i] = look_up(house, parent, folder, name);
        next = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_return_code(next, errno);
        close(folder);
        folder = next;
    }
    next = openat(folder, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_return_code(next, errno);
    close(next);
    slot = look_up(house, parent, folder, "file");
    close(folder);
    return slot;
}

static void check_opens(struct house *house, uint32_t slot)
{
    int fd = inode_open(table_of(house), slot);

    assert_return_code(fd, -fd);
    assert_int_equal(number_behind(fd), truth_of(house, slot)->number);
    close(fd);
}

static void deep_paths_are_opened(void **state)
{
    struct house *house = *state;
    uint32_t slots[DEPTH], slot;
    char path[4096], expected[4096] = "";

    table_of(house)->handles = false;
    slot = make_deep(house, slots);
    assert_int_equal(truth_of(house, slot)->handle_length, 0);
    for (int i = 0; i < DEPTH; i++) {
        check_opens(house, slots[i]);
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "d%d/", i);
    }
    check_opens(house, slot);
    strcat(expected, "file");
    assert_true(inode_path(table_of(house), slot, path));
    assert_string_equal(path, expected);
    assert_true(inode_path(table_of(house), slots[0], path));
    assert_string_equal(path, "d0");
}

static void paths_follow_renames(void **state)
{
    struct house *house = *state;
    uint32_t slots[DEPTH], slot;
    char path[4096];

    table_of(house)->handles = false;
    slot = make_deep(house, slots);
    assert_return_code(renameat(house->root, "d0/d1/d2", house->root, "moved"), errno);
    inode_rename(table_of(house), slots[2], INODE_ROOT, "moved");
    check_opens(house, slot);
    assert_true(inode_path(table_of(house), slot, path));
    assert_memory_equal(path, "moved/d3/d4/", 12);
}

static void paths_are_known_to_the_next_worker(void **state)
{
    struct house *house = *state;
    uint32_t slots[DEPTH], slot;
    char path[4096];

    table_of(house)->handles = false;
    slot = make_deep(house, slots);
    house_replace_worker(house);
    table_of(house)->handles = false;
    check_opens(house, slot);
    assert_true(inode_path(table_of(house), slot, path));
    assert_memory_equal(path, "d0/d1/", 6);
    make_empty(house, "new"); /* takes no name that is in use */
    look_up_in_root(house, "new");
    assert_true(inode_path(table_of(house), slots[0], path));
    assert_string_equal(path, "d0");
}

/* Nobody is led out of the store, or to another file, by a link put in a folder's place. */
static void paths_do_not_follow_links(void **state)
{
    struct house *house = *state;
    uint32_t slots[DEPTH], slot;

    table_of(house)->handles = false;
    slot = make_deep(house, slots);
    assert_return_code(renameat(house->root, "d0", house->root, "elsewhere"), errno);
    assert_return_code(symlinkat("elsewhere", house->root, "d0"), errno);
    assert_true(inode_open(table_of(house), slot) < 0);
    assert_true(inode_open(table_of(house), slots[0]) < 0);
}

/* Every file has a path, also where it is found by its handle. */
static void long_names_are_kept(void **state)
{
    struct house *house = *state;
    uint32_t slots[5], lengths[5] = {1, 59, 60, 61, 255};
    char name[256], path[4096];

    for (int i = 0; i < 5; i++) {
        memset(name, 'a' + i, lengths[i]);
        name[lengths[i]] = 0;
        make_empty(house, name);
        slots[i] = look_up_in_root(house, name);
    }
    house_replace_worker(house);
    for (int i = 0; i < 5; i++) {
        memset(name, 'a' + i, lengths[i]);
        name[lengths[i]] = 0;
        assert_true(inode_path(table_of(house), slots[i], path));
        assert_string_equal(path, name);
    }
    name[254] = 'x'; /* the same but for its end */
    inode_unname(table_of(house), slots[4], INODE_ROOT, name);
    assert_true(inode_path(table_of(house), slots[4], path));
    memset(name, 'e', 255);
    inode_unname(table_of(house), slots[4], INODE_ROOT, name);
    assert_false(inode_path(table_of(house), slots[4], path));
}

/* In one line of a bounded length, which ends with the name's end and has whole characters. */
static void messages_name_files(void **state)
{
    struct house *house = *state;
    char text[INODE_TEXT_BYTES], name[256] = "", expected[INODE_TEXT_BYTES];
    uint32_t slot;

    make_empty(house, "two\nlines\x1b");
    slot = look_up_in_root(house, "two\nlines\x1b");
    assert_string_equal(inode_text(table_of(house), slot, text), "two?lines?");
    inode_unname(table_of(house), slot, INODE_ROOT, "two\nlines\x1b");
    snprintf(expected, sizeof expected, "inode %llu", (unsigned long long)truth_of(house, slot)->number);
    assert_string_equal(inode_text(table_of(house), slot, text), expected);

    memset(name, 'n', INODE_TEXT_BYTES - 4); /* the longest that is whole */
    make_empty(house, name);
    assert_string_equal(inode_text(table_of(house), look_up_in_root(house, name), text), name);
    memset(name, 'n', INODE_TEXT_BYTES - 2);
    memcpy(name, "n\xc3\xa4", 3); /* cut amid the letter, two bytes too long */
    make_empty(house, name);
    snprintf(expected, sizeof expected, "...%s", name + 3);
    assert_string_equal(inode_text(table_of(house), look_up_in_root(house, name), text), expected);
}

/* The kernel may forget a folder first: its record stays for those that name it, and ends with the last of them. */
static void folders_stay_for_what_is_in_them(void **state)
{
    struct house *house = *state;
    uint32_t slots[DEPTH], slot;
    char path[4096];

    table_of(house)->handles = false;
    slot = make_deep(house, slots);
    for (int i = 0; i < DEPTH; i++)
        forget(house, slots[i]);
    make_empty(house, "new");
    look_up_in_root(house, "new");
    check_opens(house, slot);
    house_replace_worker(house);
    table_of(house)->handles = false;
    inode_end_unused(table_of(house));
    check_opens(house, slot);
    assert_true(inode_path(table_of(house), slot, path));
    forget(house, slot);
    for (int i = 0; i < DEPTH; i++)
        assert_int_equal(truth_of(house, slots[i])->number, 0);
}

/* Invariant 14: neither a file, nor a folder on the way to it, is taken for another of its name. */
static void others_of_the_name_are_not_opened(void **state)
{
    struct house *house = *state;
    uint32_t slots[DEPTH], slot, file;

    table_of(house)->handles = false;
    slot = make_deep(house, slots);
    make_empty(house, "file");
    file = look_up_in_root(house, "file");
    assert_return_code(renameat(house->root, "file", house->root, "other"), errno);
    make_empty(house, "file");
    assert_int_equal(inode_open(table_of(house), file), -ESTALE);
    inode_rename(table_of(house), file, INODE_ROOT, "other");
    check_opens(house, file);
    assert_return_code(renameat(house->root, "d0/d1/d2", house->root, "elsewhere"), errno);
    assert_return_code(mkdirat(house->root, "d0/d1/d2", 0700), errno);
    assert_return_code(renameat(house->root, "elsewhere/d3", house->root, "d0/d1/d2/d3"), errno);
    assert_int_equal(inode_open(table_of(house), slot), -ESTALE); /* though the file itself is there */
}

/* What a place leads to is checked before it is believed. */
static void places_that_make_no_sense_are_dropped(void **state)
{
    struct house *house = *state;
    uint32_t slots[4];
    char path[4096], name[2] = "a";

    for (int i = 0; i < 4; i++, name[0]++) {
        make_empty(house, name);
        slots[i] = look_up_in_root(house, name);
    }
    truth_of(house, slots[0])->place = (uint64_t)INODE_ROOT << 32 | 0xffffff;
    truth_of(house, slots[1])->place = truth_of(house, slots[2])->place;
    truth_of(house, slots[3])->place = (uint64_t)slots[2] << 32 | (uint32_t)truth_of(house, slots[3])->place; /* in a file */
    house_replace_worker(house);
    assert_false(inode_path(table_of(house), slots[0], path));
    assert_true(inode_path(table_of(house), slots[1], path) != inode_path(table_of(house), slots[2], path));
    assert_false(inode_path(table_of(house), slots[3], path));
    for (int i = 0; i < 4; i++)
        check_opens(house, slots[i]); /* they have handles */
}

static void forgotten_names_are_used_again(void **state)
{
    struct house *house = *state;
    uint32_t used;

    table_of(house)->handles = false;
    make_empty(house, "a");
    forget(house, look_up_in_root(house, "a"));
    used = house->arena.header->name_used;
    for (int i = 0; i < 10; i++)
        forget(house, look_up_in_root(house, "a"));
    assert_int_equal(house->arena.header->name_used, used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(deep_paths_are_opened),
        TEST(paths_follow_renames),
        TEST(paths_are_known_to_the_next_worker),
        TEST(paths_do_not_follow_links),
        TEST(forgotten_names_are_used_again),
        TEST(long_names_are_kept),
        TEST(messages_name_files),
        TEST(folders_stay_for_what_is_in_them),
        TEST(others_of_the_name_are_not_opened),
        TEST(places_that_make_no_sense_are_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
