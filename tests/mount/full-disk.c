/* A sync that finds no space says ENOSPC, every time, keeps every page, and works once there is space. Arguments: a folder of the
 * mount, whose store is nearly full; a command that makes space. */
#include "config.h"

#include "check.h"

#define PAGES 2000

static void value(const char *name, const char *attribute, char *out, size_t size)
{
    ssize_t length = getxattr(name, attribute, out, size - 1);

    CHECK(length >= 0, "%s", attribute);
    out[length] = 0;
}

static long dirty_pages(const char *name)
{
    char text[40];

    value(name, "user.mapshare.dirty", text, sizeof(text));
    return atol(text);
}

int main(int argc, char **argv)
{
    char text[100], *map, *other;
    double deadline;
    int fd, second;

    CHECK(argc == 3);
    CHECK(chdir(argv[1]) == 0);
    fd = make_file("sparse", (off_t)PAGES * PAGE); /* holes: their blocks are what is missing */
    map = map_shared(fd, (size_t)PAGES * PAGE);
    for (int page = 0; page < PAGES; page++)
        stamp_page(map + (size_t)page * PAGE, (uint64_t)page, 1);
    for (int i = 0; i < 3; i++)
        CHECK(msync(map, (size_t)PAGES * PAGE, MS_SYNC) == -1 && (errno == ENOSPC || errno == EIO), "sync %d", i);
    CHECK(dirty_pages("sparse") == PAGES, "%ld pages dirty", dirty_pages("sparse"));
    value("sparse", "user.mapshare.error", text, sizeof(text));
    CHECK(strncmp(text, "ENOSPC", 6) == 0, "error is %s", text);

    /* By any process, by any descriptor. */
    second = open("sparse", O_RDWR);
    CHECK(fsync(second) == -1 && (errno == ENOSPC || errno == EIO), "fsync of another descriptor");

    /* What needs no space goes on. */
    other = map_shared(open("allocated", O_RDWR), PAGE);
    strcpy(other, "goes on");
    CHECK(msync(other, PAGE, MS_SYNC) == 0, "a file with its blocks allocated");

    /* Nothing is lost to readers. */
    for (int page = 0; page < PAGES; page++) {
        char buffer[PAGE];

        CHECK(stamp_of(map + (size_t)page * PAGE, (uint64_t)page) == 1, "page %d by mapping", page);
        CHECK(pread(second, buffer, PAGE, (off_t)page * PAGE) == PAGE && stamp_of(buffer, (uint64_t)page) == 1, "page %d by read",
              page);
    }
    CHECK(system(argv[2]) == 0);
    deadline = seconds_now() + 15;
    while (msync(map, (size_t)PAGES * PAGE, MS_SYNC) != 0) {
        CHECK(errno == ENOSPC || errno == EIO);
        CHECK(seconds_now() < deadline, "no recovery within 15 s");
        usleep(20000);
    }
    CHECK(fsync(second) == 0, "the error stays on another descriptor");
    CHECK(dirty_pages("sparse") == 0);
    value("sparse", "user.mapshare.error", text, sizeof(text));
    CHECK(strncmp(text, "none", 4) == 0, "error is %s", text);
    printf("%d pages were refused, kept, and committed when there was space\n", PAGES);
    return 0;
}
