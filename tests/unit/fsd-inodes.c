/* Inodes and their descriptors: found, forgotten, found again; more of them than descriptors; and without handles, by path. */
#include "config.h"

#include "file/flusher.h"
#include "fsd-inodes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the table ---- */

static void lookups_are_counted(void **state)
{
    struct house *house = *state;
    struct statx status;
    uint32_t slot, other;

    make_empty(house, "a");
    make_empty(house, "b");
    assert_int_equal(inode_lookup(table_of(house), INODE_ROOT, house->root, "none", &status, &slot, effects_of(house)), -ENOENT);
    slot = look_up_in_root(house, "a");
    other = look_up_in_root(house, "b");
    assert_true(slot != other && slot != INODE_ROOT);
    assert_int_equal(look_up_in_root(house, "a"), slot);
    assert_int_equal(truth_of(house, slot)->lookups, 2);
    assert_int_equal(truth_of(house, slot)->type, S_IFREG);
    assert_int_equal(inode_of_node(table_of(house), inode_node(table_of(house), slot)), slot);
    inode_forget(table_of(house), slot, 1, &house->arena.arrivals[0].forgotten, 0);
    assert_int_not_equal(truth_of(house, slot)->number, 0); /* the kernel still knows it */
    inode_hold(table_of(house), slot);
    inode_forget(table_of(house), slot, 1, &house->arena.arrivals[0].forgotten, 0);
    assert_int_equal(inode_of_node(table_of(house), truth_of(house, slot)->number), slot); /* we do */
    inode_put(table_of(house), slot);
    assert_int_equal(truth_of(house, slot)->number, 0);
}

static void the_root_is_number_one(void **state)
{
    struct house *house = *state;
    uint32_t slot = look_up(house, INODE_ROOT, house->root, ".");

    assert_int_equal(slot, INODE_ROOT);
    assert_int_equal(inode_node(table_of(house), INODE_ROOT), 1);
    assert_int_equal(inode_of_node(table_of(house), 1), INODE_ROOT);
    inode_forget(table_of(house), INODE_ROOT, 1000, &house->arena.arrivals[0].forgotten, 0);
    assert_int_equal(inode_of_node(table_of(house), 1), INODE_ROOT);
    assert_int_not_equal(truth_of(house, INODE_ROOT)->number, 0);
}

static void a_forgotten_slot_is_used_again(void **state)
{
    struct house *house = *state;
    uint32_t slot;
    uint64_t number;

    make_empty(house, "a");
    make_empty(house, "b");
    slot = look_up_in_root(house, "a");
    number = truth_of(house, slot)->number;
    forget(house, slot);
    assert_int_equal(truth_of(house, slot)->number, 0);
    assert_int_equal(inode_of_node(table_of(house), number), 0);
    assert_int_equal(look_up_in_root(house, "b"), slot);
    assert_int_equal(truth_of(house, slot)->lookups, 1);
    assert_int_equal(truth_of(house, slot)->file, 0);
    assert_int_not_equal(look_up_in_root(house, "a"), slot);
}

/* Nothing of a file that has changes is forgotten before they are in the store. */
static void changes_keep_what_the_kernel_forgot(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 2, 'a'), slot = inode_of(house, file);

    put_page(house, file, 1, 'b');
    forget(house, slot);
    assert_int_not_equal(truth_of(house, slot)->number, 0);
    assert_int_equal(commit_file(house, file), 0);
    assert_int_not_equal(truth_of(house, slot)->number, 0); /* committed is not enough */
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_int_equal(truth_of(house, slot)->number, 0);
    assert_int_equal(house->arena.files[file].inode, 0);
    assert_string_equal(stored(house, "a"), "ab");
}

static void a_number_used_again_is_another_inode(void **state)
{
    struct house *house = *state;
    struct identity earlier;
    uint32_t slot, again;

    make_empty(house, "a");
    slot = look_up_in_root(house, "a");
    truth_of(house, slot)->birth.tv_sec--; /* as if the number had been another file's, born earlier */
    inode_identity(table_of(house), slot, &earlier);
    truth_of(house, slot)->generation = inode_generation(table_of(house), &earlier);
    again = look_up_in_root(house, "a");
    assert_int_not_equal(again, slot);
    assert_int_equal(inode_of_node(table_of(house), truth_of(house, again)->number), again);
    assert_int_not_equal(truth_of(house, slot)->number, truth_of(house, again)->number);
    forget(house, slot);
    assert_int_equal(inode_of_node(table_of(house), truth_of(house, again)->number), again);
}

