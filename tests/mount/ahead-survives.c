/* A large file's pages are journaled ahead of its commit, another file commits in between, then the large one. Both are durable on exit. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

#define SIZE ((size_t)64 << 20)

static char *map_file(const char *path, size_t size, int *fd)
{
    char *map;

    *fd = open(path, O_RDWR);
    CHECK(*fd >= 0, "%s", path);
    map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    CHECK(map != MAP_FAILED, "%s", path);
    return map;
}

int main(int argc, char **argv)
{
    int large_fd, small_fd;
    char *large, *small;

    CHECK(argc == 3);
    large = map_file(argv[1], SIZE, &large_fd);
    small = map_file(argv[2], PAGE, &small_fd);
    memset(large, 'N', SIZE);
    CHECK(sync_file_range(large_fd, 0, (off_t)SIZE,
                          SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0);
    usleep(300000); /* nothing tells when pages were journaled ahead */
    small[0] = 'N';
    CHECK(msync(small, PAGE, MS_SYNC) == 0);
    CHECK(msync(large, SIZE, MS_SYNC) == 0);
    return 0;
}
