#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/format.h"
#include "journal/superblock.h"
#include "model.h"

#define REMOVED_NAME (IDENTITY_NAME_MAX + 16)

struct place place;

static const char *name_of(int slot, char *name)
{
    const char *folder = place.moved[0] ? "other" : "folder";
    if (slot == 0)
        sprintf(name, "%s", folder);
    else if (place.moved[slot])
        sprintf(name, "%s/moved-%d", folder, slot);
    else
        sprintf(name, "file-%d", slot);
    return name;
}

const char *place_path(int slot)
{
    static char names[2 * DISK_SLOTS][64];
    static unsigned turn;
    return name_of(slot, names[turn++ % (2 * DISK_SLOTS)]);
}

/* Where the daemon keeps it while its commits are in the journal. */
static const char *removed_name(int slot, char name[REMOVED_NAME])
{
    char identity[IDENTITY_NAME_MAX];
    identity_name(&(struct identity){.inode = place.inodes[slot], .birth.tv_sec = MODEL_BIRTH + place.generations[slot]}, identity);
    snprintf(name, REMOVED_NAME, "removed/%s", identity);
    return name;
}

void place_make(const char *folder)
{
    struct stat status;
    char name[64];
    int base = open(folder, O_RDONLY | O_DIRECTORY);
    assert(base >= 0);
    int result = mkdirat(base, "store", 0700) | mkdirat(base, "outside", 0700) | mkdirat(base, "store/" JOURNAL_FOLDER, 0700) |
                 mkdirat(base, "store/" JOURNAL_FOLDER "/removed", 0700) | mkdirat(base, "store/folder", 0700);
    assert(result == 0);
    place.root = openat(base, "store", O_RDONLY | O_DIRECTORY);
    place.outside = openat(base, "outside", O_RDONLY | O_DIRECTORY);
    place.private_folder = openat(place.root, JOURNAL_FOLDER, O_RDONLY | O_DIRECTORY);
    int names = openat(place.private_folder, JOURNAL_NAMES_NAME, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert(names >= 0 && fstat(names, &status) == 0);
    place.names_inode = status.st_ino;
    close(names);
    result = superblock_create_file(place.private_folder, JOURNAL_BYTES, 0, 0);
    assert(result == 0);
    place.fds[DISK_JOURNAL] = openat(place.private_folder, JOURNAL_NAME, O_RDWR);
    for (int i = 0; i < DISK_SLOTS; i++) {
        if (i != DISK_JOURNAL)
            place.fds[i] = openat(place.root, name_of(i, name), O_RDWR | O_CREAT | O_EXCL, 0600);
        result = fstat(place.fds[i], &status);
        assert(result == 0);
        place.inodes[i] = status.st_ino;
        place.inside[i] = true;
    }
    close(base);
}

void place_remove(void)
{
    char name[64];
    for (int i = 0; i < DISK_SLOTS; i++) {
        if (i != DISK_JOURNAL)
            place_set_inside(i, true);
        if (i != DISK_JOURNAL)
            unlinkat(place.root, name_of(i, name), 0);
        close(place.fds[i]);
    }
    unlinkat(place.private_folder, JOURNAL_NAME, 0);
    unlinkat(place.private_folder, JOURNAL_NAMES_NAME, 0);
    unlinkat(place.private_folder, "removed", AT_REMOVEDIR);
    unlinkat(place.root, JOURNAL_FOLDER, AT_REMOVEDIR);
    unlinkat(place.root, name_of(0, name), AT_REMOVEDIR);
    unlinkat(place.outside, "../store", AT_REMOVEDIR);
    unlinkat(place.outside, "../outside", AT_REMOVEDIR);
    close(place.root);
    close(place.outside);
    close(place.private_folder);
    memset(&place, 0, sizeof(place));
}

void place_set_inside(int slot, bool inside)
{
    char name[64], aside[64], removed[REMOVED_NAME];
    sprintf(aside, "aside-%d", slot);
    int result = 0;
    if (place.inside[slot] != inside)
        result = inside ? renameat(place.outside, aside, place.root, name_of(slot, name))
                        : renameat(place.root, name_of(slot, name), place.outside, aside);
    assert(result == 0);
    place.inside[slot] = inside;
    removed_name(slot, removed);
    if (inside)
        unlinkat(place.private_folder, removed, 0);
    else
        result = linkat(place.outside, aside, place.private_folder, removed, 0);
    assert(result == 0 || errno == EEXIST);
}

void place_move(int slot)
{
    char from[64], to[64];
    name_of(slot, from);
    place.moved[slot] = !place.moved[slot];
    int result = slot == 0 || place.inside[slot] ? renameat(place.root, from, place.root, name_of(slot, to)) : 0;
    assert(result == 0);
}

static bool is_count(int fd)
{
    struct stat status;
    return counting != NULL && fstat(fd, &status) == 0 && status.st_ino == place.names_inode;
}

int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    if (is_count(fd) && mutation != RENAMES_RELEASED_EARLY)
        record_add(counting->record, (struct disk_event){.operation = DISK_SYNC, .slot = DISK_JOURNAL});
    return 0;
}