static void the_next_worker_knows_all_inodes(void **state)
{
    struct house *house = *state;
    uint32_t slots[100];
    char name[16];

    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "f%d", i);
        make_empty(house, name);
        slots[i] = look_up_in_root(house, name);
    }
    forget(house, slots[50]);
    house_replace_worker(house);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "f%d", i);
        if (i != 50)
            assert_int_equal(look_up_in_root(house, name), slots[i]);
    }
    assert_int_equal(look_up_in_root(house, "f50"), slots[50]); /* its slot was free */
    assert_int_equal(truth_of(house, INODE_ROOT)->lookups, 1);
}

static void inodes_are_opened_as_what_they_are(void **state)
{
    struct house *house = *state;
    uint32_t slot;
    int fd;

    make_empty(house, "file");
    assert_return_code(mkdirat(house->root, "folder", 0700), errno);
    assert_return_code(symlinkat("file", house->root, "link"), errno);
    slot = look_up_in_root(house, "file");
    fd = inode_open(table_of(house), slot);
    assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
    assert_int_equal(number_behind(fd), truth_of(house, slot)->number);
    close(fd);
    slot = look_up_in_root(house, "folder");
    fd = inode_open(table_of(house), slot);
    assert_true(fcntl(fd, F_GETFL) & O_DIRECTORY);
    assert_int_equal(number_behind(fd), truth_of(house, slot)->number);
    close(fd);
    slot = look_up_in_root(house, "link");
    assert_int_equal(truth_of(house, slot)->type, S_IFLNK);
    if (table_of(house)->handles) {
        fd = inode_open(table_of(house), slot);
        assert_true(fcntl(fd, F_GETFL) & O_PATH);
        assert_int_equal(number_behind(fd), truth_of(house, slot)->number); /* not of what it points at */
        close(fd);
    }
}

/* ---- descriptors ---- */

static void a_descriptor_is_shared(void **state)
{
    struct house *house = *state;
    struct descriptor *first, *second;
    uint32_t slot;

    make_empty(house, "a");
    slot = look_up_in_root(house, "a");
    assert_int_equal(descriptor_get(cache_of(house), slot, &first), 0);
    assert_int_equal(descriptor_get(cache_of(house), slot, &second), 0);
    assert_ptr_equal(first, second);
    assert_int_equal(first->uses, 2);
    descriptor_put(cache_of(house), first);
    descriptor_put(cache_of(house), second);
    assert_int_equal(number_behind(first->fd), truth_of(house, slot)->number); /* idle ones stay open */
    assert_int_equal(descriptor_get(cache_of(house), slot, &second), 0);
    assert_ptr_equal(first, second);
    descriptor_put(cache_of(house), second);
}

/* A file without a name can be reached by nothing but its descriptor. */
static void an_unlinked_file_stays_readable(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 2, 'a'), slot = inode_of(house, file);

    assert_int_equal(descriptor_pin(cache_of(house), slot, 0), 0);
    assert_true(truth_of(house, slot)->pinned >= 0);
    assert_return_code(unlinkat(house->root, "a", 0), errno);
    put_page(house, file, 1, 'b');
    assert_string_equal(seen(house, file, 0, 9), "ab");
    close(descriptor_detach(cache_of(house), slot));
    assert_int_equal(truth_of(house, slot)->pinned, -1);
}

/* The table of descriptors outlives a worker: pinned ones are taken over, the others are closed. */
static void pinned_descriptors_are_taken_over(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 2, 'a'), other = make_file(house, "b", 1, 'b');
    struct descriptor *descriptor;
    int lost, pinned;

    assert_int_equal(descriptor_get(cache_of(house), inode_of(house, other), &descriptor), 0);
    lost = descriptor->fd;
    assert_int_equal(descriptor_pin(cache_of(house), inode_of(house, file), 0), 0);
    pinned = truth_of(house, inode_of(house, file))->pinned;
    assert_return_code(unlinkat(house->root, "a", 0), errno);
    assert_int_not_equal(lost, pinned);
    house_replace_worker(house);
    assert_int_equal(truth_of(house, inode_of(house, file))->pinned, pinned);
    assert_string_equal(seen(house, file, 0, 9), "aa");
    assert_true(fcntl(lost, F_GETFD) < 0 || number_behind(lost) != truth_of(house, inode_of(house, other))->number);
}

