/* SEEK_DATA and SEEK_HOLE see every store made before the call, synced or not, by whichever process. Argument: a folder. */
#include "config.h"

#include "check.h"

#define PAGES 256

static void expect(int fd, int whence, off_t from, off_t least, off_t most)
{
    off_t at = lseek(fd, from, whence);

    CHECK(at >= least && at <= most, "from %lld: %lld, expected %lld to %lld", (long long)from, (long long)at, (long long)least,
          (long long)most);
}

static void look(int fd, off_t first, off_t second)
{
    expect(fd, SEEK_DATA, 0, 0, 5 * PAGE);
    expect(fd, SEEK_DATA, first * PAGE, first * PAGE, first * PAGE);
    expect(fd, SEEK_HOLE, first * PAGE, (first + 1) * PAGE, PAGES * PAGE);
    expect(fd, SEEK_DATA, second * PAGE, second * PAGE, second * PAGE);
}

int main(int argc, char **argv)
{
    char *map, *theirs;
    int fd, reader, status;

    CHECK(argc == 2 && chdir(argv[1]) == 0);
    fd = open("seek", O_RDWR | O_CREAT, 0600);
    reader = open("seek", O_RDONLY);
    CHECK(fd >= 0 && reader >= 0 && ftruncate(fd, PAGES * PAGE) == 0 && fsync(fd) == 0);
    map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED);
    map[5 * PAGE] = 'a';
    map[200 * PAGE + 100] = 'b';
    look(fd, 5, 200);
    map[7 * PAGE] = 'c'; /* another, after the answer */
    look(reader, 7, 200);
    if (fork() == 0) {
        theirs = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, open("seek", O_RDWR), 0);
        CHECK(theirs != MAP_FAILED);
        theirs[100 * PAGE] = 'd';
        look(fd, 100, 200);
        _exit(0);
    }
    CHECK(wait(&status) > 0 && status == 0);
    CHECK(close(fd) == 0); /* the mapping alone holds the file open for writing */
    map[150 * PAGE] = 'e';
    look(reader, 150, 200);
    return 0;
}
