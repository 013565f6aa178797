/* The shared area of a file: where its lock and its count of notices live, and where each open registers what it maps.
 *
 * It is an object under /dev/shm, named after the file's identity (device, inode, time of birth), so it vanishes with a reboot
 * and is no part of the durable file. It is made by the first who opens the file and removed by the last who closes it.
 *
 * Who may be trusted with it. The mutex in it holds pointers that other processes follow, so whoever may write the area may harm
 * them. Hence an area is used only if it was made by somebody who may write the file anyhow (is_trusted), and it has the file's own
 * mode. An area that others would refuse is never published.
 *
 * Who has it open holds open file description locks on it, which the kernel drops when a process dies:
 *   byte 0                  exclusive while somebody initializes the mutex
 *   byte 1                  exclusive while somebody resizes the file
 *   byte 2 + N              shared by all who have page N of the file (of 4096 bytes) in their mapping
 * To shrink the file is to hold the bytes of the pages that go exclusively; to remove the area, all of them. Whoever comes
 * meanwhile waits, and then finds the name gone (no link) and starts again.
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "mapshare-abi.h"

#define AREA_FOLDER "/dev/shm"
#define AREA_PREFIX "mapshare-area-"
#define AREA_NAME_SIZE 96
#define AREA_READY (0x4d530000u + (uint32_t)sizeof(struct mapshare_area)) /* another layout of the mutex has another size */
#define ATTEMPTS 100
#define SWEEP_MOST 16
#define SWEEP_SHARE 4 /* of all, one in so many at a time */

enum { BYTE_INITIALIZE = 0, BYTE_RESIZE = 1, BYTE_PAGES = 2 };

static void name_area(const struct mapshare *ms, char name[AREA_NAME_SIZE])
{
    const struct statx *file = &ms->identity;
    bool born = file->stx_mask & STATX_BTIME;

    snprintf(name, AREA_NAME_SIZE, AREA_FOLDER "/" AREA_PREFIX "%x.%x-%llx-%llx.%x", file->stx_dev_major, file->stx_dev_minor,
             (unsigned long long)file->stx_ino, born ? (unsigned long long)file->stx_btime.tv_sec : 0,
             born ? file->stx_btime.tv_nsec : 0);
}

/* length 0: to the end. -EAGAIN where somebody else's lock is in the way and wait is false. */
static int lock_bytes(int fd, short type, uint64_t start, uint64_t length, bool wait)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)start, .l_len = (off_t)length};
    int result;

    do
        result = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
    while (result && errno == EINTR);
    if (result == 0)
        return 0;
    return errno == EACCES ? -EAGAIN : -errno;
}

static bool is_trusted(const struct statx *file, const struct stat *area)
{
    return area->st_uid == file->stx_uid || area->st_uid == 0 || file->stx_mode & S_IWOTH ||
           (file->stx_mode & S_IWGRP && area->st_gid == file->stx_gid);
}

/* Gives a new area the file's owner, as far as we may, and its mode. */
static int adopt_owner(int fd, const struct statx *file, struct stat *area)
{
    mode_t mode = file->stx_mode & 0666;

    if (area->st_uid != file->stx_uid && geteuid() == 0 && fchown(fd, file->stx_uid, file->stx_gid) == 0) {
        area->st_uid = file->stx_uid;
        area->st_gid = file->stx_gid;
    }
    if (area->st_gid != file->stx_gid) {
        if (fchown(fd, (uid_t)-1, file->stx_gid) == 0)
            area->st_gid = file->stx_gid;
        else
            mode &= ~(mode_t)0060; /* not our group's business */
    }
    if ((area->st_mode & 0777) != mode && fchmod(fd, mode))
        return -errno;
    area->st_mode = S_IFREG | mode;
    return 0;
}

