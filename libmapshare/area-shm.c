/* The areas of a file that is on no mount: objects under /dev/shm, named after the file's identity (device, inode, time of birth), so they
 * vanish with a reboot. They are made by the first who needs them and removed by the last who closes the file.
 *
 * Who may be trusted with them. Whoever may write the locks can disturb who uses them, and whoever may write the board can make who opens
 * the file wait. Hence an area is used only if it was made by somebody who may write the file anyhow (is_trusted), and only such may write
 * it; it is checked before anything of it is waited for. The locks cannot even be read by who may not write the file: nobody else can hold
 * record locks on them. An area that others would refuse is never published.
 *
 * Who has the file open holds locks on its board (board.c). To remove both areas is to hold all its bytes exclusively; whoever comes
 * meanwhile waits, and then finds the name gone (no link) and starts again.
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "area.h"
#include "bytes.h"

#define AREA_FOLDER "/dev/shm"
#define AREA_PREFIX "mapshare-area-"
#define BOARD_SUFFIX ".board"
#define LOCKS_SUFFIX ".locks"
#define ATTEMPTS 100
#define SWEEP_MOST 16
#define SWEEP_SHARE 4 /* of all, one in so many at a time */
#define OPEN_FLAGS (O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)

int mapshare_shm_key(struct mapshare *ms, uint32_t kind, char key[MAPSHARE_AREA_KEY])
{
    const struct statx *file = &ms->identity;
    bool born = file->stx_mask & STATX_BTIME;

    snprintf(key, MAPSHARE_AREA_KEY, AREA_FOLDER "/" AREA_PREFIX "%x.%x-%llx-%llx.%x%s", file->stx_dev_major, file->stx_dev_minor,
             (unsigned long long)file->stx_ino, born ? (unsigned long long)file->stx_btime.tv_sec : 0,
             born ? file->stx_btime.tv_nsec : 0, kind == MAPSHARE_ABI_LOCKS ? LOCKS_SUFFIX : BOARD_SUFFIX);
    return 0;
}

/* The board can be read and written by who may do so with the file, the locks can be both by who may write it. */
static mode_t mode_of(const struct statx *file, uint32_t kind)
{
    return kind == MAPSHARE_ABI_LOCKS ? (file->stx_mode & 0222) | (file->stx_mode & 0222) << 1 : file->stx_mode & 0666;
}

static bool is_trusted(const struct statx *file, const struct stat *area)
{
    return area->st_uid == file->stx_uid || area->st_uid == 0 || file->stx_mode & S_IWOTH ||
           (file->stx_mode & S_IWGRP && area->st_gid == file->stx_gid);
}

