/* The system calls mmap, munmap and msync with each documented flag checked and each documented error defined: flags that Linux
 * ignores do what the manuals say, or are refused. */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "mapshare-mmap.h"
#include "mapshare-abi.h"

#ifndef MAP_32BIT
#define MAP_32BIT 0 /* x86 alone has it */
#endif

#define KNOWN_PROTECTIONS (PROT_READ | PROT_WRITE | PROT_EXEC)
#define KNOWN_FLAGS                                                                                                           \
    (MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_FILE | \
     MAP_NORESERVE | MAP_LOCKED | MAP_GROWSDOWN | MAP_32BIT | MAP_POPULATE | MAP_NONBLOCK)

#define DENIAL_ATTEMPTS 5

/* MAP_SHARED and MAP_PRIVATE together are MAP_SHARED_VALIDATE in Linux; here they exclude each other. */
static int check_arguments(size_t length, int prot, int flags, int fd, off_t offset)
{
    int kind = flags & (MAP_SHARED | MAP_PRIVATE);

    if (length == 0 || prot & ~KNOWN_PROTECTIONS || flags & ~KNOWN_FLAGS || (kind != MAP_SHARED && kind != MAP_PRIVATE))
        return -EINVAL;
    if (flags & MAP_ANONYMOUS)
        return fd != -1 || offset != 0 ? -EINVAL : 0;
    if (offset % (off_t)mapshare_page_size() != 0)
        return -EINVAL;
    /* More than there is of any address space is ENOMEM, which the kernel says. */
    if (offset < 0 || (length <= PTRDIFF_MAX && (uint64_t)offset > INT64_MAX - length))
        return -ENXIO;
    return 0;
}

static bool is_regular(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* No file system but ours keeps writers out; but a lease can tell whether there is one. */
static int refuse_denial(int fd)
{
    if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
        fcntl(fd, F_SETLEASE, F_UNLCK);
        return -ENOTSUP;
    }
    return errno == EAGAIN ? -ETXTBSY : -ENOTSUP;
}

/* An open of our own for reading, so that only the mapping holds it: what is denied by it ends with the mapping. */
static int open_again(int fd)
{
    char name[32];
    int again;

    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    again = open(name, O_RDONLY | O_CLOEXEC);
    return again < 0 ? -errno : again;
}

/* The kernel tells the daemon of a close a moment after it, so somebody found to be writing may be gone already. */
static int ask_for_denial(int fd)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    uint32_t deny = 1;

    for (int attempt = 0; ioctl(fd, MAPSHARE_IOC_DENY_WRITE, &deny); attempt++) {
        if (errno != ETXTBSY || attempt == DENIAL_ATTEMPTS)
            return -errno;
        nanosleep(&moment, NULL);
    }
    return 0;
}

/* Returns the descriptor to map: where the mapping may write, the caller's own, which then does not count as a writer. */
static int deny_writers(int fd, int prot, int flags)
{
    int error, holder = fd;

    if (!is_regular(fd))
        return fcntl(fd, F_GETFD) < 0 ? -errno : -ENOTSUP;
    if (!(flags & MAP_SHARED && prot & PROT_WRITE))
        holder = open_again(fd);
    if (holder < 0)
        return holder;
    error = ask_for_denial(holder);
    if (error == 0)
        return holder;
    if (error == -ENOTTY)
        error = refuse_denial(holder);
    if (holder != fd)
        close(holder);
    return error;
}

/* MAP_NONBLOCK: page tables for what is in memory, no reading. Linux alone would do nothing at all. */
static void populate_resident(unsigned char *address, size_t length)
{
#ifdef MADV_POPULATE_READ
    size_t page = mapshare_page_size(), pages = (length + page - 1) / page;
    unsigned char *resident = malloc(pages);

    if (resident && mincore(address, length, resident) == 0) {
        for (size_t i = 0, start; i < pages; i++) {
            for (start = i; i < pages && resident[i] & 1; i++)
                ;
            if (i > start)
                madvise(address + start * page, (i - start) * page, MADV_POPULATE_READ);
        }
    }
    free(resident);
#else
    (void)address;
    (void)length;
#endif
}

/* What mmap promises only as far as it goes. */
static int finish(void *address, size_t length, int flags)
{
    if (flags & MAP_LOCKED && mlock(address, length)) {
        munmap(address, length);
        return -EAGAIN;
    }
    if (flags & MAP_POPULATE && flags & MAP_NONBLOCK)
        populate_resident(address, length);
    return 0;
}

