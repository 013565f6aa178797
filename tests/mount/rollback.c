/* rollback basics MOUNT OTHER_MOUNT | races MOUNT PLAIN | no-room MOUNT PAGES | kept FILE: what rollback.sh runs. */
#include "config.h"

#include <sys/prctl.h>
#include <sys/uio.h>

#include "cachestat.h"
#include "check.h"
#include "mapshare.h"

#define PAGES 64

static struct mapshare *open_new(const char *name, unsigned flags)
{
    struct mapshare_options options = {.size = PAGES * PAGE, .flags = flags};
    struct mapshare *ms = mapshare_open(name, O_RDWR | O_CREAT, 0644, &options);

    CHECK(ms, "%s", name);
    return ms;
}

static struct mapshare_status status_of(struct mapshare *ms)
{
    struct mapshare_status status;

    CHECK(mapshare_stat(ms, &status, sizeof status) == 0);
    return status;
}

static int64_t stamp_at(struct mapshare *ms, unsigned page)
{
    return stamp_of((char *)mapshare_addr(ms) + page * PAGE, page);
}

static void stamp(struct mapshare *ms, unsigned page, uint64_t generation)
{
    stamp_page((char *)mapshare_addr(ms) + page * PAGE, page, generation);
}

static void roll_back(struct mapshare *ms)
{
    CHECK(mapshare_rollback(&ms, 1, NULL) == 0);
}

