/* snapshot basics MOUNT OTHER_MOUNT | groups MOUNT SECONDS | holds FILE | stranger MOUNT: what snapshot.sh runs. */
#include "config.h"

#include <dirent.h>
#include <sys/ioctl.h>

#include "check.h"
#include "mapshare-abi.h"
#include "mapshare.h"

#define PAGES 64
#define GROUPS 3
#define OF_GROUP 3
#define READERS 2

static struct mapshare *open_at(const char *folder, const char *name, unsigned pages)
{
    struct mapshare_options options = {.size = (uint64_t)pages * PAGE, .flags = MAPSHARE_OPEN_ATOMIC};
    struct mapshare *ms;
    char path[PAGE];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    ms = mapshare_open(path, O_RDWR | O_CREAT, 0644, &options);
    CHECK(ms, "%s", path);
    return ms;
}

static void stamp(struct mapshare *ms, uint64_t page, uint64_t generation)
{
    stamp_page((char *)mapshare_addr(ms) + page * PAGE, page, generation);
}

static void commit(struct mapshare *ms)
{
    CHECK(mapshare_commit(&ms, 1, NULL) == 0);
}

static struct mapshare_view *take(struct mapshare *ms)
{
    struct mapshare_view *snapshot = mapshare_snapshot(&ms, 1, 0);

    CHECK(snapshot);
    return snapshot;
}

static int64_t read_stamp(struct mapshare_view *snapshot, size_t index, uint64_t page)
{
    uint64_t bytes[PAGE / 8];

    CHECK(mapshare_snapshot_read(snapshot, index, bytes, PAGE, page * PAGE) == PAGE);
    return stamp_of(bytes, page);
}

/* ---- one process ---- */

static void stands_still(const char *mount)
{
    struct mapshare *ms = open_at(mount, "one", PAGES), *other = open_at(mount, "two", 1), *list[] = {ms, other, ms};
    struct mapshare_view *first, *second;
    struct mapshare_receipt receipt;
    uint64_t size;
    char byte;

    for (unsigned i = 0; i < PAGES; i++)
        stamp(ms, i, 1);
    CHECK(mapshare_commit(list, 3, &receipt) == 0);
    stamp(ms, 5, 2); /* not committed */
    first = mapshare_snapshot(list, 3, 0);
    CHECK(first && mapshare_snapshot_sequence(first) == receipt.sequence);
    CHECK(mapshare_resize(ms, 2 * PAGE + 10) == 0);
    commit(ms);
    second = take(ms);
    CHECK(mapshare_resize(ms, PAGES * PAGE) == 0);
    stamp(ms, 7, 3);
    commit(ms);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK(read_stamp(first, 0, i) == 1 && read_stamp(first, 2, i) == 1, "page %u", i);
    CHECK(mapshare_snapshot_size(first, 2, &size) == 0 && size == PAGES * PAGE);
    CHECK(mapshare_snapshot_size(first, 1, &size) == 0 && size == PAGE);
    CHECK(mapshare_snapshot_size(second, 0, &size) == 0 && size == 2 * PAGE + 10);
    CHECK(read_stamp(second, 0, 1) == 1);
    CHECK(mapshare_snapshot_read(second, 0, &byte, 1, size - 1) == 1 && mapshare_snapshot_read(second, 0, &byte, 1, size) == 0);
    CHECK(mapshare_snapshot_read(second, 0, &byte, 1, UINT64_C(1) << 50) == 0);
    CHECK(mapshare_close(ms) == 0 && mapshare_close(other) == 0); /* it goes on */
    CHECK(read_stamp(first, 0, 5) == 1);
    CHECK(mapshare_snapshot_close(first) == 0 && mapshare_snapshot_close(second) == 0);
}

/* Long reads, of any length and place. */
static void all_at_once(const char *mount)
{
    enum { LARGE = 1500 };
    struct mapshare *ms = open_at(mount, "large", LARGE);
    unsigned char *before = malloc(LARGE * PAGE), *after = malloc(LARGE * PAGE);
    uint64_t random = random_seed();
    struct mapshare_view *snapshot;

    for (unsigned i = 0; i < LARGE; i++)
        stamp(ms, i, i % 7);
    commit(ms);
    memcpy(before, mapshare_addr(ms), LARGE * PAGE);
    snapshot = take(ms);
    for (unsigned i = 0; i < 500; i++)
        stamp(ms, random_next(&random) % LARGE, 9);
    commit(ms);
    CHECK(mapshare_snapshot_read(snapshot, 0, after, LARGE * PAGE + 1000, 0) == LARGE * PAGE);
    CHECK(memcmp(before, after, LARGE * PAGE) == 0);
    for (unsigned i = 0; i < 200; i++) {
        uint64_t from = random_next(&random) % (LARGE * PAGE), length = random_next(&random) % (LARGE * PAGE - from);

        CHECK(mapshare_snapshot_read(snapshot, 0, after, length, from) == (ssize_t)length);
        CHECK(memcmp(before + from, after, length) == 0, "%llu bytes at %llu", (unsigned long long)length,
              (unsigned long long)from);
    }
    CHECK(mapshare_snapshot_close(snapshot) == 0 && mapshare_close(ms) == 0);
    free(before);
    free(after);
}

