/* Clients that must notice nothing when the worker is killed. Arguments: a folder of the mount, a folder elsewhere for the expected
 * copies. Runs until SIGTERM, then checks that every result was right and every operation took effect exactly once. */
#include "config.h"

#include <dirent.h>
#include <sys/file.h>
#include <sys/prctl.h>

#include "check.h"

#define PAGES 2000
#define COUNTERS 3

static volatile sig_atomic_t stop;
static const char *folder, *elsewhere;

static void on_stop(int signal)
{
    (void)signal;
    stop = 1;
}

/* Scattered stores and msync; now and then all is compared with a private copy. */
static void storer(int number)
{
    char name[4096], *map, *copy = calloc(PAGES, PAGE);
    uint64_t random = random_seed();
    unsigned rounds = 0;
    int fd;

    snprintf(name, sizeof(name), "%s/stored-%d", folder, number);
    fd = make_file(name, PAGES * PAGE);
    map = map_shared(fd, PAGES * PAGE);
    for (; !stop; rounds++) {
        for (int i = 0; i < 64; i++) {
            size_t at = random_next(&random) % (PAGES * PAGE / 8) * 8;
            uint64_t value = random_next(&random);

            memcpy(map + at, &value, 8);
            memcpy(copy + at, &value, 8);
        }
        CHECK(msync(map, PAGES * PAGE, MS_SYNC) == 0);
        if (rounds % 64 == 0) {
            char buffer[PAGE];

            for (int page = 0; page < PAGES; page++) {
                CHECK(pread(fd, buffer, PAGE, page * PAGE) == PAGE);
                CHECK(memcmp(buffer, copy + page * PAGE, PAGE) == 0, "page %d after %u rounds", page, rounds);
            }
        }
    }
    CHECK(memcmp(map, copy, PAGES * PAGE) == 0);
    snprintf(name, sizeof(name), "%s/stored-%d", elsewhere, number);
    CHECK(write(open(name, O_CREAT | O_WRONLY, 0600), copy, PAGES * PAGE) == PAGES * PAGE);
    fprintf(stderr, "storer: %u commits of 64 pages\n", rounds);
}

/* Every operation on names must succeed, once: a repeated one would give EEXIST or ENOENT. */
static void namer(int number)
{
    unsigned rounds = 0;
    int fd, top;
    char name[4096];

    snprintf(name, sizeof(name), "%s/names-%d", folder, number);
    CHECK(mkdir(name, 0700) == 0);
    top = open(name, O_RDONLY | O_DIRECTORY);
    CHECK(top >= 0 && fchdir(top) == 0);
    for (; !stop; rounds++) {
        snprintf(name, sizeof(name), "kept-%u", rounds);
        fd = open("made", O_CREAT | O_EXCL | O_RDWR, 0600);
        CHECK(fd >= 0, "create in round %u", rounds);
        CHECK(write(fd, &rounds, sizeof(rounds)) == sizeof(rounds));
        CHECK(mkdir("folder", 0700) == 0, "round %u", rounds);
        CHECK(link("made", "folder/linked") == 0, "round %u", rounds);
        CHECK(symlink("made", "symbolic") == 0, "round %u", rounds);
        CHECK(mknod("fifo", S_IFIFO | 0600, 0) == 0, "round %u", rounds);
        CHECK(renameat2(AT_FDCWD, "made", AT_FDCWD, name, RENAME_NOREPLACE) == 0, "round %u", rounds);
        CHECK(renameat2(AT_FDCWD, "symbolic", AT_FDCWD, "fifo", RENAME_EXCHANGE) == 0, "round %u", rounds);
        CHECK(setxattr(name, "user.round", &rounds, sizeof(rounds), XATTR_CREATE) == 0, "round %u", rounds);
        CHECK(rmdir("folder") == -1 && errno == ENOTEMPTY, "round %u", rounds);
        CHECK(unlink("folder/linked") == 0, "round %u", rounds);
        CHECK(rmdir("folder") == 0, "round %u", rounds);
        CHECK(unlink("symbolic") == 0 && unlink("fifo") == 0, "round %u", rounds);
        close(fd);
    }
    for (unsigned i = 0; i < rounds; i++) {
        unsigned content = 0, attribute = 0;
        struct stat status;

        snprintf(name, sizeof(name), "kept-%u", i);
        fd = open(name, O_RDONLY);
        CHECK(fd >= 0, "%s is lost", name);
        CHECK(read(fd, &content, sizeof(content)) == sizeof(content) && content == i, "%s", name);
        CHECK(fgetxattr(fd, "user.round", &attribute, sizeof(attribute)) == sizeof(attribute) && attribute == i, "%s", name);
        CHECK(fstat(fd, &status) == 0 && status.st_nlink == 1, "%s has %lu links", name, (unsigned long)status.st_nlink);
        close(fd);
    }
    fprintf(stderr, "namer: %u rounds of 13 operations\n", rounds);
}

