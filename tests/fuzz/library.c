/* What a peer sends or stores: messages of any bytes with memory of any size and seals, and any bytes in the memory of locks and notices.
 *
 * Input: a byte. Even: a message's bytes follow. Odd: a call's number, then what the memory is filled with, again and again. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mapshare.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define AREAS_MAX 8

static char path[4096];
static struct mapshare *ms;
static struct {
    unsigned char *bytes;
    size_t size;
} areas[AREAS_MAX];
static unsigned area_count;

static void receive(const uint8_t *input, size_t size)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))}};
    struct iovec content = {(void *)(input + 1), size - 1};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int ends[2], fd = memfd_create("sent", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct mapshare *received;

    if (fd < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) || ftruncate(fd, (input[0] & 15) * 2048l))
        abort();
    fcntl(fd, F_ADD_SEALS, input[0] >> 4);
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    if (input[0] & 2)
        message.msg_control = NULL, message.msg_controllen = 0;
    if (sendmsg(ends[0], &message, MSG_NOSIGNAL) < 0)
        abort();
    close(ends[0]);
    received = mapshare_receive(ends[1]);
    if (received) {
        const volatile char *bytes = mapshare_addr(received);
        size_t length = mapshare_size(received);

        if (ftruncate(fd, 0) == 0 && length) /* or its sender makes us meet SIGBUS */
            abort();
        if (length)
            (void)(bytes[0] + bytes[length - 1]);
        mapshare_close(received);
    }
    close(fd);
    close(ends[1]);
}

static void call(unsigned what)
{
    struct timespec past = {0};
    uint64_t seen = 0;

    switch (what % 6) {
    case 0:
        if (mapshare_trylock(ms) >= 0)
            mapshare_unlock(ms);
        break;
    case 1:
        if (mapshare_lock_at(ms, what / 6 % 8, 0, &past) >= 0)
            mapshare_unlock_at(ms, what / 6 % 8);
        break;
    case 2:
        if (mapshare_lock_at(ms, what / 6 % 8, MAPSHARE_LOCK_SHARED, &past) >= 0)
            mapshare_unlock_at(ms, what / 6 % 8);
        break;
    case 3:
        mapshare_notify(ms);
        break;
    case 4:
        mapshare_watch(ms, &seen, &past);
        break;
    default:
        mapshare_unlock(ms);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    if (size < 2)
        return 0;
    if (!(input[0] & 1)) {
        receive(input, size);
        return 0;
    }
    for (unsigned i = 0; i < area_count && size > 2; i++) {
        for (size_t at = 0; at < areas[i].size; at++)
            areas[i].bytes[at] = input[2 + at % (size - 2)];
    }
    call(input[1]);
    return 0;
}

/* The areas' files are those that the library has open beside ours. */
static void find_areas(void)
{
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    struct stat own, stat;

    if (!folder || fstat(mapshare_fd(ms), &own))
        abort();
    while ((entry = readdir(folder))) {
        int fd = atoi(entry->d_name);

        if (entry->d_name[0] == '.' || fd <= 2 || fstat(fd, &stat) || !S_ISREG(stat.st_mode) || stat.st_dev != own.st_dev ||
            stat.st_ino == own.st_ino || area_count == AREAS_MAX)
            continue;
        areas[area_count].size = stat.st_size;
        areas[area_count].bytes = mmap(NULL, stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (areas[area_count].bytes != MAP_FAILED)
            area_count++;
    }
    closedir(folder);
    if (!area_count)
        abort();
}

static void remove_file(void)
{
    unlink(path);
    mapshare_close(ms);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *memory = getenv("FUZZ_FOLDER");
    int fd;

    snprintf(path, sizeof path, "%s/mapshare-fuzz-XXXXXX", memory ? memory : "/dev/shm");
    fd = mkstemp(path);

    (void)argc;
    (void)argv;
    if (fd < 0 || ftruncate(fd, 4096) || close(fd))
        abort();
    ms = mapshare_open(path, O_RDWR, 0, NULL);
    if (!ms || atexit(remove_file) || mapshare_lock(ms) || mapshare_unlock(ms) || mapshare_notify(ms) < 0)
        abort();
    find_areas();
    return 0;
}