static int wait_for(pid_t child)
{
    int status;

    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

/* The latest commit of several files, each of which goes back to its own. */
static void receipts(struct mapshare *one, struct mapshare *other)
{
    struct mapshare *both[] = {one, other, one};
    struct mapshare_receipt first, second, told;

    CHECK(mapshare_rollback(both, 3, &told) == 0 && told.sequence == 0 && told.time.tv_sec == 0);
    CHECK(mapshare_resize(one, PAGES * PAGE) == 0 && mapshare_resize(other, PAGES * PAGE) == 0);
    stamp(one, 0, 1);
    CHECK(mapshare_commit(both, 1, &first) == 0);
    stamp(other, 0, 2);
    CHECK(mapshare_commit(both + 1, 1, &second) == 0 && second.sequence > first.sequence);
    stamp(one, 0, 3);
    stamp(other, 5, 3);
    CHECK(mapshare_rollback(both, 3, &told) == 0);
    CHECK(told.sequence == second.sequence && memcmp(&told.time, &second.time, sizeof told.time) == 0);
    CHECK(stamp_at(one, 0) == 1 && stamp_at(other, 0) == 2 && stamp_at(other, 5) == 0);
    CHECK(status_of(one).commit.sequence == first.sequence && status_of(one).received == 0);
}

static void refusals(struct mapshare *ms, const char *other_mount)
{
    struct mapshare *reader = mapshare_open("one", O_RDONLY, 0, NULL), *list[] = {ms, NULL}, *anonymous = mapshare_anonymous(PAGE);
    char path[PAGE];

    stamp(ms, 1, 7);
    CHECK(reader && mapshare_rollback(&reader, 1, NULL) == -1 && errno == EBADF);
    CHECK(mapshare_rollback(list, 0, NULL) == -1 && errno == EINVAL);
    CHECK(mapshare_rollback(list, 2, NULL) == -1 && errno == EINVAL);
    CHECK(anonymous && mapshare_rollback(&anonymous, 1, NULL) == -1 && errno == ENOTSUP);
    snprintf(path, sizeof path, "%s/other", other_mount);
    list[1] = open_new(path, 0);
    CHECK(mapshare_rollback(list, 2, NULL) == -1 && errno == EXDEV);
    CHECK(stamp_at(ms, 1) == 7, "it was refused, but done");
    roll_back(ms);
    CHECK(mapshare_close(reader) == 0 && mapshare_close(anonymous) == 0 && mapshare_close(list[1]) == 0);
}

/* In every process, whoever made the change and however. */
static void sizes_and_times(struct mapshare *ms)
{
    const struct timespec times[2] = {{1000, 1}, {2000, 2}};
    struct mapshare_status before, after;
    struct stat status;
    int pair[2];
    char byte;
    pid_t child;

    CHECK(mapshare_sync(ms, 0, 0, MS_SYNC, NULL) == 0 && pipe(pair) == 0);
    before = status_of(ms);
    child = fork();
    if (child == 0) {
        struct mapshare *own = open_new("one", 0);

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        CHECK(mapshare_resize(own, 2 * PAGES * PAGE) == 0);
        stamp(own, 2 * PAGES - 1, 8);
        stamp(own, 3, 8);
        CHECK(write(pair[1], "", 1) == 1);
        while (stamp_at(own, 3) == 8) /* it is seen here, too */
            usleep(1000);
        CHECK(mapshare_size(own) == PAGES * PAGE);
        _exit(0);
    }
    CHECK(read(pair[0], &byte, 1) == 1);
    roll_back(ms);
    CHECK(wait_for(child) == 0);
    after = status_of(ms);
    CHECK(after.size == before.size && memcmp(&after.mtime, &before.mtime, sizeof after.mtime) == 0);
    CHECK(memcmp(&after.atime, &before.atime, sizeof after.atime) == 0);
    CHECK(ftruncate(mapshare_fd(ms), 5) == 0 && futimens(mapshare_fd(ms), times) == 0);
    roll_back(ms);
    CHECK(stamp_at(ms, PAGES - 1) == 0, "also if nobody asks for the size");
    after = status_of(ms);
    CHECK(memcmp(&after.mtime, &before.mtime, sizeof after.mtime) == 0);
    CHECK(memcmp(&after.atime, &before.atime, sizeof after.atime) == 0);
    CHECK(fstat(mapshare_fd(ms), &status) == 0 && status.st_size == PAGES * PAGE && stamp_at(ms, 0) == 1);
    CHECK(close(pair[0]) == 0 && close(pair[1]) == 0);
}

/* Nothing is left of it but the name; a file without one goes back, too. */
static void new_and_unlinked_files(unsigned flags)
{
    struct mapshare *ms = open_new("new", flags);

    stamp(ms, 1, 9);
    roll_back(ms);
    CHECK(status_of(ms).size == 0 && access("new", F_OK) == 0);
    CHECK(mapshare_resize(ms, 4 * PAGE) == 0);
    stamp(ms, 1, 10);
    CHECK(mapshare_sync(ms, 0, 0, MS_SYNC, NULL) == 0 && unlink("new") == 0);
    stamp(ms, 1, 11);
    roll_back(ms);
    CHECK(stamp_at(ms, 1) == 10 && stamp_at(ms, 2) == 0);
    CHECK(mapshare_close(ms) == 0);
}

/* The kernel drops these, too: who has such a page has no page of the file any more. */
static void locked_and_pinned_pages(struct mapshare *ms)
{
    struct iovec part = {mapshare_addr(ms), PAGE};
    uint64_t words[PAGE / sizeof(uint64_t)];
    int pair[2];

    CHECK(mlock(mapshare_addr(ms), 4 * PAGE) == 0 && pipe(pair) == 0);
    stamp(ms, 0, 12);
    stamp(ms, 2, 12);
    CHECK(vmsplice(pair[1], &part, 1, 0) == PAGE);
    roll_back(ms);
    CHECK(stamp_at(ms, 0) == 1 && stamp_at(ms, 2) == 0);
    CHECK(read(pair[0], words, PAGE) == PAGE);
    CHECK(stamp_at(ms, 0) == 1, "what was read changes the file");
    CHECK(munlock(mapshare_addr(ms), 4 * PAGE) == 0 && close(pair[0]) == 0 && close(pair[1]) == 0);
}

static void several_at_once(struct mapshare *ms)
{
    pid_t children[4];

    for (unsigned i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i])
            continue;
        for (unsigned j = 0; j < 50; j++) {
            stamp(ms, 8 + i, 100 + j);
            roll_back(ms);
        }
        _exit(0);
    }
    for (unsigned i = 0; i < 4; i++)
        CHECK(wait_for(children[i]) == 0);
    roll_back(ms);
    for (unsigned i = 0; i < 4; i++)
        CHECK(stamp_at(ms, 8 + i) == 0);
}

