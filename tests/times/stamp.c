/* One step with a file's times, for tests that kill or unmount between the steps. Arguments: a file, then the steps:
 *   store PAGE   through a shared mapping      sync    fsync                 flush   sync_file_range, waited for
 *   load PAGE    through a shared mapping      read    read(2) of a page     set SECONDS.NANOSECONDS  atime and mtime
 *   size BYTES   ftruncate                     wait    until the clock ticks print   SIZE ATIME MTIME CTIME
 *   fadvise      drops the cached pages        hold    waits until standard input ends, the mapping kept
 */
#include "config.h"

#include "../mount/check.h"

static void print_times(int fd)
{
    struct stat status;

    CHECK(fstat(fd, &status) == 0);
    printf("%lld %lld.%09ld %lld.%09ld %lld.%09ld\n", (long long)status.st_size, (long long)status.st_atim.tv_sec,
           status.st_atim.tv_nsec, (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec, (long long)status.st_ctim.tv_sec,
           status.st_ctim.tv_nsec);
    fflush(stdout);
}

static void set_times(int fd, const char *text)
{
    char *end;
    struct timespec time = {.tv_sec = strtoll(text, &end, 10)};

    time.tv_nsec = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    CHECK(futimens(fd, (struct timespec[]){time, time}) == 0);
}

int main(int argc, char **argv)
{
    int fd = open(argv[1], O_RDWR | O_CREAT, 0644);
    const size_t length = 1024 * PAGE; /* the mapping may exceed the file */
    char *map, buffer[PAGE];

    CHECK(fd >= 0, "%s", argv[1]);
    map = map_shared(fd, length);
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "store") == 0)
            map[atoi(argv[++i]) * PAGE]++;
        else if (strcmp(argv[i], "load") == 0)
            buffer[0] = ((volatile char *)map)[atoi(argv[++i]) * PAGE];
        else if (strcmp(argv[i], "read") == 0)
            CHECK(pread(fd, buffer, PAGE, 0) >= 0);
        else if (strcmp(argv[i], "sync") == 0)
            CHECK(fsync(fd) == 0);
        else if (strcmp(argv[i], "flush") == 0)
            CHECK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0);
        else if (strcmp(argv[i], "size") == 0)
            CHECK(ftruncate(fd, atoll(argv[++i])) == 0);
        else if (strcmp(argv[i], "set") == 0)
            set_times(fd, argv[++i]);
        else if (strcmp(argv[i], "wait") == 0)
            usleep(12000);
        else if (strcmp(argv[i], "fadvise") == 0)
            CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
        else if (strcmp(argv[i], "print") == 0)
            print_times(fd);
        else if (strcmp(argv[i], "hold") == 0)
            while (read(0, buffer, sizeof(buffer)) > 0)
                continue;
        else
            CHECK(false, "unknown step %s", argv[i]);
    }
    return 0;
}