/* Appended records arrive once each, in order. */
static void appender(int number)
{
    char name[4096];
    uint64_t record, count = 0;
    int fd;

    snprintf(name, sizeof(name), "%s/appended-%d", folder, number);
    fd = open(name, O_CREAT | O_EXCL | O_RDWR | O_APPEND, 0600);
    CHECK(fd >= 0);
    for (; !stop; count++)
        CHECK(write(fd, &count, sizeof(count)) == sizeof(count));
    CHECK(fsync(fd) == 0);
    for (uint64_t i = 0; i < count; i++)
        CHECK(pread(fd, &record, sizeof(record), (off_t)(i * sizeof(record))) == sizeof(record) && record == i, "record %lu", i);
    CHECK(lseek(fd, 0, SEEK_END) == (off_t)(count * sizeof(record)), "records were doubled");
    fprintf(stderr, "appender: %lu records\n", (unsigned long)count);
}

/* Locks exclude each other through the deaths: a counter guarded by them loses nothing. */
static void counter(int number)
{
    char name[4096];
    volatile uint64_t *shared;
    uint64_t mine = 0;
    int fd;

    snprintf(name, sizeof(name), "%s/counted", folder);
    fd = open(name, O_RDWR);
    CHECK(fd >= 0);
    shared = map_shared(fd, PAGE);
    for (; !stop; mine++) {
        struct flock region = {.l_type = F_WRLCK, .l_len = 1};
        uint64_t before;

        if (number % 2)
            CHECK(flock(fd, LOCK_EX) == 0);
        CHECK(fcntl(fd, F_SETLKW, &region) == 0);
        before = shared[0];
        if (mine % 16 == 0)
            usleep(100);
        shared[0] = before + 1;
        region.l_type = F_UNLCK;
        CHECK(fcntl(fd, F_SETLK, &region) == 0);
        if (number % 2)
            CHECK(flock(fd, LOCK_UN) == 0);
    }
    shared[1 + number] = mine;
}

/* Several processes store to one file, each to pages of its own, and sync what suits them. */
static void sharer(int number)
{
    static uint64_t generations[PAGES];
    uint64_t random = random_seed(), rounds = 0;
    char name[4096], buffer[PAGE], *map;
    int fd;

    snprintf(name, sizeof(name), "%s/shared", folder);
    fd = open(name, O_RDWR);
    CHECK(fd >= 0);
    map = map_shared(fd, PAGES * PAGE);
    for (; !stop; rounds++) {
        uint64_t first = random_next(&random) % PAGES, count = random_next(&random) % (PAGES - first) + 1, page;

        for (int i = 0; i < 20; i++) {
            page = random_next(&random) % (PAGES / 4) * 4 + (uint64_t)number % 4;
            stamp_page(map + page * PAGE, page, ++generations[page]);
        }
        CHECK(msync(map + first * PAGE, count * PAGE, MS_SYNC) == 0);
        for (int i = 0; i < 20; i++) {
            page = random_next(&random) % (PAGES / 4) * 4 + (uint64_t)number % 4;
            CHECK(pread(fd, buffer, PAGE, (off_t)page * PAGE) == PAGE);
            CHECK(stamp_of(buffer, page) == (int64_t)generations[page], "page %lu", (unsigned long)page);
        }
        if (rounds % 16 == 0)
            CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
    }
    for (uint64_t page = (uint64_t)number % 4; page < PAGES; page += 4)
        CHECK(stamp_of(map + page * PAGE, page) == (int64_t)generations[page], "page %lu", (unsigned long)page);
    fprintf(stderr, "sharer: %lu rounds\n", (unsigned long)rounds);
}

static void (*const jobs[])(int) = {storer, storer, namer, appender, counter, counter, counter, sharer, sharer, sharer};
#define JOBS (int)(sizeof(jobs) / sizeof(jobs[0]))

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    char name[4096];
    pid_t pids[JOBS];
    uint64_t *counted, sum = 0;
    int fd, failures = 0;

    CHECK(argc == 3);
    folder = argv[1];
    elsewhere = argv[2];
    snprintf(name, sizeof(name), "%s/shared", folder);
    close(make_file(name, PAGES * PAGE));
    snprintf(name, sizeof(name), "%s/counted", folder);
    fd = make_file(name, PAGE);
    sigaction(SIGTERM, &action, NULL);
    for (int i = 0; i < JOBS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            jobs[i](i);
            _exit(0);
        }
    }
    CHECK(write(1, "ready\n", 6) == 6);
    while (!stop)
        pause();
    for (int i = 0; i < JOBS; i++)
        kill(pids[i], SIGTERM);
    for (int i = 0; i < JOBS; i++) {
        int status;

        CHECK(waitpid(pids[i], &status, 0) == pids[i]);
        failures += status != 0;
    }
    CHECK(failures == 0, "%d of %d clients failed", failures, JOBS);
    counted = map_shared(fd, PAGE);
    for (int i = 0; i < JOBS; i++)
        sum += counted[1 + i];
    CHECK(sum == counted[0], "counted %lu under locks, %lu were made", (unsigned long)counted[0], (unsigned long)sum);
    fprintf(stderr, "counters: %lu\n", (unsigned long)sum);
    return 0;
}
