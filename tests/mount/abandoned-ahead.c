/* Pages that the daemon journals ahead of a commit that never comes must not hold the journal: files stored to, pushed and cut again
 * and again, then a commit of another file. Argument: a folder of a mount with a journal of 4 MiB. */
#include "config.h"

#include "check.h"

#define PAGES 700

int main(int argc, char **argv)
{
    int fd, other;
    char *map;

    CHECK(argc == 2);
    CHECK(chdir(argv[1]) == 0);
    other = make_file("other", 400 * PAGE);
    CHECK(fsync(other) == 0);
    for (int round = 0; round < 12; round++) {
        fd = make_file("abandoned", PAGES * PAGE);
        map = map_shared(fd, PAGES * PAGE);
        for (int page = 0; page < PAGES; page++)
            stamp_page(map + (size_t)page * PAGE, (uint64_t)page, 1);
        CHECK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0);
        usleep(30000); /* time to journal ahead; only makes the test weaker if it is too short */
        if (round % 2)
            CHECK(ftruncate(fd, 0) == 0);
        munmap(map, PAGES * PAGE);
        close(fd);
        CHECK(unlink("abandoned") == 0);
        map = map_shared(other, 400 * PAGE);
        for (int page = 0; page < 400; page++)
            stamp_page(map + (size_t)page * PAGE, (uint64_t)page, (uint64_t)round + 2);
        munmap(map, 400 * PAGE);
        if (round % 3 == 2)
            CHECK(fsync(other) == 0);
    }
    puts("every commit found room");
    return 0;
}
