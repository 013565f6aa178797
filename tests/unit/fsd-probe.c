/* Questions to the kernel: users take turns, nobody has all lanes, long ones go in slices, long ends keep nobody's answer; answers that are nobody's are
 * dropped. */
#include "config.h"

#include "fsd-support.h"

#include <errno.h>
#include <stdio.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cachestat.h"
#include "probe/slice.h"

struct asked {
    struct probe_request probe;
    _Atomic bool done;
    int error;
    uint32_t runs;
    uint64_t pages;
    struct asked *other; /* ends before */
    bool in_time;
};

static void note(struct probe_request *probe)
{
    struct asked *asked = (struct asked *)probe;

    asked->error = probe->error;
    asked->runs = probe->run_count;
    for (uint32_t i = 0; i < probe->run_count; i++)
        asked->pages += probe->runs[i].last - probe->runs[i].first + 1;
    asked->done = true;
}

static void ask(struct probe_client *client, struct asked *asked, uint32_t inode, uint32_t user, int expected)
{
    *asked = (struct asked){.probe = {.question = PROBE_DIRTY, .inode = inode, .done = note}};
    assert_int_equal(probe_ask(client, &asked->probe, user), expected);
}

static struct question receive(int channel)
{
    struct question question;

    assert_true(recv(channel, &question, sizeof question, 0) > 0);
    return question;
}