int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size)
{
    bool counts = is_count(fd);
    if (counts && size > 0 && mutation == RENAMES_NOT_COUNTED)
        return 0;
    if (counts)
        record_add(counting->record, (struct disk_event){.operation = DISK_COUNT, .offset = (uint64_t)size});
    return __real_ftruncate(fd, size);
}

void place_set_names(const struct disk_names *names)
{
    for (int slot = 0; slot < DISK_SLOTS; slot++) {
        if (place.moved[slot] != names->moved[slot])
            place_move(slot);
    }
    int fd = openat(place.private_folder, JOURNAL_NAMES_NAME, O_RDWR);
    int result = __real_ftruncate(fd, (off_t)names->count);
    assert(result == 0);
    close(fd);
}

/* The times of birth that the files seem to have: the number of users that their inode number has had. */
int __real_statx(int folder, const char *path, int flags, unsigned mask, struct statx *status);
int __wrap_statx(int folder, const char *path, int flags, unsigned mask, struct statx *status);
int __wrap_statx(int folder, const char *path, int flags, unsigned mask, struct statx *status)
{
    int result = __real_statx(folder, path, flags, mask, status);
    for (int i = 0; result == 0 && i < DISK_SLOTS; i++) {
        if (status->stx_ino == place.inodes[i]) {
            status->stx_mask |= STATX_BTIME;
            status->stx_btime.tv_sec = MODEL_BIRTH + place.generations[i];
            status->stx_btime.tv_nsec = i == DISK_JOURNAL && place.copied;
        }
    }
    return result;
}

ssize_t __real_getrandom(void *bytes, size_t length, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t length, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t length, unsigned flags)
{
    if (mutation != UUID_NOT_RENEWED)
        return __real_getrandom(bytes, length, flags);
    memset(bytes, 7, length);
    return (ssize_t)length;
}

static bool checksum_dropped(size_t length)
{
    return mutation == (length == FORMAT_BLOCK ? CHECKSUM_OF_PAGES_DROPPED : CHECKSUM_OF_HEADER_DROPPED);
}

/* The name that the header gives to the function, whichever of the two it is. */
#define JOINED(a, b) a##b
#define WRAPPED(name) JOINED(__wrap_, name)
#define REAL(name) JOINED(__real_, name)
XXH64_hash_t REAL(XXH3_64bits)(const void *bytes, size_t length);
XXH64_hash_t WRAPPED(XXH3_64bits)(const void *bytes, size_t length);
XXH64_hash_t WRAPPED(XXH3_64bits)(const void *bytes, size_t length)
{
    return checksum_dropped(length) ? 0 : REAL(XXH3_64bits)(bytes, length);
}
