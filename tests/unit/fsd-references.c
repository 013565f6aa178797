/* A worker dies between any two instructions while it counts references, or amid a message of FORGETs: its successor finds each count with
 * what it was counted for, and goes on where the dead one stopped. */
#include "config.h"

#include "fsd-support.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/reference.h"
#include "request/current.h"
#include "request/effects.h"
#include "request/entry.h"
#include "request/forget.h"
#include "request/takeover.h"

/* What the dead held is lost, as it would be. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

/* ---- a death between any two instructions ---- */

/* What a successor would find now, without disturbing who is still alive. */
static void check_moment(struct house *house, uint32_t slot, uint64_t begin, uint32_t *changes)
{
    struct arena *arena = &house->arena;
    _Atomic uint32_t *counters[] = {&arena->effects[0].counted, &arena->arrivals[0].forgotten};
    struct reference_redo redo = arena->header->redo;
    uint64_t lookups = arena->inodes[slot].lookups;
    uint32_t counted = *counters[0], forgotten = *counters[1];

    reference_redo(arena);
    assert_int_equal(arena->inodes[slot].lookups, begin + *counters[0] - *counters[1]);
    for (uint32_t i = 0; i < *counters[0]; i++)
        assert_int_equal(arena->effects[0].slots[i], slot);
    *changes = *counters[0] + *counters[1];
    arena->header->redo = redo;
    arena->inodes[slot].lookups = lookups;
    *counters[0] = counted;
    *counters[1] = forgotten;
}

static void live_in_steps(struct house *house, uint32_t slot)
{
    struct effects *effects = &house->arena.effects[0];
    struct statx status;
    uint32_t found;

    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
        _exit(77);
    raise(SIGSTOP);
    for (int i = 0; i < 3; i++)
        inode_lookup(&house->worker->inodes, INODE_ROOT, house->root, "file", &status, &found, effects);
    for (uint32_t i = 1; i <= 3; i++)
        inode_forget(&house->worker->inodes, slot, 1, &house->arena.arrivals[0].forgotten, i);
    _exit(0);
}

