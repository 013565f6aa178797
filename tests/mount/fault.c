/* Stores and syncs on a mount whose store fails now and then; nothing may be lost and no error forgotten.
 * Arguments: a folder of the mount, then "journal" (the journal's writes fail for a while) or "checkpoint" (the files' do). */
#include "config.h"

#include "check.h"

#define PAGES 64
#define COMMITS 60

static const char *path = "file";
static char *map;

static char *value_of(const char *name)
{
    static char value[100000];
    char full[100];
    ssize_t length;

    snprintf(full, sizeof(full), "user.mapshare.%s", name);
    length = getxattr(path, full, value, sizeof(value) - 1);
    CHECK(length >= 0, "%s", full);
    value[length] = 0;
    return value;
}

static void store_generation(uint64_t generation)
{
    for (int page = 0; page < PAGES; page++)
        stamp_page(map + page * PAGE, (uint64_t)page, generation);
}

static void expect_generation(int fd, int64_t generation)
{
    char buffer[PAGE];

    for (int page = 0; page < PAGES; page++) {
        CHECK(stamp_of(map + page * PAGE, (uint64_t)page) == generation, "page %d by mapping", page);
        CHECK(pread(fd, buffer, PAGE, page * PAGE) == PAGE && stamp_of(buffer, (uint64_t)page) == generation, "page %d by read",
              page);
    }
}

/* A sync that fails keeps its pages dirty and says why, and a later one takes them along. */
static void journal_fails(int fd)
{
    int failures = 0, tries = 0;

    for (int generation = 1; generation <= COMMITS; generation++) {
        store_generation((uint64_t)generation);
        while (msync(map, PAGES * PAGE, MS_SYNC) != 0) {
            CHECK(errno == EIO, "generation %d", generation);
            CHECK(atol(value_of("dirty")) > 0, "a failed sync left nothing dirty");
            CHECK(strncmp(value_of("error"), "EIO", 3) == 0, "error is %s", value_of("error"));
            expect_generation(fd, generation);
            failures++;
            CHECK(++tries < 2000, "it never heals");
            usleep(5000);
        }
        CHECK(atol(value_of("dirty")) == 0, "dirty after a sync: %s", value_of("dirty"));
        CHECK(strncmp(value_of("error"), "none", 4) == 0, "error is %s", value_of("error"));
    }
    CHECK(failures > 0, "the fault never hit");
    fprintf(stderr, "%d syncs failed, %d commits in the end\n", failures, COMMITS);
    expect_generation(fd, COMMITS);
}

/* Commits succeed, their checkpoint fails for a while: the pages show as failed, every sync tells, and it heals by itself. */
static void checkpoint_fails(int fd)
{
    double deadline = seconds_now() + 12;
    bool told = false;
    int second = open(path, O_RDWR);

    store_generation(1);
    CHECK(msync(map, PAGES * PAGE, MS_SYNC) == 0, "the journal alone makes it durable");
    while (atol(value_of("failed")) == 0) {
        CHECK(seconds_now() < deadline, "no page became failed within 12 s");
        usleep(20000);
    }
    CHECK(strstr(value_of("ranges"), "failed") != NULL, "ranges: %s", value_of("ranges"));
    CHECK(strncmp(value_of("error"), "EIO", 3) == 0, "error is %s", value_of("error"));
    expect_generation(fd, 1);
    if (fsync(second) == -1) { /* it may heal between the two calls */
        CHECK(errno == EIO);
        told = true;
    }
    deadline = seconds_now() + 25;
    while (atol(value_of("failed")) > 0) {
        if (fsync(fd) == -1)
            told = true;
        CHECK(seconds_now() < deadline, "still failed after 25 s: %s", value_of("failed"));
        usleep(20000);
    }
    CHECK(told, "no sync told the error");
    CHECK(fsync(fd) == 0 && fsync(second) == 0, "the error outlives its cause");
    CHECK(strncmp(value_of("error"), "none", 4) == 0, "error is %s", value_of("error"));
    expect_generation(fd, 1);
}

int main(int argc, char **argv)
{
    int fd;

    CHECK(argc == 3);
    CHECK(chdir(argv[1]) == 0);
    fd = make_file(path, PAGES * PAGE);
    map = map_shared(fd, PAGES * PAGE);
    if (strcmp(argv[2], "journal") == 0)
        journal_fails(fd);
    else
        checkpoint_fails(fd);
    return 0;
}