/* The general way: the area gets its name when it is as it should be. */
static int create_unnamed(const char *name, const struct statx *file)
{
    char link[32];
    struct stat area;
    int error, fd = open(AREA_FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    error = fstat(fd, &area) ? -errno : adopt_owner(fd, file, &area);
    if (error == 0 && !is_trusted(file, &area))
        error = -EACCES;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    if (error == 0 && linkat(AT_FDCWD, link, AT_FDCWD, name, AT_SYMLINK_FOLLOW))
        error = -errno;
    if (error == 0)
        return fd;
    close(fd);
    return error;
}

static int open_area(const char *name, bool *writable)
{
    int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, fd = open(name, O_RDWR | flags);

    *writable = fd >= 0;
    if (fd < 0 && errno == EACCES)
        fd = open(name, O_RDONLY | flags);
    return fd < 0 ? -errno : fd;
}

/* -EEXIST: somebody made or removed it at the same time. */
static int open_or_create(const char *name, const struct statx *file, bool *writable)
{
    int fd;

    *writable = true;
    /* The owner of a file that nobody else may write needs no preparation, and so half the time. */
    if (geteuid() == file->stx_uid && !(file->stx_mode & 0022)) {
        fd = open(name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, file->stx_mode & 0644);
        if (fd >= 0)
            return fd;
    }
    fd = open_area(name, writable);
    if (fd != -ENOENT)
        return fd;
    *writable = true;
    return create_unnamed(name, file);
}

/* -ESTALE: it was removed while we came. */
static int check_area(struct mapshare *ms, int fd, bool writable)
{
    const struct statx *file = &ms->identity;
    struct stat area;
    int error;

    if (fstat(fd, &area))
        return -errno;
    if (area.st_nlink == 0)
        return -ESTALE;
    /* A second name could be somebody's trick to have another file of ours overwritten. */
    if (!S_ISREG(area.st_mode) || area.st_nlink != 1 || !is_trusted(file, &area))
        return -EPERM;
    if ((area.st_mode & 0666) != (file->stx_mode & 0666) && area.st_uid == geteuid()) {
        error = adopt_owner(fd, file, &area);
        if (error)
            return error;
    }
    if (area.st_mode & 0022 & ~file->stx_mode)
        return -EPERM;
    if (writable && (size_t)area.st_size < sizeof(struct mapshare_area) && ftruncate(fd, sizeof(struct mapshare_area)))
        return -errno;
    return 0;
}

static uint64_t pages_mapped(const struct mapshare *ms)
{
    return ms->reserve / MAPSHARE_PAGE_SIZE;
}

/* Opens or makes the area and registers what this open maps. Called by open, or under the guard. */
int mapshare_area_attach(struct mapshare *ms)
{
    char name[AREA_NAME_SIZE];

    name_area(ms, name);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        bool writable;
        int error, fd = open_or_create(name, &ms->identity, &writable);

        if (fd == -EEXIST)
            continue;
        if (fd < 0)
            return fd;
        error = lock_bytes(fd, F_RDLCK, BYTE_PAGES, pages_mapped(ms), true);
        if (error == 0)
            error = check_area(ms, fd, writable);
        if (error == 0) {
            ms->area_writable = writable;
            ms->area_fd = fd;
            return 0;
        }
        close(fd);
        if (error != -ESTALE)
            return error;
    }
    return -EAGAIN;
}

/* Does the last one out leave a lock that somebody died with? The next owner must hear of it. */
static bool is_worth_keeping(int fd)
{
    struct mapshare_area *area;
    bool keep = true;
    uint32_t ready;

    if (pread(fd, &ready, sizeof(ready), offsetof(struct mapshare_area, ready)) == sizeof(ready) && ready == 0)
        return false;
    area = mmap(NULL, sizeof(*area), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (area == MAP_FAILED)
        return keep;
    if (area->ready == AREA_READY && mapshare_area_trylock(area) == 0) {
        keep = area->inconsistent;
        pthread_mutex_unlock(&area->mutex);
    }
    munmap(area, sizeof(*area));
    return keep;
}

/* inode: of the area that we used and so trust; 0: any of our own. Asks through an open of its own: a child made by fork shares our
 * description and may go on using it. */
static void remove_if_unused(int folder, const char *name, ino_t inode)
{
    struct stat area;
    int fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return;
    if (fstat(fd, &area) == 0 && S_ISREG(area.st_mode) && (inode ? area.st_ino == inode : area.st_uid == geteuid()) &&
        lock_bytes(fd, F_WRLCK, 0, 0, false) == 0 && fstat(fd, &area) == 0 && area.st_nlink == 1 &&
        ((size_t)area.st_size < sizeof(struct mapshare_area) || !is_worth_keeping(fd)))
        unlinkat(folder, name, 0);
    close(fd);
}

/* The folder is everybody's: somebody else's file is not ours to remove. */
static bool is_area_name(const char *name)
{
    size_t prefix = strlen(AREA_PREFIX);

    return strncmp(name, AREA_PREFIX, prefix) == 0 && name[prefix + strspn(name + prefix, "0123456789abcdef.-")] == '\0';
}

/* Processes that died, or ended without closing, leave areas behind. So whoever closes looks at some of them. */
static void sweep(void)
{
    DIR *folder = opendir(AREA_FOLDER);
    struct timespec now;
    struct dirent *entry;
    int most = SWEEP_MOST;

    if (!folder)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    while (most > 0 && (entry = readdir(folder))) {
        if (is_area_name(entry->d_name) && (entry->d_ino ^ (ino_t)now.tv_nsec) % SWEEP_SHARE == 0) {
            remove_if_unused(dirfd(folder), entry->d_name, 0);
            most--;
        }
    }
    closedir(folder);
}

void mapshare_area_detach(struct mapshare *ms)
{
    char name[AREA_NAME_SIZE];
    struct stat area = {0};

    if (ms->area)
        munmap(ms->area, sizeof(struct mapshare_area));
    if (ms->area_fd < 0)
        return;
    fstat(ms->area_fd, &area);
    close(ms->area_fd);
    name_area(ms, name);
    remove_if_unused(AT_FDCWD, name, area.st_ino);
    sweep();
}

/* The area in memory, at first use. Idempotent. */
int mapshare_area_map(struct mapshare *ms)
{
    struct stat area;
    void *address;
    int error = 0;

    pthread_mutex_lock(&ms->guard);
    if (ms->area)
        goto out;
    if (ms->area_fd < 0)
        error = mapshare_area_attach(ms);
    if (error)
        goto out;
    if (fstat(ms->area_fd, &area))
        error = -errno;
    else if ((size_t)area.st_size < sizeof(struct mapshare_area))
        error = -EAGAIN; /* who may only read came between the making of the area and its size */
    if (error)
        goto out;
    address = mmap(NULL, sizeof(struct mapshare_area), ms->area_writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
                   ms->area_fd, 0);
    if (address == MAP_FAILED)
        error = -errno;
    else
        ms->area = address;
out:
    pthread_mutex_unlock(&ms->guard);
    return error;
}

static uint64_t own_process_namespace(void)
{
    struct stat status;

    return stat("/proc/self/ns/pid", &status) ? 0 : status.st_ino;
}

/* Not with priority inheritance, which is fair, but forty times slower under contention: each unlock is a change of process. */
static int initialize_mutex(struct mapshare_area *area)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);

    if (error)
        return -error;
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    error = pthread_mutex_init(&area->mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return -error;
}