static void death_at_any_instruction(void **state)
{
    struct house *house = *state;
    uint32_t slot = inode_of(house, make_file(house, "file", 1, 'f')), changes = 0, last = 0, steps = 0;
    uint64_t begin = house->arena.inodes[slot].lookups;
    int status;
    pid_t child;

#ifdef __SANITIZE_THREAD__
    skip(); /* its run-time does not work in a process that is traced step by step */
#endif
    house->arena.effects[0].counted = 0;
    child = fork();
    if (!child)
        live_in_steps(house, slot);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip(); /* tracing is not permitted */
    while (WIFSTOPPED(status)) {
        check_moment(house, slot, begin, &changes);
        assert_in_range(changes, last, last + 1);
        last = changes;
        steps++;
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(last, 6);
    assert_true(steps > 100);
}

/* ---- the next worker, with the floor that serves ---- */

static void open_server(struct house *house, struct server *server)
{
    memset(server, 0, sizeof *server);
    server->options = &house->options;
    server->arena = house->arena;
    assert_int_equal(inode_table_open(&server->inodes, &server->arena, house->root), 0);
    assert_int_equal(descriptor_cache_open(&server->descriptors, &server->inodes, 1, &house->root, 1), 0);
    assert_int_equal(frame_table_open(&server->frames, &server->arena, -1), 0);
    server->files = (struct files){
        .arena = &server->arena,
        .options = &house->options,
        .inodes = &server->inodes,
        .descriptors = &server->descriptors,
        .frames = &server->frames,
        .store = &house->recorder.store,
        .journal = house->worker->journal,
    };
    assert_int_equal(files_open(&server->files, NULL, NULL), 0);
    requests_take_over(server);
}

/* The kernel's message lies where a worker received it. */
static void receive_forgets(struct arena *arena, struct arrival *arrival, const struct fuse_forget_one *forgets, uint32_t count)
{
    struct fuse_in_header *header = (void *)arrival->head;
    struct fuse_batch_forget_in *batch = (void *)(header + 1);
    const unsigned char *bytes = (const void *)forgets;
    size_t size = count * sizeof *forgets, in_head = WRITE_HEAD - sizeof *header - sizeof *batch;

    *header = (struct fuse_in_header){.opcode = FUSE_BATCH_FORGET, .len = sizeof *header + sizeof *batch + size};
    batch->count = count;
    memcpy(batch + 1, bytes, size < in_head ? size : in_head);
    for (uint32_t page = 0; in_head + page * (size_t)PAGE_BYTES < size; page++) {
        size_t at = in_head + page * (size_t)PAGE_BYTES;

        memcpy(forget_place(arena, arrival, page), bytes + at, size - at < PAGE_BYTES ? size - at : PAGE_BYTES);
    }
}

#define MANY 60000u /* more than the frames below hold */

static struct arrival *prepare_arrival(struct house *house)
{
    struct arrival *arrival = &house->arena.arrivals[3];

    for (uint32_t i = 0; i < 5; i++)
        arrival->frames[i] = 100 - 7 * i;
    arrival->first = 2;
    arrival->count = 3;
    return arrival;
}

static void forgets_of_a_dead_worker(void **state)
{
    static struct server server;
    static struct fuse_forget_one forgets[MANY];
    struct house *house = *state;
    struct arrival *arrival = prepare_arrival(house);
    uint32_t slot = inode_of(house, make_file(house, "file", 1, 'f')), other = inode_of(house, make_file(house, "other", 1, 'o'));

    for (uint32_t i = 0; i < MANY; i++)
        forgets[i] = (struct fuse_forget_one){.nodeid = house->arena.inodes[i % 2 ? slot : other].number, .nlookup = 1};
    house->arena.inodes[slot].lookups = MANY / 2 + 5;
    house->arena.inodes[other].lookups = MANY / 2 - 10; /* the dead one applied the first 20, ten of each */
    house->arena.inodes[slot].lookups -= 10;
    arrival->forgotten = 20;
    receive_forgets(&house->arena, arrival, forgets, MANY);
    open_server(house, &server);
    assert_int_equal(house->arena.inodes[slot].lookups, 5);
    assert_int_equal(house->arena.inodes[other].lookups, 0);
    assert_int_equal(arrival->forgotten, 0);
    open_server(house, &server); /* and once only */
    assert_int_equal(house->arena.inodes[slot].lookups, 5);
}

static void a_message_that_came_in_part(void **state)
{
    static struct server server;
    struct fuse_forget_one forgets[600];
    struct house *house = *state;
    struct arrival *arrival = prepare_arrival(house);
    uint32_t slot = inode_of(house, make_file(house, "file", 1, 'f'));

    for (uint32_t i = 0; i < 600; i++)
        forgets[i] = (struct fuse_forget_one){.nodeid = house->arena.inodes[slot].number, .nlookup = 1};
    house->arena.inodes[slot].lookups = 1000;
    receive_forgets(&house->arena, arrival, forgets, 600);
    forget_mark(forget_place(&house->arena, arrival, 1)); /* the copy ended before it */
    open_server(house, &server);
    assert_int_equal(house->arena.inodes[slot].lookups, 1000 - 2 - 256);
}

static void a_removed_file_whose_last_reference_was_gone(void **state)
{
    static struct server server;
    struct house *house = *state;
    uint32_t file = make_file(house, "file", 1, 'f'), slot = inode_of(house, file);

    put_page(house, file, 0, 'x');
    house->arena.inodes[slot].flags |= INODE_UNLINKED;
    house->arena.inodes[slot].lookups = 0;
    open_server(house, &server);
    assert_int_equal(house->arena.inodes[slot].number, 0);
    assert_int_equal(house->arena.files[file].inode, 0);
}

/* ---- requests that are sent again ---- */

/* The thread serves the request. */
static void receive_request(struct fuse_in_header *header, uint64_t unique)
{
    header->unique = unique;
    *current() = (struct current){.header = header, .own_effects = current()->own_effects};
}

static void counts_are_taken_back(void **state)
{
    static struct server server;
    struct house *house = *state;
    struct effects *effects = &house->arena.effects[7];
    uint32_t slot = inode_of(house, make_file(house, "file", 1, 'f')), other = inode_of(house, make_file(house, "other", 1, 'o'));
    struct fuse_in_header header = {0};

    house->arena.inodes[slot].lookups = 12;
    effects->unique = 44; /* READDIRPLUS that counted them: file twice, other once */
    effects->counted = 3;
    effects->slots[0] = effects->slots[2] = slot;
    effects->slots[1] = other;
    open_server(house, &server);
    *current() = (struct current){0};
    receive_request(&header, 42 | RESENT);
    effects_adopt(&server);
    entry_take_back(&server);
    assert_int_equal(house->arena.inodes[slot].lookups, 12); /* another's */
    receive_request(&header, 44 | RESENT);
    effects_adopt(&server);
    entry_take_back(&server);
    assert_int_equal(house->arena.inodes[slot].lookups, 10);
    assert_int_equal(house->arena.inodes[other].lookups, 0);
    effects_end();
    assert_int_equal(effects->unique, 0);
}

/* More deaths than the table has places: the oldest are taken for answered, the living worker has all it needs. */
static void the_oldest_effects_go(void **state)
{
    static struct server server;
    struct house *house = *state;
    struct fuse_in_header header = {0};

    for (uint32_t i = 0; i < EFFECTS_MAX; i++) {
        house->arena.effects[i].unique = 1000 + (i * 7 + 3) % EFFECTS_MAX; /* each once, in no order */
        house->arena.effects[i].intent.begun = 1;
    }
    open_server(house, &server);
    assert_int_equal(server.effects_free_count, EFFECTS_MINE);
    *current() = (struct current){0};
    for (uint32_t i = 0; i < EFFECTS_MAX; i++) {
        receive_request(&header, (1000 + i) | RESENT);
        effects_adopt(&server);
        assert_int_equal(current()->effects != NULL, i >= EFFECTS_MINE);
    }
    receive_request(&header, 5000);
    assert_int_equal(effects_begin(&server)->intent.begun, 0);
    assert_int_equal(current()->effects->unique, 5000);
    effects_end();
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(death_at_any_instruction),    TEST(forgets_of_a_dead_worker),
        TEST(a_message_that_came_in_part), TEST(a_removed_file_whose_last_reference_was_gone),
        TEST(counts_are_taken_back),       TEST(the_oldest_effects_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