/* A worker died between any two steps of a record's birth or death: what is not named back is nobody's. */
static void records_that_are_not_named_back_are_dropped(void **state)
{
    struct house *house = *state;
    uint32_t half_born = make_file(house, "a", 1, 'a'), half_ended = make_file(house, "b", 1, 'b'), whole;
    uint32_t slot = inode_of(house, half_ended), other;

    whole = make_file(house, "c", 1, 'c');
    put_page(house, whole, 0, 'd');
    truth_of(house, inode_of(house, half_born))->file = 0;
    truth_of(house, slot)->file = 0;
    house->arena.files[half_ended].inode = 0;
    truth_of(house, slot)->number = 0;
    house_replace_worker(house);
    assert_int_equal(house->arena.files[half_born].inode, 0);
    assert_int_equal(house->arena.files[half_ended].inode, 0);
    make_empty(house, "bystander");
    other = look_up_in_root(house, "bystander");
    assert_int_equal(other, slot);
    assert_int_equal(truth_of(house, other)->file, 0);
    assert_int_equal(flush_all(house->files), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_int_equal(stored_size(house, "bystander"), 0);
    assert_string_equal(stored(house, "a"), "a");
    assert_string_equal(stored(house, "b"), "b");
    assert_string_equal(stored(house, "c"), "d");
}

/* The other way no death leaves it: a file that its inode names is that inode's, and known as damaged; one that is another's is not. */
static void inodes_that_name_no_record_of_theirs_are_damaged(void **state)
{
    struct house *house = *state;
    uint32_t freed = make_file(house, "a", 1, 'a'), others = make_file(house, "b", 1, 'b');
    uint32_t first = inode_of(house, freed), slot;

    make_empty(house, "c");
    slot = look_up_in_root(house, "c");
    truth_of(house, slot)->file = others;
    house->arena.files[freed].inode = 0;
    house_replace_worker(house);
    assert_int_equal(truth_of(house, first)->file, freed);
    assert_int_equal(inode_of(house, freed), first);
    assert_int_equal(commit_file(house, freed), -EUCLEAN);
    assert_int_equal(truth_of(house, slot)->file, 0);
    assert_int_equal(inode_of(house, others), look_up_in_root(house, "b"));
}

/* What lost its last reference just before its worker died ends with the takeover. */
static void unused_records_end_with_a_takeover(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 1, 'a'), slot = inode_of(house, file);

    truth_of(house, slot)->lookups = 0;
    house_replace_worker(house);
    inode_end_unused(table_of(house));
    assert_int_equal(flush_all(house->files), 0); /* a takeover takes files for changed */
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_int_equal(truth_of(house, slot)->number, 0);
    assert_int_equal(house->arena.files[file].inode, 0);
}

static int in_a_child(void (*test)(struct house *), unsigned limit)
{
    pid_t child = fork();
    int status;

    assert_return_code(child, errno);
    if (!child) {
        const struct rlimit files = {limit, limit};
        struct house *house;

        if (setrlimit(RLIMIT_NOFILE, &files))
            _exit(2);
        house = house_open(256, 0, MIB);
        test(house);
        house_close(house);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            _exit(1);                                                       \
        }                                                                   \
    } while (0)

/* What a thread that finds all places in use waits for: it is given one as soon as one is put back. */
struct late_put {
    struct house *house;
    struct descriptor *descriptor;
};

static void *put_late(void *argument)
{
    struct late_put *late = argument;

    usleep(50000);
    descriptor_put(cache_of(late->house), late->descriptor);
    return NULL;
}