/* The lock for it is held on an open of its own: a child made by fork shares our description, and so would not be kept out. */
static int initialize_once(struct mapshare *ms, struct mapshare_area *area)
{
    char name[AREA_NAME_SIZE];
    int error, fd;

    name_area(ms, name);
    fd = open(name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    error = lock_bytes(fd, F_WRLCK, BYTE_INITIALIZE, 1, true);
    if (error == 0 && area->ready == 0) {
        area->process_namespace = own_process_namespace();
        error = initialize_mutex(area);
        if (error == 0)
            area->ready = AREA_READY;
    }
    close(fd);
    return error;
}

/* The area in memory with a mutex that works. Idempotent. */
int mapshare_area_prepare_lock(struct mapshare *ms)
{
    struct mapshare_area *area;
    int error = mapshare_area_map(ms);

    if (error)
        return error;
    area = ms->area;
    if (!ms->area_writable)
        return -EACCES;
    if (area->ready == 0)
        error = initialize_once(ms, area);
    if (error)
        return error;
    if (area->ready != AREA_READY || area->process_namespace != own_process_namespace())
        return -ENOTSUP;
    ms->lockable = true;
    return 0;
}

/* The four below are called under the guard. */
int mapshare_area_begin_resize(struct mapshare *ms)
{
    if (ms->area_fd < 0 || !ms->area_writable)
        return 0; /* to grow is safe without; to shrink asks for more */
    return lock_bytes(ms->area_fd, F_WRLCK, BYTE_RESIZE, 1, true);
}

void mapshare_area_end_resize(struct mapshare *ms)
{
    if (ms->area_fd >= 0 && ms->area_writable)
        lock_bytes(ms->area_fd, F_UNLCK, BYTE_RESIZE, 1, false);
}

/* -EBUSY where another open maps a page that size bytes do not fill. */
int mapshare_area_claim_tail(struct mapshare *ms, uint64_t size)
{
    uint64_t first = size / MAPSHARE_PAGE_SIZE;
    int error = ms->area_fd < 0 ? mapshare_area_attach(ms) : 0;

    if (error)
        return error;
    if (!ms->area_writable)
        return -EACCES;
    error = lock_bytes(ms->area_fd, F_WRLCK, BYTE_PAGES + first, pages_mapped(ms) - first, false);
    return error == -EAGAIN ? -EBUSY : error;
}

void mapshare_area_release_tail(struct mapshare *ms)
{
    lock_bytes(ms->area_fd, F_RDLCK, BYTE_PAGES, pages_mapped(ms), false);
}
