/* Prints what reads, writes, truncates, allocations and mappings of one file show of each other. Argument: an empty folder. */
#include "config.h"

#include <setjmp.h>
#include <sys/uio.h>

#include "check.h"

static sigjmp_buf after_fault;
static volatile sig_atomic_t touching;

static void on_fault(int signal)
{
    if (!touching)
        _exit(128 + signal);
    siglongjmp(after_fault, signal);
}

/* 0: the load went well; else the signal. */
static int touch(const volatile char *address)
{
    int signal = sigsetjmp(after_fault, 1);

    touching = 1;
    if (signal == 0)
        (void)*address;
    touching = 0;
    return signal;
}

static void digest(const char *what, int fd)
{
    struct stat status;
    char buffer[PAGE];
    uint64_t hash = 14695981039346656037u;
    ssize_t n;
    off_t at = 0;

    while ((n = pread(fd, buffer, sizeof(buffer), at)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            hash = (hash ^ (unsigned char)buffer[i]) * 1099511628211u;
        at += n;
    }
    CHECK(fstat(fd, &status) == 0);
    printf("%s: size %lld, read %lld, content %016llx\n", what, (long long)status.st_size, (long long)at, (unsigned long long)hash);
}

static void append(void)
{
    int first = open("append", O_CREAT | O_RDWR | O_APPEND, 0644), second = open("append", O_WRONLY | O_APPEND), third;
    char buffer[32] = "";

    TRY(write(first, "one ", 4));
    TRY(write(second, "two ", 4));
    TRY(write(first, "three ", 6));
    TRY(pwrite(first, "four ", 5, 0));
    TRY(lseek(first, 0, SEEK_CUR));
    TRY(pread(first, buffer, sizeof(buffer), 0));
    puts(buffer);
    third = open("append", O_RDWR);
    TRY(pwritev2(third, &(struct iovec){(char[]){"five"}, 4}, 1, -1, RWF_APPEND));
    TRY(fcntl(third, F_SETFL, O_APPEND));
    TRY(pwrite(third, "six", 3, 0));
    digest("append", third);
    TRY(write(open("append", O_RDONLY), "x", 1));
    TRY(read(second, buffer, 1));
    close(first);
    close(second);
    close(third);
}

static void truncate_open(void)
{
    int fd = make_file("trunc", 3 * PAGE), again;
    char *map = map_shared(fd, 3 * PAGE);

    memset(map, 'x', 3 * PAGE);
    again = open("trunc", O_RDWR | O_TRUNC);
    digest("O_TRUNC", fd);
    TRY(touch(map));
    TRY(pwrite(again, "fresh", 5, 0));
    TRY(touch(map));
    TRY(touch(map + PAGE));
    printf("%.5s %d\n", map, map[5]);
    TRY(msync(map, 3 * PAGE, MS_SYNC));
    digest("after", fd);
    munmap(map, 3 * PAGE);
    close(fd);
    close(again);
}

static void truncate_under_mapping(void)
{
    int fd = make_file("under", 8 * PAGE);
    char *map = map_shared(fd, 8 * PAGE);

    for (int i = 0; i < 8; i++)
        memset(map + i * PAGE, 'a' + i, PAGE);
    TRY(ftruncate(fd, 2 * PAGE + 100));
    TRY(touch(map + 2 * PAGE));
    TRY(touch(map + 3 * PAGE));
    TRY(touch(map + 7 * PAGE));
    digest("shrunk", fd);
    strcpy(map + 2 * PAGE + 200, "beyond the end, in the last page");
    digest("stored beyond the end", fd);
    TRY(msync(map, 3 * PAGE, MS_SYNC));
    digest("synced", fd);
    TRY(ftruncate(fd, 8 * PAGE));
    TRY(touch(map + 3 * PAGE));
    TRY(touch(map + 7 * PAGE));
    printf("%d %d %d\n", map[2 * PAGE + 200], map[3 * PAGE], map[7 * PAGE]);
    digest("grown by ftruncate", fd);
    map[7 * PAGE] = 'z';
    digest("stored", fd);

    TRY(ftruncate(fd, 100));
    TRY(fallocate(fd, 0, 0, 2 * PAGE)); /* stored beyond the end before: see mapshare-limits(7) */
    digest("grown by fallocate", fd);
    TRY(ftruncate(fd, 100));
    TRY(pwrite(fd, "!", 1, PAGE + 5));
    digest("grown by write", fd);
    TRY(ftruncate(fd, 0));
    TRY(touch(map));
    TRY(ftruncate(fd, PAGE));
    TRY(map[100]);
    munmap(map, 8 * PAGE);
    close(fd);
}

static void direct(void)
{
    char *aligned = aligned_alloc(PAGE, 4 * PAGE), buffer[8];
    int fd = make_file("direct", 8 * PAGE), raw = open("direct", O_RDWR | O_DIRECT);
    char *map = map_shared(fd, 8 * PAGE);

    TRY(raw >= 0);
    memset(aligned, 'd', 4 * PAGE);
    memset(map, 'm', 8 * PAGE);
    TRY(pread(raw, aligned, PAGE, 2 * PAGE));
    TRY(aligned[0]);
    memset(aligned, 'd', 4 * PAGE);
    TRY(pwrite(raw, aligned, 2 * PAGE, 3 * PAGE));
    TRY(map[3 * PAGE]);
    TRY(map[5 * PAGE]);
    TRY(pread(fd, buffer, 8, 4 * PAGE));
    TRY(buffer[0]);
    map[4 * PAGE] = 'n';
    TRY(pread(raw, aligned, 2 * PAGE, 4 * PAGE));
    TRY(aligned[0]);
    TRY(aligned[1]);
    TRY(pwrite(fd, "buffered", 8, 0));
    TRY(pread(raw, aligned, PAGE, 0));
    TRY(memcmp(aligned, "buffered", 8));
    TRY(pwrite(raw, aligned, PAGE, 8 * PAGE));
    digest("O_DIRECT", fd);
    TRY(pread(raw, aligned, 2 * PAGE, 8 * PAGE));
    TRY(pread(raw, aligned, PAGE, 20 * PAGE));
    munmap(map, 8 * PAGE);
    close(fd);
    close(raw);
    free(aligned);
}

static void whence(int fd, off_t at)
{
    off_t data = lseek(fd, at, SEEK_DATA), hole;
    int data_error = errno;

    hole = lseek(fd, at, SEEK_HOLE);
    printf("from %lld: data %lld (%s), hole %lld\n", (long long)at, (long long)data, data < 0 ? strerrorname_np(data_error) : "",
           (long long)hole);
}

static void holes(void)
{
    struct stat status;
    int fd = make_file("holes", 64 * PAGE);
    char *map = map_shared(fd, 64 * PAGE);

    whence(fd, 0);
    map[10 * PAGE] = 1;
    map[11 * PAGE + 7] = 1;
    map[40 * PAGE] = 1;
    TRY(sync_file_range(fd, 0, 64 * PAGE, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)); /* in frames only */
    whence(fd, 0);
    whence(fd, 10 * PAGE + 5);
    whence(fd, 12 * PAGE);
    whence(fd, 41 * PAGE);
    whence(fd, 64 * PAGE);
    whence(fd, 65 * PAGE);
    TRY(pwrite(fd, "x", 1, 30 * PAGE));
    TRY(fstat(fd, &status));
    TRY(status.st_blocks >= 4 * 8); /* counted before they are in the store: tar and du look at it */
    whence(fd, 12 * PAGE);
    TRY(fsync(fd));
    whence(fd, 0);
    whence(fd, 12 * PAGE);
    whence(fd, 31 * PAGE);
    TRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 11 * PAGE, 20 * PAGE));
    TRY(map[11 * PAGE + 7]);
    whence(fd, 0);
    whence(fd, 11 * PAGE);
    TRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10 * PAGE + 5, 10));
    TRY(map[10 * PAGE]);
    TRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10 * PAGE - 100, 200));
    TRY(map[10 * PAGE]);
    digest("punched", fd);
    TRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, PAGE));
    TRY(ftruncate(fd, 20 * PAGE));
    TRY(ftruncate(fd, 64 * PAGE));
    TRY(map[40 * PAGE]);
    whence(fd, 11 * PAGE);
    munmap(map, 64 * PAGE);
    close(fd);
}

