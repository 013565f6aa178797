/* Stamps generation after generation over all pages of a file and acknowledges each one that was committed; after a crash of the
 * daemon the file must be exactly one generation, not older than the last acknowledged.
 *   generations write FILE ACKNOWLEDGED PAGES [atomic]   until the mount goes away
 *   generations check FILE ACKNOWLEDGED PAGES [atomic]
 * With "atomic" each generation has a size of its own, and pages are pushed out halfway through a generation. */
#include "config.h"

#include "check.h"

static uint64_t *acknowledged;
static int pages;
static bool atomic;

static int pages_of(uint64_t generation)
{
    return atomic && generation > 0 ? pages + (int)(generation * 7 % 11) : pages;
}

static void write_generations(const char *path)
{
    int fd = open(path, O_RDWR);
    char *map;

    done_if(fd < 0, "open");
    map = map_shared(fd, (size_t)(pages + 11) * PAGE);
    for (uint64_t generation = acknowledged[1] + 1;; generation++) {
        int count = pages_of(generation);

        acknowledged[1] = generation; /* begun */
        if (count != pages_of(generation - 1) || generation == 1)
            done_if((generation % 3 ? ftruncate(fd, (off_t)count * PAGE)
                                    : fallocate(fd, 0, 0, (off_t)count * PAGE) || ftruncate(fd, (off_t)count * PAGE)) != 0,
                    "resize");
        for (int page = 0; page < count; page++) {
            stamp_page(map + (size_t)page * PAGE, (uint64_t)page, generation);
            if (atomic && page == count / 2)
                done_if(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | (generation % 2 ? SYNC_FILE_RANGE_WAIT_AFTER : 0)) != 0,
                        "push");
        }
        done_if((generation % 4 ? msync(map, (size_t)count * PAGE, MS_SYNC) : fsync(fd)) != 0, "sync");
        __atomic_store_n(&acknowledged[0], generation, __ATOMIC_RELEASE);
    }
}

static void check_generation(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY);
    int64_t first, here;
    char buffer[PAGE];

    CHECK(fd >= 0 && fstat(fd, &status) == 0, "%s", path);
    CHECK(pread(fd, buffer, PAGE, 0) == PAGE);
    first = stamp_of(buffer, 0);
    CHECK(first >= 0, "%s: page 0 is torn", path);
    for (int page = 1; page < status.st_size / PAGE; page++) {
        CHECK(pread(fd, buffer, PAGE, (off_t)page * PAGE) == PAGE);
        here = stamp_of(buffer, (uint64_t)page);
        CHECK(here == first, "%s: page %d has generation %ld, page 0 has %ld (acknowledged %lu, begun %lu)", path, page, (long)here,
              (long)first, (unsigned long)acknowledged[0], (unsigned long)acknowledged[1]);
    }
    CHECK(status.st_size == (off_t)pages_of((uint64_t)first) * PAGE, "%s: size %ld with generation %ld", path, (long)status.st_size,
          (long)first);
    CHECK((uint64_t)first >= acknowledged[0] && (uint64_t)first <= acknowledged[1],
          "%s: generation %ld, acknowledged %lu, begun %lu", path, (long)first, (unsigned long)acknowledged[0],
          (unsigned long)acknowledged[1]);
    printf("%s: generation %ld, acknowledged %lu, begun %lu\n", path, (long)first, (unsigned long)acknowledged[0],
           (unsigned long)acknowledged[1]);
    acknowledged[0] = acknowledged[1] = (uint64_t)first;
}

int main(int argc, char **argv)
{
    int fd;

    CHECK(argc >= 5);
    pages = atoi(argv[4]);
    atomic = argc > 5;
    fd = open(argv[3], O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && ftruncate(fd, PAGE) == 0);
    acknowledged = map_shared(fd, PAGE);
    if (strcmp(argv[1], "write") == 0) {
        signal(SIGBUS, gone);
        write_generations(argv[2]);
    }
    check_generation(argv[2]);
    return 0;
}