/* Its last name goes, and its last open: what it was can be read to the end. */
static void of_a_removed_file(const char *mount)
{
    struct mapshare *ms = open_at(mount, "removed", 4);
    struct mapshare_view *snapshot;
    char path[PAGE];

    stamp(ms, 1, 1);
    commit(ms);
    snapshot = take(ms);
    snprintf(path, sizeof path, "%s/removed", mount);
    CHECK(unlink(path) == 0 && mapshare_close(ms) == 0);
    for (int i = 0; i < 3; i++) {
        CHECK(read_stamp(snapshot, 0, 1) == 1 && read_stamp(snapshot, 0, 2) == 0);
        usleep(1000);
    }
    CHECK(mapshare_snapshot_close(snapshot) == 0);
}

static bool is_listed(const char *mount)
{
    DIR *folder = opendir(mount);
    struct dirent *entry;
    bool found = false;

    while ((entry = readdir(folder)))
        found |= strcmp(entry->d_name, MAPSHARE_SNAPSHOT_NAME) == 0;
    closedir(folder);
    return found;
}

static void refusals(const char *mount, const char *other_mount)
{
    struct mapshare *ms = open_at(mount, "one", PAGES), *list[] = {ms, NULL}, *anonymous = mapshare_anonymous(PAGE);
    struct mapshare_view *snapshot = take(ms);
    uint64_t group = 77, size;
    char path[PAGE], byte;
    int fd;

    CHECK(!mapshare_snapshot(list, 0, 0) && errno == EINVAL);
    CHECK(!mapshare_snapshot(list, 2, 0) && errno == EINVAL);
    CHECK(!mapshare_snapshot(list, 1, 1) && errno == EINVAL);
    CHECK(!mapshare_snapshot(&anonymous, 1, 0) && errno == ENOTSUP);
    list[1] = open_at(other_mount, "other", 1);
    CHECK(!mapshare_snapshot(list, 2, 0) && errno == EXDEV);
    CHECK(mapshare_snapshot_read(snapshot, 1, &byte, 1, 0) == -1 && errno == EINVAL);
    CHECK(mapshare_snapshot_read(snapshot, 0, &byte, 1, UINT64_MAX) == -1 && errno == EINVAL);
    CHECK(mapshare_snapshot_size(snapshot, 1, &size) == -1 && errno == EINVAL);
    CHECK(mapshare_snapshot_close(NULL) == -1 && errno == EINVAL);
    snprintf(path, sizeof path, "%s/%s", mount, MAPSHARE_SNAPSHOT_NAME);
    CHECK(open(path, O_RDWR) == -1 && errno == EACCES);
    CHECK(!is_listed(mount));
    CHECK(mkdir(path, 0700) == -1 && rename(path, "/tmp") == -1 && unlink(path) == -1);
    fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && read(fd, &byte, 1) == -1 && errno == EINVAL);
    snprintf(path, sizeof path, "%s/one", mount);
    CHECK(close(fd) == 0 && (fd = open(path, O_WRONLY)) >= 0);
    CHECK(ioctl(fd, MAPSHARE_IOC_SNAPSHOT_ADD, &group) == -1 && errno == EBADF, "who may not read may not take one");
    /* What was put together to be read is not to be committed. */
    CHECK(close(fd) == 0 && (fd = open(path, O_RDONLY)) >= 0);
    CHECK(ioctl(fd, MAPSHARE_IOC_SNAPSHOT_ADD, &group) == 0);
    CHECK(ioctl(fd, MAPSHARE_IOC_COMMIT, &(struct mapshare_abi_commit){.group = group, .files = 1}) == -1 && errno == ESTALE);
    CHECK(close(fd) == 0 && mapshare_snapshot_close(snapshot) == 0);
    CHECK(mapshare_close(ms) == 0 && mapshare_close(list[1]) == 0 && mapshare_close(anonymous) == 0);
}

/* ---- several ---- */

static void write_groups(const char *mount, unsigned number, double until)
{
    struct mapshare *files[OF_GROUP];
    uint64_t random = random_seed() + number;
    char name[32];

    for (unsigned i = 0; i < OF_GROUP; i++) {
        snprintf(name, sizeof name, "group%u-%u", number, i);
        files[i] = open_at(mount, name, PAGES);
    }
    for (uint64_t generation = 1; seconds_now() < until; generation++) {
        for (unsigned i = 0; i < OF_GROUP; i++) {
            uint64_t pages = 1 + random_next(&random) % PAGES;

            /* Not mapshare_resize: others have it mapped, though they store nothing. */
            CHECK(ftruncate(mapshare_fd(files[i]), (off_t)(generation % 4 ? PAGES : pages) * PAGE) == 0);
            stamp(files[i], 0, generation); /* the first has the generation; the others are of it or older */
            for (unsigned j = 1; j < pages; j++)
                stamp(files[i], j, generation);
        }
        CHECK(mapshare_commit(files, OF_GROUP, NULL) == 0);
    }
    _exit(0);
}

