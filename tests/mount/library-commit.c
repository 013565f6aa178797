/* library-commit basics|pairs|equal FOLDER [ROUNDS]: what library-commit.sh runs on a mount. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mapshare.h"

#define PAGE 4096
#define PAGES 16
#define CHECK(condition)                                                                               \
    do {                                                                                               \
        if (!(condition)) {                                                                            \
            fprintf(stderr, "%s:%d: %s, errno %s\n", __FILE__, __LINE__, #condition, strerror(errno)); \
            exit(1);                                                                                   \
        }                                                                                              \
    } while (0)

static struct mapshare *open_file(const char *name)
{
    struct mapshare_options options = {.size = PAGES * PAGE, .flags = MAPSHARE_OPEN_ATOMIC};
    struct mapshare *ms = mapshare_open(name, O_RDWR | O_CREAT, 0644, &options);

    CHECK(ms);
    return ms;
}

static struct mapshare_status status_of(struct mapshare *ms)
{
    struct mapshare_status status;

    CHECK(mapshare_stat(ms, &status, sizeof(status)) == 0);
    return status;
}

/* How many pages are in a state, by the runs. */
static uint64_t pages_in(struct mapshare *ms, enum mapshare_page_state state)
{
    struct mapshare_range runs[2 * PAGES];
    ssize_t count = mapshare_dirty(ms, runs, 2 * PAGES);
    uint64_t pages = 0;

    CHECK(count >= 0 && count <= 2 * PAGES);
    for (ssize_t i = 0; i < count; i++) {
        CHECK(runs[i].first <= runs[i].last && (i == 0 || runs[i - 1].last < runs[i].first));
        if (runs[i].state == state)
            pages += runs[i].last - runs[i].first + 1;
    }
    return pages;
}

static void receipts(struct mapshare *ms)
{
    struct mapshare_receipt first, second;
    struct timespec none = {0};

    CHECK(status_of(ms).on_mount && status_of(ms).atomic);
    CHECK(mapshare_sync(ms, 0, 0, MS_SYNC, &first) == 0);
    CHECK(first.sequence > 0 && first.time.tv_sec > 0);
    *(char *)mapshare_addr(ms) += 1;
    CHECK(mapshare_sync(ms, 0, 0, MS_SYNC, &second) == 0);
    CHECK(second.sequence > first.sequence);
    CHECK(status_of(ms).commit.sequence == second.sequence);
    CHECK(status_of(ms).committed_size == PAGES * PAGE);
    CHECK(mapshare_wait(ms, second.sequence, &none) == 0);
    CHECK(mapshare_wait(ms, second.sequence + 1, &(struct timespec){.tv_nsec = 1000000}) == -1 && errno == ETIMEDOUT);
}