static bool is_silent(int channel)
{
    struct question question;

    return recv(channel, &question, sizeof question, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

static void answer(int channel, uint64_t id, uint64_t next, const struct probe_run *run)
{
    struct answer answer = {.id = id, .next = next, .count = run != NULL};

    if (run)
        answer.runs[0] = *run;
    assert_true(send(channel, &answer, offsetof(struct answer, runs) + answer.count * sizeof answer.runs[0], 0) > 0);
}

static void wait_for(struct asked *asked)
{
    while (!asked->done)
        usleep(1000);
}

#define HOG 1001
#define OTHER 1002

static void users_take_turns(void **state)
{
    struct house *house = *state;
    struct inode_table *inodes = house->files->inodes;
    uint32_t a = inode_of(house, make_file(house, "hog's", 1, 'h')), b = inode_of(house, make_file(house, "other's", 1, 'o'));
    uint64_t node_a = inode_node(inodes, a), node_b = inode_node(inodes, b), ids[2], id;
    struct asked hogs[6], others, over;
    struct probe_client *client;
    struct question question;
    bool handles = inodes->handles;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    inodes->handles = true;
    inodes->users.owner = 1;
    inodes->users.limits[HOLDS_PARKED] = 6;
    assert_int_equal(probe_client_open(&client, inodes, ends[0], 2), 0);
    for (int i = 0; i < 6; i++)
        ask(client, &hogs[i], a, HOG, 0);
    ask(client, &over, a, HOG, -EDQUOT);
    for (int i = 0; i < 2; i++) { /* as many as one may have under way */
        question = receive(ends[1]);
        ids[i] = question.id;
        assert_int_equal(question.node, node_a);
    }
    assert_true(is_silent(ends[1]));
    ask(client, &others, b, OTHER, 0); /* not behind the four that wait */
    question = receive(ends[1]);
    id = question.id;
    assert_int_equal(question.node, node_b);
    answer(ends[1], ids[0], 100, &(struct probe_run){1, 99}); /* a slice: the question goes on behind its user's others */
    for (int i = 0; i < 5; i++) {
        question = receive(ends[1]);
        assert_int_equal(question.node, node_a);
        assert_int_equal(question.first, i < 4 ? 0 : 100);
        answer(ends[1], question.id, 0, NULL);
    }
    answer(ends[1], ids[1], 0, NULL);
    answer(ends[1], id, 0, &(struct probe_run){5, 5});
    wait_for(&others);
    for (int i = 0; i < 6; i++)
        wait_for(&hogs[i]);
    assert_int_equal(others.pages, 1);
    assert_int_equal(hogs[0].pages, 99);
    assert_true(probe_is_idle(client));
    close(ends[1]);
    inodes->handles = handles;
}

static void answers_find_their_questions(void **state)
{
    struct house *house = *state;
    struct inode_table *inodes = house->files->inodes;
    uint32_t a = inode_of(house, make_file(house, "file", 1, 'h'));
    bool handles = inodes->handles;
    struct probe_client *client;
    struct asked asked;
    uint64_t id, again;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    inodes->handles = true;
    assert_int_equal(probe_client_open(&client, inodes, ends[0], 2), 0);
    ask(client, &asked, a, OTHER, 0);
    id = receive(ends[1]).id;
    answer(ends[1], id + 1000, 0, &(struct probe_run){1, 7});
    answer(ends[1], HELLO, 0, NULL); /* a new probe */
    again = receive(ends[1]).id;
    assert_int_not_equal(id, again);
    answer(ends[1], id, 0, &(struct probe_run){1, 7}); /* the old one's */
    answer(ends[1], again, 9, &(struct probe_run){1, 3});
    id = receive(ends[1]).id;
    answer(ends[1], again, 0, &(struct probe_run){1, 7}); /* twice */
    answer(ends[1], id, 0, &(struct probe_run){4, 5});
    wait_for(&asked);
    assert_int_equal(asked.error, 0);
    assert_int_equal(asked.runs, 1); /* what touches is one, over slices, too */
    assert_int_equal(asked.pages, 5);
    assert_int_equal(user_find(&inodes->users, OTHER)->holds[HOLDS_PARKED], 0);
    close(ends[1]);
    inodes->handles = handles;
}

static void note_after_other(struct probe_request *probe)
{
    struct asked *asked = (struct asked *)probe;

    for (int i = 0; i < 20000 && !asked->other->done; i++)
        usleep(1000);
    asked->in_time = asked->other->done;
    note(probe);
}

/* Another user's answer does not wait for it; its own user's next question does. */
static void a_long_end_keeps_no_other_answer(void **state)
{
    struct house *house = *state;
    struct inode_table *inodes = house->files->inodes;
    uint32_t a = inode_of(house, make_file(house, "hog's", 1, 'h')), b = inode_of(house, make_file(house, "other's", 1, 'o'));
    bool handles = inodes->handles;
    struct asked others, next, hogs = {.probe = {.question = PROBE_DIRTY, .inode = a, .long_end = true, .done = note_after_other}};
    struct probe_client *client;
    struct question question;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    inodes->handles = true;
    inodes->users.owner = 1;
    inodes->users.limits[HOLDS_PARKED] = 6;
    assert_int_equal(probe_client_open(&client, inodes, ends[0], 1), 0);
    hogs.other = &others;
    others.done = false;
    assert_int_equal(probe_ask(client, &hogs.probe, HOG), 0);
    ask(client, &next, a, HOG, 0);
    answer(ends[1], receive(ends[1]).id, 0, NULL);
    ask(client, &others, b, OTHER, 0);
    question = receive(ends[1]);
    assert_int_equal(question.node, inode_node(inodes, b));
    answer(ends[1], question.id, 0, NULL);
    wait_for(&hogs);
    assert_true(hogs.in_time);
    answer(ends[1], receive(ends[1]).id, 0, NULL);
    wait_for(&next);
    assert_int_equal(user_find(&inodes->users, HOG)->holds[HOLDS_PARKED], 0);
    close(ends[1]);
    inodes->handles = handles;
}

#define PAGES 6000u

static int64_t time_of(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* Every second page of a part of the file, which begins with as many pages that the kernel has and that are clean. Between pieces of that work the processor
 * is left to others. */
static void slices_find_every_page_once(void **state)
{
    struct house *house = *state;
    int fd = openat(house->root, "scattered", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct answer *answer = calloc(1, sizeof *answer);
    struct cache_counts counts;
    unsigned char *map;
    uint64_t first = 0, expected = 0;
    unsigned slices = 0;
    int64_t took, worked;
    bool right = true;

    assert_int_equal(ftruncate(fd, (off_t)PAGES * PAGE_BYTES), 0);
    map = mmap(NULL, (size_t)PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(map != MAP_FAILED);
    madvise(map, (size_t)PAGES * PAGE_BYTES, MADV_RANDOM); /* or several pages become dirty as one */
    if (cache_count(fd, 0, PAGE_BYTES, &counts))
        skip(); /* before Linux 6.5 */
    for (uint32_t page = 1; page < PAGES; page += 2)
        map[(size_t)page * PAGE_BYTES] = 1;
    if (cache_count(fd, 0, (uint64_t)PAGES * PAGE_BYTES, &counts) || counts.dirty != PAGES / 2)
        skip(); /* a file system that has no dirty pages, or writes them at once */
    took = time_of(CLOCK_MONOTONIC);
    worked = time_of(CLOCK_THREAD_CPUTIME_ID);
    do {
        answer->count = 0;
        slice_find_dirty(fd, first, PAGES, answer);
        assert_int_equal(answer->error, 0);
        assert_true(answer->count <= RUNS_PER_ANSWER);
        for (uint32_t i = 0; i < answer->count; i++) {
            right &= answer->runs[i].first == expected * 2 + 1 && answer->runs[i].last == expected * 2 + 1;
            expected++;
        }
        assert_true(!answer->next || answer->next > first);
        first = answer->next;
        slices++;
    } while (first);
    took = time_of(CLOCK_MONOTONIC) - took;
    worked = time_of(CLOCK_THREAD_CPUTIME_ID) - worked;
    if (cache_count(fd, 0, (uint64_t)PAGES * PAGE_BYTES, &counts) || counts.dirty != PAGES / 2)
        skip(); /* the kernel wrote them meanwhile */
    assert_true(took >= 2 * worked);
    assert_true(right);
    assert_int_equal(expected, PAGES / 2);
    assert_true(slices >= PAGES / 2 / RUNS_PER_ANSWER);
    slices = 0;
    do {
        answer->error = 0;
        slice_pull(fd, first, PAGES, answer);
        assert_int_equal(answer->error, 0);
        assert_true(!answer->next || answer->next > first);
        first = answer->next;
        slices++;
    } while (first);
    assert_true(slices >= 2);
    assert_int_equal(cache_count(fd, 0, (uint64_t)PAGES * PAGE_BYTES, &counts), 0);
    assert_int_equal(counts.dirty + counts.writeback, 0);
    munmap(map, (size_t)PAGES * PAGE_BYTES);
    free(answer);
    close(fd);
}

/* Clients end with their worker, and are not freed. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

int main(void)
{
#ifdef __SANITIZE_THREAD__
    puts("SKIP: a dead worker's listener and its successor have one table of descriptors, which the sanitizer takes for a race");
    return 77;
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(users_take_turns, house_setup, house_teardown),
        cmocka_unit_test_setup_teardown(answers_find_their_questions, house_setup, house_teardown),
        cmocka_unit_test_setup_teardown(a_long_end_keeps_no_other_answer, house_setup, house_teardown),
        cmocka_unit_test_setup_teardown(slices_find_every_page_once, house_setup, house_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