static void many_files_few_descriptors(struct house *house)
{
    uint32_t limit = cache_of(house)->limit, slots[200], files[200];
    struct descriptor *used[200], *one;
    struct late_put late = {.house = house};
    pthread_t thread;
    char name[16];

    CHECK(limit >= 16 && limit < 100);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "f%d", i);
        files[i] = make_file(house, name, 1, 'a' + i % 26);
        slots[i] = inode_of(house, files[i]);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 200; i++)
            CHECK(seen(house, files[i], 0, 1)[0] == 'a' + i % 26);
    }
    for (uint32_t i = 0; i < limit; i++)
        CHECK(!descriptor_get(cache_of(house), slots[i], &used[i]));
    for (uint32_t i = 0; i < limit; i++)
        CHECK(number_behind(used[i]->fd) == truth_of(house, slots[i])->number);
    CHECK(!descriptor_get(cache_of(house), slots[0], &one)); /* one that is open can be shared */
    descriptor_put(cache_of(house), one);
    CHECK(descriptor_get_direct(cache_of(house), used[0], &one) == -EMFILE); /* all are in use: none is taken away */
    late.descriptor = used[3];
    CHECK(!pthread_create(&thread, NULL, put_late, &late));
    CHECK(!descriptor_get(cache_of(house), slots[199], &one)); /* waits for it */
    CHECK(!pthread_join(thread, NULL));
    CHECK(number_behind(one->fd) == truth_of(house, slots[199])->number);
    descriptor_put(cache_of(house), one);
    CHECK(!descriptor_get_direct(cache_of(house), used[0], &one)); /* the idle one's place */
    CHECK(number_behind(one->fd) == truth_of(house, slots[0])->number);
    descriptor_put(cache_of(house), one);
    for (uint32_t i = 0; i < limit; i++) {
        if (i != 3)
            descriptor_put(cache_of(house), used[i]);
    }
    CHECK(!descriptor_pin(cache_of(house), slots[7], 0)); /* a pinned one is never given up */
    for (int i = 0; i < 200; i++)
        CHECK(seen(house, files[i], 0, 1)[0] == 'a' + i % 26);
    CHECK(number_behind(truth_of(house, slots[7])->pinned) == truth_of(house, slots[7])->number);
    for (int i = 0; i < 200; i++)
        put(house, files[i], 0, 100, 'x');
    for (uint32_t i = 8; i < 7 + limit / 2; i++)
        CHECK(!descriptor_pin(cache_of(house), slots[i], 0));
    CHECK(descriptor_pin(cache_of(house), slots[150], 0) == -EMFILE); /* half of all */
    CHECK(!descriptor_pin(cache_of(house), slots[7], 0));
    descriptor_unpin(cache_of(house), slots[7]);
    CHECK(!descriptor_pin(cache_of(house), slots[150], 0));
    for (int i = 0; i < 200; i++)
        CHECK(*seen(house, files[i], 0, 1));
}

/* Others of the process, or of the system, have what is left. */
static void descriptors_that_others_took(struct house *house)
{
    uint32_t slots[20];
    struct descriptor *one;
    int others[100], count = 0;
    char name[16];

    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "f%d", i);
        slots[i] = inode_of(house, make_file(house, name, 1, 'a'));
    }
    CHECK(!descriptor_get(cache_of(house), slots[0], &one));
    while (count < 100 && (others[count] = dup(0)) >= 0)
        count++;
    CHECK(errno == EMFILE && count > 0);
    for (int i = 1; i < 20; i++) {
        struct descriptor *other;

        CHECK(!descriptor_get(cache_of(house), slots[i], &other));
        CHECK(number_behind(other->fd) == truth_of(house, slots[i])->number);
        descriptor_put(cache_of(house), other);
    }
    CHECK(number_behind(one->fd) == truth_of(house, slots[0])->number);
    descriptor_put(cache_of(house), one);
    while (count)
        close(others[--count]);
}

static void few_descriptors_are_enough(void **state)
{
    (void)state;
    assert_int_equal(in_a_child(many_files_few_descriptors, 90), 0);
    assert_int_equal(in_a_child(descriptors_that_others_took, 90), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lookups_are_counted),
        TEST(the_root_is_number_one),
        TEST(a_forgotten_slot_is_used_again),
        TEST(changes_keep_what_the_kernel_forgot),
        TEST(a_number_used_again_is_another_inode),
        TEST(the_next_worker_knows_all_inodes),
        TEST(inodes_are_opened_as_what_they_are),
        TEST(a_descriptor_is_shared),
        TEST(an_unlinked_file_stays_readable),
        TEST(pinned_descriptors_are_taken_over),
        TEST(records_that_are_not_named_back_are_dropped),
        TEST(inodes_that_name_no_record_of_theirs_are_damaged),
        TEST(unused_records_end_with_a_takeover),
        cmocka_unit_test(few_descriptors_are_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