/* All files of a group have one generation, none of whose pages is newer, and read again they are the same. */
static void check_groups(struct mapshare_view *snapshot)
{
    int64_t found[GROUPS * OF_GROUP][PAGES];

    for (unsigned turn = 0; turn < 2; turn++) {
        for (unsigned i = 0; i < GROUPS * OF_GROUP; i++) {
            unsigned char bytes[PAGES * PAGE];
            ssize_t n = mapshare_snapshot_read(snapshot, i, bytes, sizeof bytes, 0);
            uint64_t size;

            CHECK(n > 0 && mapshare_snapshot_size(snapshot, i, &size) == 0 && (ssize_t)size == n);
            for (unsigned j = 0; j < PAGES; j++) {
                int64_t generation = j * PAGE < size ? stamp_of(bytes + j * PAGE, j) : 0;

                CHECK(generation >= 0 && (j == 0 || generation <= found[i][0]), "file %u page %u", i, j);
                CHECK(!turn || generation == found[i][j], "file %u page %u", i, j);
                found[i][j] = generation;
            }
            CHECK(found[i][0] == found[i / OF_GROUP * OF_GROUP][0], "file %u is of another commit", i);
        }
    }
}

static void read_groups(const char *mount, double until)
{
    struct mapshare *files[GROUPS * OF_GROUP];
    struct mapshare_view *old = NULL, *snapshot;
    char name[32];

    for (unsigned i = 0; i < GROUPS * OF_GROUP; i++) {
        snprintf(name, sizeof name, "group%u-%u", i / OF_GROUP, i % OF_GROUP);
        files[i] = open_at(mount, name, PAGES);
    }
    for (unsigned count = 0; seconds_now() < until || count < 20; count++) {
        snapshot = mapshare_snapshot(files, GROUPS * OF_GROUP, 0);
        CHECK(snapshot && (!old || mapshare_snapshot_sequence(snapshot) >= mapshare_snapshot_sequence(old)));
        check_groups(snapshot);
        if (old)
            check_groups(old); /* it has lived long */
        if (count % 5 == 0) {
            if (old)
                CHECK(mapshare_snapshot_close(old) == 0);
            old = snapshot;
        } else {
            CHECK(mapshare_snapshot_close(snapshot) == 0);
        }
    }
    _exit(0);
}

static void groups(const char *mount, double seconds)
{
    double until = seconds_now() + seconds;
    int status;

    for (unsigned i = 0; i < GROUPS; i++) {
        if (fork() == 0)
            write_groups(mount, i, until + 1);
    }
    usleep(200000); /* all have committed once, or their files are empty */
    for (unsigned i = 0; i < READERS; i++) {
        if (fork() == 0)
            read_groups(mount, until);
    }
    for (unsigned i = 0; i < GROUPS + READERS; i++)
        CHECK(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Says "taken"; then for each line read, whether the snapshot is as it was: "same", or an error's name. */
static void holds(const char *file)
{
    struct mapshare *ms = mapshare_open(file, O_RDONLY, 0, NULL);
    struct mapshare_view *snapshot;
    uint64_t before[PAGE / 8], now[PAGE / 8];
    char line[16];

    CHECK(ms);
    snapshot = take(ms);
    CHECK(mapshare_snapshot_read(snapshot, 0, before, PAGE, 0) == PAGE);
    puts("taken");
    while (fgets(line, sizeof line, stdin)) {
        ssize_t n = mapshare_snapshot_read(snapshot, 0, now, PAGE, 0);

        puts(n < 0 ? strerrorname_np(errno) : memcmp(before, now, PAGE) ? "changed" : "same");
    }
}

/* Of another user, who may not read the file. */
static void stranger(const char *mount)
{
    char path[PAGE], byte;
    int fd;

    CHECK(setgid(65534) == 0 && setuid(65534) == 0);
    snprintf(path, sizeof path, "%s/secret", mount);
    CHECK(open(path, O_RDONLY) == -1 && errno == EACCES);
    snprintf(path, sizeof path, "%s/%s", mount, MAPSHARE_SNAPSHOT_NAME);
    fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && read(fd, &byte, 1) == -1 && errno == EINVAL);
    CHECK(ioctl(fd, MAPSHARE_IOC_SNAPSHOT, &(struct mapshare_abi_commit){.group = 77, .files = 1}) == -1 && errno == ESTALE);
}

int main(int argc, char **argv)
{
    CHECK(argc > 2);
    if (!strcmp(argv[1], "basics")) {
        CHECK(argc > 3);
        stands_still(argv[2]);
        all_at_once(argv[2]);
        of_a_removed_file(argv[2]);
        refusals(argv[2], argv[3]);
    } else if (!strcmp(argv[1], "groups")) {
        groups(argv[2], atof(argv[3]));
    } else if (!strcmp(argv[1], "holds")) {
        holds(argv[2]);
    } else {
        stranger(argv[2]);
    }
    return 0;
}