void *mapshare_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
    bool denies = flags & MAP_DENYWRITE && !(flags & MAP_ANONYMOUS);
    int holder = fd, error = check_arguments(length, prot, flags, fd, offset);
    void *address = MAP_FAILED;

    if (error == 0 && denies) {
        holder = deny_writers(fd, prot, flags);
        error = holder < 0 ? holder : 0;
    }
    if (error == 0) {
        address = mmap(addr, length, prot, flags, holder, offset);
        if (address == MAP_FAILED)
            error = errno == EOVERFLOW ? -ENXIO : -errno;
        else
            error = finish(address, length, flags);
        if (error && denies && holder == fd)
            ioctl(fd, MAPSHARE_IOC_DENY_WRITE, &(uint32_t){0});
        if (error == 0 && !(flags & MAP_ANONYMOUS) && is_regular(fd))
            ioctl(fd, MAPSHARE_IOC_MAPPED); /* marks st_atime on the mount; nothing elsewhere */
        if (holder != fd)
            close(holder);
    }
    if (error == 0)
        return address;
    errno = -error;
    return MAP_FAILED;
}

int mapshare_munmap(void *addr, size_t length)
{
    return munmap(addr, length);
}

/* A line of /proc/self/maps. */
struct mapping {
    uintptr_t start, end;
    char access[5];
    uint64_t offset, inode;
    char path[4200];
};

static bool parse_mapping(const char *line, struct mapping *mapping)
{
    mapping->path[0] = '\0';
    return sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %" SCNx64 " %*s %" SCNu64 " %4199[^\n]", &mapping->start, &mapping->end,
                  mapping->access, &mapping->offset, &mapping->inode, mapping->path) >= 5;
}

/* The file behind a mapping: by the kernel's own link where that is permitted, else by its path if that is still the same file. */
static int open_mapped(const struct mapping *mapping)
{
    struct stat status;
    char name[64];
    int fd;

    snprintf(name, sizeof(name), "/proc/self/map_files/%" PRIxPTR "-%" PRIxPTR, mapping->start, mapping->end);
    fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0 || mapping->path[0] != '/' || stat(mapping->path, &status) || !S_ISREG(status.st_mode))
        return fd;
    fd = open(mapping->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0 && (fstat(fd, &status) || status.st_ino != mapping->inode)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int start_writing(const struct mapping *mapping, uintptr_t start, uintptr_t end)
{
    int error, fd;

    if (start < mapping->start)
        start = mapping->start;
    if (end > mapping->end)
        end = mapping->end;
    fd = open_mapped(mapping);
    if (fd < 0) /* to wait is more than was asked for, but nothing less starts it */
        return msync((void *)start, end - start, MS_SYNC) ? -errno : 0;
    error = sync_file_range(fd, (off_t)(mapping->offset + (start - mapping->start)), (off_t)(end - start), SYNC_FILE_RANGE_WRITE);
    error = error && errno != ESPIPE ? -errno : 0; /* not a file with pages to write */
    close(fd);
    return error;
}

/* Linux starts nothing by MS_ASYNC, and an address does not tell the file: the table of mappings does. */
static int start_writing_range(uintptr_t start, uintptr_t end)
{
    struct mapping *mapping = malloc(sizeof(*mapping));
    FILE *table = fopen("/proc/self/maps", "re");
    char *line = NULL;
    size_t room = 0;
    int error = 0;

    if (!mapping)
        error = -ENOMEM;
    else if (!table)
        error = msync((void *)start, end - start, MS_SYNC) ? -errno : 0;
    while (error == 0 && table && getline(&line, &room, table) > 0) {
        if (!parse_mapping(line, mapping) || mapping->end <= start)
            continue;
        if (mapping->start >= end)
            break;
        if (mapping->access[3] == 's' && mapping->inode != 0)
            error = start_writing(mapping, start, end);
    }
    free(line);
    if (table)
        fclose(table);
    free(mapping);
    return error;
}

int mapshare_msync(void *addr, size_t length, int flags)
{
    int how = flags & (MS_SYNC | MS_ASYNC);

    if (flags & ~(MS_SYNC | MS_ASYNC | MS_INVALIDATE) || how == 0 || how == (MS_SYNC | MS_ASYNC))
        return mapshare_result(-EINVAL);
    if (msync(addr, length, flags))
        return -1;
    if (how == MS_SYNC || length == 0)
        return 0;
    return mapshare_result(start_writing_range((uintptr_t)addr, (uintptr_t)addr + length));
}