/* Gives a new area the file's owner, as far as we may, and its mode. */
static int adopt_owner(int fd, const struct statx *file, mode_t mode, struct stat *area)
{
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

/* The area gets its name when it is as it should be. -EEXIST: somebody was first. */
static int create(const struct statx *file, uint32_t kind, const char *name)
{
    char link[32];
    struct stat area;
    int error, fd = open(AREA_FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    error = ftruncate(fd, (off_t)mapshare_area_size(kind)) || fstat(fd, &area) ? -errno : 0;
    if (error == 0)
        error = adopt_owner(fd, file, mode_of(file, kind), &area);
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

/* -EEXIST: it was removed while we came. */
static int check(const struct statx *file, uint32_t kind, int fd)
{
    mode_t mode = mode_of(file, kind);
    struct stat area;
    int error;

    if (fstat(fd, &area))
        return -errno;
    if (area.st_nlink == 0)
        return -EEXIST;
    /* A second name could be somebody's trick to have another file of ours overwritten. */
    if (!S_ISREG(area.st_mode) || area.st_nlink != 1 || !is_trusted(file, &area) ||
        (size_t)area.st_size != mapshare_area_size(kind))
        return -EPERM;
    if ((area.st_mode & 0666) != mode && area.st_uid == geteuid()) {
        error = adopt_owner(fd, file, mode, &area);
        if (error)
            return error;
    }
    return area.st_mode & 0066 & ~mode ? -EPERM : 0;
}

/* -EEXIST: it was made or removed at the same time. */
static int open_or_create(const struct statx *file, uint32_t kind, const char *key, bool *writable)
{
    int error, fd = open(key, O_RDWR | OPEN_FLAGS);

    *writable = fd >= 0;
    if (fd < 0 && errno == EACCES && kind == MAPSHARE_ABI_BOARD)
        fd = open(key, O_RDONLY | OPEN_FLAGS);
    if (fd < 0 && errno == ENOENT) {
        *writable = true;
        return create(file, kind, key);
    }
    if (fd < 0)
        return -errno;
    error = check(file, kind, fd);
    if (error == 0)
        return fd;
    close(fd);
    return error;
}

int mapshare_shm_open(struct mapshare *ms, uint32_t kind, const char *key, bool *writable)
{
    int fd = -EEXIST;

    for (int attempt = 0; attempt < ATTEMPTS && fd == -EEXIST; attempt++)
        fd = open_or_create(&ms->identity, kind, key, writable);
    return fd == -EEXIST ? -EAGAIN : fd;
}

/* Does the last one out leave a lock that somebody died with? The next owner must hear of it. */
static bool tells_something(int fd)
{
    struct mapshare_abi_lock locks[MAPSHARE_ABI_LOCK_COUNT];

    if (pread(fd, locks, sizeof(locks), 0) != sizeof(locks))
        return false;
    for (size_t i = 0; i < MAPSHARE_ABI_LOCK_COUNT; i++) {
        if (locks[i].owner != 0 || locks[i].inconsistent != 0)
            return true;
    }
    return false;
}

/* inode: of the board that we used and so trust; 0: any of our own. */
static bool is_ours(int fd, ino_t inode)
{
    struct stat area;

    return fstat(fd, &area) == 0 && S_ISREG(area.st_mode) && area.st_nlink == 1 &&
           (inode ? area.st_ino == inode : area.st_uid == geteuid());
}

/* Whether nothing of them is to be kept. */
static bool remove_locks(int folder, const char *board, bool gone)
{
    char name[MAPSHARE_AREA_KEY];
    bool keep;
    int fd;

    snprintf(name, sizeof(name), "%.*s" LOCKS_SUFFIX, (int)(strlen(board) - strlen(BOARD_SUFFIX)), board);
    fd = openat(folder, name, O_RDWR | OPEN_FLAGS);
    if (fd < 0)
        return true;
    keep = !gone && tells_something(fd);
    if (!keep)
        unlinkat(folder, name, 0);
    close(fd);
    return !keep;
}

/* Takes the board from all others. Who sweeps has it for a moment, too. */
static bool take_alone(int fd)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        struct flock other = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

        if (mapshare_lock_bytes(fd, F_WRLCK, 0, 0, false) == 0)
            return true;
        if (fcntl(fd, F_OFD_GETLK, &other) || other.l_type == F_RDLCK)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return false;
}

/* Asks through an open of its own: a child made by fork shares our description and may go on using it. */
static void remove_if_unused(int folder, const char *board, ino_t inode, bool gone)
{
    int fd = openat(folder, board, O_RDWR | OPEN_FLAGS);

    if (fd < 0)
        return;
    if (is_ours(fd, inode) && take_alone(fd) && is_ours(fd, inode) && remove_locks(folder, board, gone))
        unlinkat(folder, board, 0);
    close(fd);
}

/* The folder is everybody's: somebody else's file is not ours to remove. */
static bool is_board(const char *name)
{
    size_t length = strlen(name), prefix = strlen(AREA_PREFIX), suffix = strlen(BOARD_SUFFIX);

    return length > prefix + suffix && strncmp(name, AREA_PREFIX, prefix) == 0 &&
           strcmp(name + length - suffix, BOARD_SUFFIX) == 0 &&
           prefix + strspn(name + prefix, "0123456789abcdef.-") >= length - suffix;
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
        if (is_board(entry->d_name) && (entry->d_ino ^ (ino_t)now.tv_nsec) % SWEEP_SHARE == 0) {
            remove_if_unused(dirfd(folder), entry->d_name, 0, false);
            most--;
        }
    }
    closedir(folder);
}

void mapshare_shm_leave(const char *board, ino_t inode, bool gone)
{
    remove_if_unused(AT_FDCWD, board, inode, gone);
    sweep();
}