static void allocate(void)
{
    struct stat status;
    int fd = make_file("allocate", 0);
    char *map;

    TRY(fallocate(fd, 0, 0, 4 * PAGE));
    TRY(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 64 * PAGE));
    TRY(fstat(fd, &status));
    TRY(status.st_size);
    TRY(status.st_blocks >= 64 * 8);
    map = map_shared(fd, 4 * PAGE);
    memset(map, 'f', 4 * PAGE);
    TRY(fallocate(fd, FALLOC_FL_ZERO_RANGE, PAGE + 10, PAGE));
    TRY(map[PAGE + 9]);
    TRY(map[PAGE + 10]);
    TRY(map[2 * PAGE + 9]);
    TRY(map[2 * PAGE + 10]);
    TRY(fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 3 * PAGE, 3 * PAGE));
    TRY(fstat(fd, &status));
    TRY(status.st_size);
    TRY(fallocate(fd, FALLOC_FL_ZERO_RANGE, 3 * PAGE, 3 * PAGE));
    digest("zeroed", fd);
    TRY(fsync(fd));
    digest("synced", fd);
    TRY(fallocate(fd, 0, -1, 10));
    TRY(fallocate(fd, 0, 0, 0));
    TRY(fallocate(open("allocate", O_RDONLY), 0, 0, 10));
    TRY(posix_fallocate(fd, 10 * PAGE, PAGE));
    digest("allocated", fd);
    munmap(map, 4 * PAGE);
    close(fd);
}