static void basics(const char *other_mount)
{
    struct mapshare *one = open_new("one", 0), *other = open_new("two", MAPSHARE_OPEN_ATOMIC);

    receipts(one, other);
    refusals(one, other_mount);
    sizes_and_times(one);
    new_and_unlinked_files(0);
    new_and_unlinked_files(MAPSHARE_OPEN_ATOMIC);
    locked_and_pinned_pages(one);
    several_at_once(one);
    CHECK(mapshare_close(one) == 0 && mapshare_close(other) == 0);
}

/* A store that races is kept or gone, but never seen and then not committed: PLAIN/raced is what was seen. */
static void races(const char *plain)
{
    struct mapshare *ms = open_new("raced", MAPSHARE_OPEN_ATOMIC);
    volatile uint64_t *words = mapshare_addr(ms);
    char path[PAGE];
    pid_t racer;
    int fd;

    CHECK(mapshare_sync(ms, 0, 0, MS_SYNC, NULL) == 0);
    racer = fork();
    if (racer == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (uint64_t i = 1; racer == 0; i++) {
        words[(i * 7 % PAGES) * PAGE / sizeof *words] = i;
        if (i % 256 == 0)
            sync_file_range(mapshare_fd(ms), 0, 0, SYNC_FILE_RANGE_WRITE);
    }
    for (unsigned i = 0; i < 300; i++)
        roll_back(ms);
    CHECK(kill(racer, SIGKILL) == 0 && waitpid(racer, NULL, 0) == racer);
    snprintf(path, sizeof path, "%s/raced", plain);
    fd = make_file(path, 0);
    CHECK(write(fd, mapshare_addr(ms), PAGES * PAGE) == PAGES * PAGE && close(fd) == 0);
    CHECK(mapshare_commit(&ms, 1, NULL) == 0 && mapshare_close(ms) == 0);
}

/* More pages than the daemon can take: some are dropped, and the file is torn, until it is rolled back. */
static void no_room(unsigned pages)
{
    int fd = make_file("large", (off_t)pages * PAGE);
    struct mapshare *ms = mapshare_fdopen(fd, NULL);

    CHECK(ms);
    stamp(ms, 0, 1);
    CHECK(mapshare_commit(&ms, 1, NULL) == 0);
    for (unsigned page = 0; page < pages; page++)
        stamp(ms, page, 2);
    CHECK(mapshare_commit(&ms, 1, NULL) == -1 && errno == ENOSPC);
    for (unsigned page = 0; page < pages; page++)
        stamp(ms, page, 3);
    roll_back(ms);
    CHECK(stamp_at(ms, 0) == 1);
    for (unsigned page = 1; page < pages; page++)
        CHECK(stamp_at(ms, page) == 0);
    stamp(ms, 0, 4);
    CHECK(mapshare_commit(&ms, 1, NULL) == 0, "what was dropped is told of, though it is gone");
    CHECK(mapshare_close(ms) == 0);
}

/* Says how many pages of the file the kernel has, each time that it is asked by a line, and brings all in before. */
static void kept(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    volatile char *map = map_shared(fd, PAGES * PAGE);
    struct cache_counts counts;
    char line[8];

    for (unsigned page = 0; page < PAGES; page++)
        (void)map[page * PAGE];
    do {
        CHECK(cache_count(fd, 0, PAGES * PAGE, &counts) == 0);
        printf("%llu\n", (unsigned long long)counts.cached);
    } while (fgets(line, sizeof line, stdin));
}

int main(int argc, char **argv)
{
    CHECK(argc > 2);
    if (strcmp(argv[1], "kept") == 0) {
        kept(argv[2]);
        return 0;
    }
    CHECK(argc == 4 && chdir(argv[2]) == 0);
    if (strcmp(argv[1], "basics") == 0)
        basics(argv[3]);
    else if (strcmp(argv[1], "races") == 0)
        races(argv[3]);
    else
        no_room((unsigned)atol(argv[3]));
    return 0;
}