static void waiting_for_another(struct mapshare *ms)
{
    uint64_t next = status_of(ms).commit.sequence + 1;
    pid_t child = fork();
    int status;

    if (child == 0) {
        struct mapshare *own = open_file("one");
        alarm(30);
        _exit(mapshare_wait(own, next, NULL) ? 1 : 0);
    }
    usleep(20000); /* it may wait by now, or come later: both must work */
    *(char *)mapshare_addr(ms) += 1;
    CHECK(mapshare_sync(ms, 0, 0, MS_SYNC, NULL) == 0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void page_states(struct mapshare *ms)
{
    char *memory = mapshare_addr(ms);

    CHECK(mapshare_sync(ms, 0, 0, MS_SYNC, NULL) == 0);
    CHECK(pages_in(ms, MAPSHARE_PAGE_KERNEL) == 0 && pages_in(ms, MAPSHARE_PAGE_RECEIVED) == 0);
    memory[3 * PAGE]++;
    memory[4 * PAGE]++;
    memory[9 * PAGE]++;
    if (status_of(ms).kernel != UINT64_MAX)
        CHECK(status_of(ms).kernel == 3 && pages_in(ms, MAPSHARE_PAGE_KERNEL) == 3);
    CHECK(mapshare_sync(ms, 0, 0, MS_ASYNC, NULL) == 0);
    for (int i = 0; i < 5000 && status_of(ms).received < 3; i++)
        usleep(1000);
    CHECK(status_of(ms).received == 3 && pages_in(ms, MAPSHARE_PAGE_RECEIVED) == 3);
}

static void commits_of_several(struct mapshare *one, struct mapshare *other)
{
    struct mapshare *list[] = {one, other, one};
    struct mapshare_receipt receipt;
    struct mapshare *reader = mapshare_open("one", O_RDONLY, 0, NULL);

    *(char *)mapshare_addr(one) += 1;
    *(char *)mapshare_addr(other) += 1;
    CHECK(mapshare_commit(list, 3, &receipt) == 0);
    CHECK(receipt.sequence > 0);
    CHECK(status_of(one).commit.sequence == receipt.sequence && status_of(other).commit.sequence == receipt.sequence);
    CHECK(status_of(one).received == 0 && status_of(other).received == 0);
    CHECK(reader && mapshare_commit(&reader, 1, NULL) == -1 && errno == EBADF);
    CHECK(mapshare_close(reader) == 0);
}

/* Others who open and close one of the files are in nobody's way. */
static void commits_while_others_close(struct mapshare *one, struct mapshare *other)
{
    struct mapshare *both[] = {one, other};
    pid_t closer = fork();

    if (closer == 0)
        for (;;)
            close(open("other", O_RDONLY));
    for (int i = 0; i < 1000; i++) {
        ((unsigned char *)mapshare_addr(one))[0]++;
        ((unsigned char *)mapshare_addr(other))[0]++;
        CHECK(mapshare_commit(both, 2, NULL) == 0);
    }
    CHECK(kill(closer, SIGKILL) == 0 && waitpid(closer, NULL, 0) == closer);
}

/* One without changes has the commit's number too. */
static void waiting_for_an_unchanged_one(struct mapshare *one, struct mapshare *other)
{
    struct mapshare *both[] = {one, other};
    struct mapshare_receipt receipt;
    struct timespec second = {.tv_sec = 1};

    ((unsigned char *)mapshare_addr(one))[0]++;
    CHECK(mapshare_commit(both, 2, &receipt) == 0);
    CHECK(mapshare_wait(one, receipt.sequence, &second) == 0);
    CHECK(mapshare_wait(other, receipt.sequence, &second) == 0);
    CHECK(mapshare_commit(both, 2, &receipt) == 0);
    CHECK(mapshare_wait(other, receipt.sequence, &second) == 0);
}

/* The size, too, is durable by commits only. */
static void sizes(struct mapshare *ms)
{
    CHECK(mapshare_resize(ms, 2 * PAGES * PAGE) == 0);
    CHECK(status_of(ms).size == 2 * PAGES * PAGE && status_of(ms).committed_size == PAGES * PAGE);
    CHECK(mapshare_sync(ms, 0, 0, MS_SYNC, NULL) == 0);
    CHECK(status_of(ms).committed_size == 2 * PAGES * PAGE);
}

static void basics(void)
{
    struct mapshare *one = open_file("one"), *other = open_file("other");

    receipts(one);
    waiting_for_another(one);
    page_states(one);
    commits_of_several(one, other);
    commits_while_others_close(one, other);
    waiting_for_an_unchanged_one(one, other);
    sizes(one);
    CHECK(mapshare_close(one) == 0 && mapshare_close(other) == 0);
}

/* One number on every page of two files, in one commit a round. */
static void pairs(long rounds)
{
    struct mapshare *list[] = {open_file("left"), open_file("right")};

    for (long round = 1; round <= rounds; round++) {
        for (int file = 0; file < 2; file++) {
            for (int page = 0; page < PAGES; page++)
                *(volatile long *)((char *)mapshare_addr(list[file]) + page * PAGE) = round;
        }
        CHECK(mapshare_commit(list, 2, NULL) == 0);
    }
    CHECK(mapshare_close(list[0]) == 0 && mapshare_close(list[1]) == 0);
}

static void equal(void)
{
    struct mapshare *list[] = {open_file("left"), open_file("right")};
    long number = *(long *)mapshare_addr(list[0]);

    CHECK(number > 0);
    for (int file = 0; file < 2; file++) {
        for (int page = 0; page < PAGES; page++)
            CHECK(*(long *)((char *)mapshare_addr(list[file]) + page * PAGE) == number);
    }
    CHECK(mapshare_close(list[0]) == 0 && mapshare_close(list[1]) == 0);
    printf("both files are at commit %ld\n", number);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    CHECK(chdir(argv[2]) == 0);
    if (strcmp(argv[1], "basics") == 0)
        basics();
    else if (strcmp(argv[1], "pairs") == 0)
        pairs(argc > 3 ? atol(argv[3]) : 1);
    else
        equal();
    return 0;
}