static void copy_ranges(void)
{
    int from = make_file("from", 8 * PAGE), to = make_file("to", 2 * PAGE);
    char *source = map_shared(from, 8 * PAGE), *target = map_shared(to, 2 * PAGE);
    loff_t in = 100, out = 50;

    for (int i = 0; i < 8 * PAGE; i++)
        source[i] = (char)(i / 7);
    memset(target, 't', 2 * PAGE);
    TRY(copy_file_range(from, &in, to, &out, 5 * PAGE, 0));
    TRY(in);
    TRY(out);
    TRY(memcmp(target + 50, source + 100, 2 * PAGE - 50));
    digest("copied", to);
    in = 7 * PAGE;
    out = 20 * PAGE;
    TRY(copy_file_range(from, &in, to, &out, 5 * PAGE, 0));
    digest("copied to the end", to);
    in = 0;
    out = PAGE;
    TRY(copy_file_range(from, &in, from, &out, 2 * PAGE, 0));
    out = 4 * PAGE;
    TRY(copy_file_range(from, &in, from, &out, 2 * PAGE, 0));
    digest("copied within", from);
    in = 100 * PAGE;
    TRY(copy_file_range(from, &in, to, &out, PAGE, 0));
    munmap(source, 8 * PAGE);
    munmap(target, 2 * PAGE);
    close(from);
    close(to);
}

static void sizes(void)
{
    int fd = make_file("sizes", 0);
    char byte;

    TRY(ftruncate(fd, 1LL << 40));
    TRY(pwrite(fd, "x", 1, 1LL << 41));
    TRY(pread(fd, &byte, 1, 1LL << 41));
    TRY(byte);
    TRY(pread(fd, &byte, 1, 1LL << 40));
    TRY(lseek(fd, 0, SEEK_END));
    TRY(lseek(fd, 1LL << 40, SEEK_DATA));
    TRY(fsync(fd));
    TRY(ftruncate(fd, 5));
    TRY(ftruncate(fd, 1LL << 62)); /* where it is allowed, not to be read through */
    CHECK(ftruncate(fd, 5) == 0);
    TRY(ftruncate(fd, -1));
    TRY(pwrite(fd, "x", 1, (1LL << 62)));
    CHECK(ftruncate(fd, 5) == 0);
    TRY(pwrite(fd, "x", 1, -1));
    TRY(pwrite(fd, "", 0, 100));
    digest("sizes", fd);
    TRY(pwritev2(fd, &(struct iovec){(char[]){"sync"}, 4}, 1, 0, RWF_DSYNC));
    TRY(pwritev2(fd, &(struct iovec){(char[]){"sync"}, 4}, 1, 0, RWF_SYNC));
    digest("sizes", fd);
    close(fd);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    CHECK(chdir(argv[1]) == 0);
    signal(SIGBUS, on_fault);
    signal(SIGSEGV, on_fault);
    append();
    truncate_open();
    truncate_under_mapping();
    direct();
    holes();
    allocate();
    copy_ranges();
    sizes();
    return 0;
}
