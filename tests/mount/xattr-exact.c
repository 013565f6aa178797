/* The page attributes agree with a model of what this program did, page by page, and reading them moves nothing.
 * Arguments: a file on the mount; "atomic" to try an atomic file. The mount's commit timer must be too slow to interfere. */
#include "config.h"

#include "check.h"

#define PAGES 96
#define ROUNDS 150

enum place { CLEAN, KERNEL, RECEIVED }; /* CLEAN: not dirty; committed or in the store, the checkpoint's business */

static enum place model[PAGES];
static const char *path;
static int fd;
static char *map;
static bool kernel_known = true;

static char *value_of(const char *name)
{
    static char value[65536];
    char full[100];
    ssize_t length;

    snprintf(full, sizeof(full), "user.mapshare.%s", name);
    length = getxattr(path, full, value, sizeof(value) - 1);
    CHECK(length >= 0, "%s", full);
    CHECK(getxattr(path, full, NULL, 0) >= 0, "%s", full);
    value[length] = 0;
    return value;
}

static long number_of(const char *name)
{
    char *end, *value = value_of(name);
    long number;

    if (strcmp(name, "dirty.kernel") == 0 && strcmp(value, "unknown") == 0) {
        kernel_known = false;
        return 0;
    }
    number = strtol(value, &end, 10);
    CHECK(end != value && (*end == 0 || *end == '\n'), "%s is \"%s\"", name, value);
    return number;
}

/* The dirty part of user.mapshare.ranges as one letter a page; also checks order, form and that runs are as long as they can be. */
static void ranges_of(char *letters, long *committed)
{
    char *line, *rest = value_of("ranges");
    long next = 0, last = -1;
    char before[20] = "";

    memset(letters, '.', PAGES);
    letters[PAGES] = 0;
    *committed = 0;
    while ((line = strsep(&rest, "\n")) && *line) {
        long first, end;
        char state[20];

        CHECK(sscanf(line, "%ld-%ld %19s", &first, &end, state) == 3, "line \"%s\"", line);
        CHECK(first >= next && end >= first && end < PAGES, "line \"%s\"", line);
        CHECK(first != last + 1 || strcmp(before, state) != 0, "two runs that are one: \"%s\"", line);
        if (strcmp(state, "kernel") == 0)
            memset(letters + first, 'k', (size_t)(end - first + 1));
        else if (strcmp(state, "received") == 0)
            memset(letters + first, 'r', (size_t)(end - first + 1));
        else if (strcmp(state, "committed") == 0 || strcmp(state, "writeback") == 0)
            *committed += end - first + 1;
        else
            CHECK(false, "line \"%s\"", line);
        next = end + 1;
        last = end;
        strcpy(before, state);
    }
}

static void expect_model(const char *after)
{
    char expected[PAGES + 1] = "", seen[PAGES + 1], again[PAGES + 1];
    long kernel = 0, received = 0, committed;

    for (int i = 0; i < PAGES; i++) {
        kernel += model[i] == KERNEL;
        received += model[i] == RECEIVED;
        expected[i] = ".kr"[model[i]];
    }
    CHECK(number_of("dirty.kernel") == kernel, "%s: expected %ld, seen %s", after, kernel, value_of("dirty.kernel"));
    CHECK(number_of("dirty.received") == received, "%s: expected %ld, seen %s", after, received, value_of("dirty.received"));
    CHECK(number_of("dirty") == kernel + received, "%s: expected %ld, seen %s", after, kernel + received, value_of("dirty"));
    CHECK(number_of("failed") == 0);
    CHECK(number_of("committed") <= PAGES);
    CHECK(number_of("writeback") <= PAGES); /* not their sum: a checkpoint may move pages from one to the other in between */
    ranges_of(seen, &committed);
    ranges_of(again, &committed);
    CHECK(strcmp(seen, expected) == 0, "%s:\nexpected %s\nseen     %s", after, expected, seen);
    CHECK(strcmp(seen, again) == 0, "reading moved a page after %s:\nfirst  %s\nsecond %s", after, seen, again);
    CHECK(strcmp(value_of("error"), "none") == 0 || strcmp(value_of("error"), "none\n") == 0);
}

static void store(int page, uint64_t *random)
{
    map[page * PAGE + (int)(random_next(random) % PAGE)]++;
    model[page] = KERNEL;
}

