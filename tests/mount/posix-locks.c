/* Prints what file locks allow between processes. Argument: an empty folder. */
#include "config.h"

#include <sys/file.h>

#include "check.h"

static int lock(int fd, int command, short type, off_t start, off_t length)
{
    struct flock region = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};

    return fcntl(fd, command, &region);
}

static void who_holds(int fd, off_t start, pid_t expected)
{
    struct flock region = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = 1};

    CHECK(fcntl(fd, F_GETLK, &region) == 0);
    printf("at %lld: type %d start %lld length %lld, by %s\n", (long long)start, region.l_type, (long long)region.l_start,
           (long long)region.l_len,
           region.l_type == F_UNLCK   ? "nobody"
           : region.l_pid == expected ? "the other"
                                      : "a stranger");
}

/* Runs the other side in a process of its own, between two steps of ours. */
#define IN_ANOTHER(...)                         \
    do {                                        \
        pid_t pid;                              \
        int status;                             \
        fflush(stdout);                         \
        pid = fork();                           \
        CHECK(pid >= 0);                        \
        if (pid == 0) {                         \
            int other = open("file", O_RDWR);   \
            CHECK(other >= 0);                  \
            alarm(10);                          \
            __VA_ARGS__;                        \
            fflush(stdout);                     \
            _exit(0);                           \
        }                                       \
        CHECK(waitpid(pid, &status, 0) == pid); \
        printf("another: status %d\n", status); \
    } while (0)

static void posix_locks(int fd)
{
    pid_t me = getpid();

    TRY(lock(fd, F_SETLK, F_WRLCK, 10, 10));
    IN_ANOTHER(TRY(lock(other, F_SETLK, F_WRLCK, 15, 1)); TRY(lock(other, F_SETLK, F_RDLCK, 19, 1));
               TRY(lock(other, F_SETLK, F_WRLCK, 20, 5)); TRY(lock(other, F_SETLK, F_WRLCK, 0, 10)); who_holds(other, 12, me));
    TRY(lock(fd, F_SETLK, F_RDLCK, 12, 2));
    IN_ANOTHER(who_holds(other, 10, me); who_holds(other, 12, me); who_holds(other, 14, me);
               TRY(lock(other, F_SETLK, F_RDLCK, 12, 2)));
    IN_ANOTHER(TRY(lock(other, F_SETLK, F_WRLCK, 100, 1)); close(open("file", O_RDONLY));
               TRY(lock(other, F_SETLK, F_WRLCK, 100, 1)));
    close(open("file", O_RDONLY)); /* drops our locks, as POSIX has it */
    IN_ANOTHER(who_holds(other, 10, me));
    TRY(lock(fd, F_SETLK, F_WRLCK, 0, 0));
    TRY(lock(fd, F_SETLK, F_UNLCK, 50, 50));
    IN_ANOTHER(who_holds(other, 0, me); who_holds(other, 60, me); who_holds(other, 100, me));
    TRY(lock(fd, F_SETLK, F_UNLCK, 0, 0));
}

static void blocking(int fd)
{
    int ready[2], status;
    char byte;
    pid_t pid;

    CHECK(pipe(ready) == 0);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        alarm(10);
        CHECK(lock(open("file", O_RDWR), F_SETLK, F_WRLCK, 0, 1) == 0 && write(ready[1], "r", 1) == 1);
        usleep(50000); /* long enough for the other to block; only makes the test weaker if it does not */
        _exit(0);
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    TRY(lock(fd, F_SETLK, F_WRLCK, 0, 1));
    TRY(lock(fd, F_SETLKW, F_WRLCK, 0, 1)); /* until the other exits */
    CHECK(waitpid(pid, &status, 0) == pid);
    TRY(status);
    TRY(lock(fd, F_SETLK, F_UNLCK, 0, 1));
}

static void open_file_locks(int fd)
{
    int second = open("file", O_RDWR);

    TRY(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 10));
    TRY(lock(second, F_OFD_SETLK, F_WRLCK, 5, 10));
    TRY(lock(second, F_OFD_SETLK, F_RDLCK, 10, 10));
    close(open("file", O_RDONLY));
    TRY(lock(second, F_OFD_SETLK, F_WRLCK, 5, 1));
    TRY(lock(fd, F_OFD_SETLK, F_UNLCK, 0, 0));
    TRY(lock(second, F_OFD_SETLK, F_WRLCK, 5, 1));
    close(second);
}

static void whole_file_locks(int fd)
{
    int second = open("file", O_RDWR), copy = dup(fd);

    TRY(flock(fd, LOCK_EX | LOCK_NB));
    TRY(flock(second, LOCK_SH | LOCK_NB));
    TRY(flock(copy, LOCK_SH | LOCK_NB));
    TRY(flock(second, LOCK_SH | LOCK_NB));
    TRY(flock(fd, LOCK_EX | LOCK_NB));
    IN_ANOTHER(TRY(flock(other, LOCK_SH | LOCK_NB)); TRY(flock(other, LOCK_EX | LOCK_NB)));
    close(fd);
    TRY(flock(second, LOCK_EX | LOCK_NB)); /* the copy still holds it */
    TRY(flock(copy, LOCK_UN));
    TRY(flock(second, LOCK_EX | LOCK_NB));
    IN_ANOTHER(TRY(flock(other, LOCK_SH | LOCK_NB)));
    close(second);
    IN_ANOTHER(TRY(flock(other, LOCK_EX | LOCK_NB)));
    TRY(flock(copy, LOCK_EX | LOCK_NB)); /* the other's exit freed it */
    close(copy);
}

int main(int argc, char **argv)
{
    int fd;

    CHECK(argc == 2);
    CHECK(chdir(argv[1]) == 0);
    alarm(25);
    fd = make_file("file", 1000);
    posix_locks(fd);
    blocking(fd);
    open_file_locks(fd);
    whole_file_locks(fd);
    return 0;
}
