/* MAP_DENYWRITE: who is kept out, from when to when, and what does not count. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mapshare-mmap.h"

#define CHECK(condition)                                                                               \
    do {                                                                                               \
        if (!(condition)) {                                                                            \
            fprintf(stderr, "%s:%d: %s, errno %s\n", __FILE__, __LINE__, #condition, strerror(errno)); \
            exit(1);                                                                                   \
        }                                                                                              \
    } while (0)

static const char *path;

/* 0, or the errno of an open for writing. */
static int error_of_writer(int flags)
{
    int fd = open(path, flags | O_CLOEXEC);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

/* The kernel tells the daemon of the last close a moment later. */
static void wait_until_writable(void)
{
    for (int i = 0; i < 5000 && error_of_writer(O_WRONLY); i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    CHECK(error_of_writer(O_WRONLY) == 0);
}

static void *map(int prot, int flags, int fd)
{
    return mapshare_mmap(NULL, 4096, prot, flags | MAP_DENYWRITE, fd, 0);
}

static void a_reader_keeps_writers_out(void)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *address = map(PROT_READ, MAP_SHARED, fd);

    CHECK(address != MAP_FAILED);
    CHECK(error_of_writer(O_WRONLY) == ETXTBSY);
    CHECK(error_of_writer(O_RDWR) == ETXTBSY);
    CHECK(error_of_writer(O_WRONLY | O_TRUNC) == ETXTBSY);
    CHECK(error_of_writer(O_RDONLY) == 0);
    CHECK(error_of_writer(O_RDONLY | O_TRUNC) == ETXTBSY);
    CHECK(truncate(path, 0) == -1 && errno == ETXTBSY);
    CHECK(truncate(path, 100000) == -1 && errno == ETXTBSY);
    CHECK(*(char *)address == 'x');
    close(fd); /* the mapping alone holds it */
    CHECK(error_of_writer(O_WRONLY) == ETXTBSY);
    CHECK(mapshare_munmap(address, 4096) == 0);
    wait_until_writable();
}

static void the_descriptor_alone_holds_nothing(void)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *address = map(PROT_READ, MAP_PRIVATE, fd);

    CHECK(address != MAP_FAILED);
    CHECK(mapshare_munmap(address, 4096) == 0);
    wait_until_writable();
    close(fd);
}

static void a_writer_is_found(void)
{
    int reader = open(path, O_RDONLY | O_CLOEXEC), writer = open(path, O_WRONLY | O_CLOEXEC);

    CHECK(map(PROT_READ, MAP_SHARED, reader) == MAP_FAILED && errno == ETXTBSY);
    CHECK(map(PROT_READ | PROT_WRITE, MAP_PRIVATE, reader) == MAP_FAILED && errno == ETXTBSY);
    close(writer);
    for (int i = 0; i < 5000; i++) {
        void *address = map(PROT_READ, MAP_SHARED, reader);
        if (address != MAP_FAILED) {
            CHECK(mapshare_munmap(address, 4096) == 0);
            close(reader);
            wait_until_writable();
            return;
        }
        CHECK(errno == ETXTBSY);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    CHECK(!"mapped after the writer left");
}

/* The one who maps for writing is the only writer. */
static void the_holder_may_write(void)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    char *address = map(PROT_READ | PROT_WRITE, MAP_SHARED, fd);

    CHECK(address != MAP_FAILED);
    CHECK(error_of_writer(O_WRONLY) == ETXTBSY);
    address[1] = 'y';
    CHECK(mapshare_msync(address, 4096, MS_SYNC) == 0);
    CHECK(mapshare_munmap(address, 4096) == 0);
    CHECK(error_of_writer(O_WRONLY) == ETXTBSY); /* until the descriptor is closed, too */
    close(fd);
    wait_until_writable();
}

static void death_ends_it(void)
{
    int ready[2];
    char byte;
    pid_t child;

    CHECK(pipe(ready) == 0);
    child = fork();
    if (child == 0) {
        CHECK(map(PROT_READ, MAP_SHARED, open(path, O_RDONLY | O_CLOEXEC)) != MAP_FAILED);
        CHECK(write(ready[1], "r", 1) == 1);
        pause();
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK(error_of_writer(O_WRONLY) == ETXTBSY);
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
    wait_until_writable();
}

static void a_mapping_that_fails_denies_nothing(void)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    CHECK(mapshare_mmap((void *)1, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_DENYWRITE, fd, 0) == MAP_FAILED);
    CHECK(errno == EINVAL);
    CHECK(error_of_writer(O_WRONLY) == 0);
    close(fd);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(mapshare_mmap((void *)1, 4096, PROT_READ, MAP_SHARED | MAP_FIXED | MAP_DENYWRITE, fd, 0) == MAP_FAILED);
    wait_until_writable();
    close(fd);
}

/* Who may only read does not lock the owner out; who may execute or write may. */
static void asking_needs_a_right(void)
{
    static const struct {
        mode_t mode;
        bool may;
    } cases[] = {{0644, false}, {0645, true}, {0646, true}, {0654, false}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pid_t child;
        int status;

        CHECK(chmod(path, cases[i].mode) == 0);
        child = fork();
        if (child == 0) {
            int fd;

            CHECK(setgid(4001) == 0 && setuid(4001) == 0);
            fd = open(path, O_RDONLY | O_CLOEXEC);
            CHECK(fd >= 0);
            if (cases[i].may)
                CHECK(map(PROT_READ, MAP_SHARED, fd) != MAP_FAILED);
            else
                CHECK(map(PROT_READ, MAP_SHARED, fd) == MAP_FAILED && errno == EACCES);
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child && status == 0);
        wait_until_writable();
    }
}

int main(int argc, char **argv)
{
    int fd;

    if (argc != 2)
        return 2;
    path = argv[1];
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    CHECK(fd >= 0 && write(fd, "x", 1) == 1);
    close(fd);
    a_reader_keeps_writers_out();
    the_descriptor_alone_holds_nothing();
    a_writer_is_found();
    the_holder_may_write();
    death_ends_it();
    a_mapping_that_fails_denies_nothing();
    if (geteuid() == 0)
        asking_needs_a_right();
    else
        fputs("SKIP PART: only root can try it as another user\n", stderr);
    puts("others are kept out while it is mapped, and no longer");
    return 0;
}