static void pull(int first, int last)
{
    CHECK(sync_file_range(fd, first * PAGE, (last - first + 1) * PAGE,
                          SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0);
    for (int i = first; i <= last; i++)
        if (model[i] == KERNEL)
            model[i] = RECEIVED;
}

/* msync writes its range and commits whatever of the file has arrived. */
static void commit(int first, int last)
{
    CHECK(msync(map + first * PAGE, (size_t)(last - first + 1) * PAGE, MS_SYNC) == 0);
    for (int i = 0; i < PAGES; i++)
        if (model[i] == RECEIVED || (i >= first && i <= last))
            model[i] = CLEAN;
}

static void write_page(int page, uint64_t *random)
{
    char buffer[PAGE];

    memset(buffer, (int)random_next(random), sizeof(buffer));
    CHECK(pwrite(fd, buffer, sizeof(buffer), page * PAGE) == PAGE);
    if (model[page] != KERNEL) /* a page that a store made dirty stays so in the kernel */
        model[page] = RECEIVED;
}

static void known_pages(void)
{
    static const int stored[] = {0, 3, 4, 5, 17, 63, 95};
    uint64_t random = 1;
    struct stat before, after;
    long sequence;

    for (size_t i = 0; i < sizeof(stored) / sizeof(stored[0]); i++)
        store(stored[i], &random);
    expect_model("seven stores");
    pull(3, 5);
    expect_model("sync_file_range of pages 3 to 5");
    CHECK(stat(path, &before) == 0);
    for (int i = 0; i < 20; i++)
        expect_model("reading again");
    CHECK(stat(path, &after) == 0);
    CHECK(memcmp(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim)) == 0, "reading changed mtime");
    CHECK(memcmp(&before.st_atim, &after.st_atim, sizeof(before.st_atim)) == 0, "reading changed atime");
    CHECK(memcmp(&before.st_ctim, &after.st_ctim, sizeof(before.st_ctim)) == 0, "reading changed ctime");
    store(4, &random);
    expect_model("a store to a received page");
    commit(0, 16);
    expect_model("msync of pages 0 to 16");
    CHECK(sscanf(value_of("commit"), "%ld ", &sequence) == 1 && sequence > 0, "commit is \"%s\"", value_of("commit"));
    commit(0, PAGES - 1);
    expect_model("msync of all");
    CHECK(strtol(value_of("commit"), NULL, 10) > sequence, "a second commit has no higher number");
    store(7, &random);
    CHECK(munmap(map, PAGES * PAGE) == 0);
    model[7] = RECEIVED;
    expect_model("munmap, which sends what is dirty");
    map = map_shared(fd, PAGES * PAGE);
}

static void random_pages(uint64_t random)
{
    for (int round = 0; round < ROUNDS; round++) {
        int first = (int)(random_next(&random) % PAGES), last = first + (int)(random_next(&random) % (uint64_t)(PAGES - first));
        char what[100];

        for (int i = (int)(random_next(&random) % 8); i > 0; i--)
            store((int)(random_next(&random) % PAGES), &random);
        snprintf(what, sizeof(what), "round %d, pages %d to %d", round, first, last);
        expect_model(what);
        switch (random_next(&random) % 4) {
        case 0:
            pull(first, last);
            break;
        case 1:
            commit(first, last);
            break;
        case 2:
            write_page(first, &random);
            break;
        default:
            break;
        }
        expect_model(what);
    }
}

static void refusals(void)
{
    static const char *const names[] = {"dirty",  "dirty.kernel", "dirty.received", "committed", "writeback", "failed",
                                        "ranges", "commit",       "error",          "stats",     "unheard"};
    char small[1], full[100];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(full, sizeof(full), "user.mapshare.%s", names[i]);
        CHECK(setxattr(path, full, "1", 1, 0) == -1 && (errno == EPERM || errno == EACCES), "set %s", full);
        CHECK(removexattr(path, full) == -1 && (errno == EPERM || errno == EACCES || errno == ENODATA), "remove %s", full);
    }
    CHECK(getxattr(path, "user.mapshare.unheard", NULL, 0) == -1 && errno == ENODATA);
    CHECK(getxattr(path, "user.mapshare.stats", NULL, 0) == -1 && errno == ENODATA, "stats belongs to the root only");
    store(1, &(uint64_t){1});
    store(2, &(uint64_t){1});
    CHECK(getxattr(path, "user.mapshare.ranges", small, sizeof(small)) == -1 && errno == ERANGE);
    CHECK(getxattr(path, "user.mapshare.ranges", NULL, 0) > 1);
}

int main(int argc, char **argv)
{
    uint64_t seed = random_seed();

    CHECK(argc >= 2);
    path = argv[1];
    fd = make_file(path, PAGES * PAGE);
    if (argc > 2 && strcmp(argv[2], "atomic") == 0)
        CHECK(setxattr(path, "user.mapshare.atomic", "1", 1, 0) == 0);
    CHECK(fsync(fd) == 0);
    map = map_shared(fd, PAGES * PAGE);
    expect_model("creation");
    number_of("dirty.kernel");
    if (!kernel_known) {
        fprintf(stderr, "dirty.kernel is unknown here: nothing can be checked\n");
        return 77;
    }
    known_pages();
    random_pages(seed);
    refusals();
    printf("%d pages, %d random rounds\n", PAGES, ROUNDS);
    return 0;
}
