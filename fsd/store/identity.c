#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "store/identity.h"

union handle {
    struct file_handle head;
    char room[sizeof(struct file_handle) + IDENTITY_HANDLE_MAX];
};

static int name_flags(const char *name)
{
    return *name == 0 ? AT_EMPTY_PATH : 0; /* neither call follows a link of itself, but for statx */
}

/* False where there is none, or none that fits. */
static bool take_handle(int folder, const char *name, union handle *out)
{
    int mount;
    out->head.handle_bytes = IDENTITY_HANDLE_MAX;
    return name_to_handle_at(folder, name, &out->head, &mount, name_flags(name)) == 0;
}

static int open_handle(int store, const struct identity *identity, int flags)
{
    union handle handle = {.head = {.handle_bytes = identity->handle_length, .handle_type = identity->handle_type}};
    if (identity->handle_length == 0)
        return -ENOTSUP;
    memcpy(handle.head.f_handle, identity->handle, identity->handle_length);
    int fd = open_by_handle_at(store, &handle.head, flags | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* On FUSE a handle is made and opened, but names the server's memory; on overlayfs it depends on how layers were mounted. Elsewhere the
 * root's own one must open the root. */
bool identity_handles(int store)
{
    struct statfs system;
    struct identity root;
    if (fstatfs(store, &system) < 0 || system.f_type == FUSE_SUPER_MAGIC || system.f_type == OVERLAYFS_SUPER_MAGIC)
        return false;
    if (identity_take(store, "", true, &root) < 0)
        return false;
    int fd = identity_open(store, &root, O_PATH);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

bool identity_births(int store)
{
    struct statfs system;
    return fstatfs(store, &system) < 0 || system.f_type != OVERLAYFS_SUPER_MAGIC;
}

const char *identity_refusal(int store)
{
    struct statfs system;
    if (fstatfs(store, &system) < 0)
        return NULL;
    switch (system.f_type) {
    case MSDOS_SUPER_MAGIC:
    case EXFAT_SUPER_MAGIC:
        return "on FAT and exFAT inode numbers change, and files cannot be known again";
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
        return "it is no file system for files";
    default:
        return NULL;
    }
}

void identity_of(const struct statx *status, struct identity *out)
{
    *out = (struct identity){
        .device = makedev(status->stx_dev_major, status->stx_dev_minor),
        .type = status->stx_mode & S_IFMT,
        .inode = status->stx_ino,
    };
    if (status->stx_mask & STATX_BTIME)
        out->birth = (struct timespec){status->stx_btime.tv_sec, status->stx_btime.tv_nsec};
}

int identity_take(int folder, const char *name, bool handles, struct identity *out)
{
    struct statx status;
    union handle handle;
    if (statx(folder, name, AT_SYMLINK_NOFOLLOW | name_flags(name), STATX_TYPE | STATX_INO | STATX_BTIME, &status) < 0)
        return -errno;
    identity_of(&status, out);
    if (handles && take_handle(folder, name, &handle)) {
        out->handle_type = handle.head.handle_type;
        out->handle_length = handle.head.handle_bytes;
        memcpy(out->handle, handle.head.f_handle, out->handle_length);
    }
    return 0;
}

static bool same_handle(const struct identity *a, const struct identity *b)
{
    return a->handle_type == b->handle_type && a->handle_length == b->handle_length &&
           memcmp(a->handle, b->handle, a->handle_length) == 0;
}

bool identity_same(const struct identity *found, const struct identity *meant)
{
    if (found->device != meant->device || found->type != meant->type || found->inode != meant->inode)
        return false;
    if (identity_is_born(meant))
        return found->birth.tv_sec == meant->birth.tv_sec && found->birth.tv_nsec == meant->birth.tv_nsec;
    return meant->handle_length == 0 || same_handle(found, meant);
}

int identity_check(int fd, const struct identity *identity)
{
    struct identity found;
    int result = identity_take(fd, "", !identity_is_born(identity) && identity->handle_length > 0, &found);
    if (result < 0)
        return result;
    return identity_same(&found, identity) ? 0 : -ESTALE;
}

int identity_open(int store, const struct identity *identity, int flags)
{
    int fd = open_handle(store, identity, flags);
    int result = fd < 0 ? fd : identity_check(fd, identity);
    if (fd >= 0 && result < 0)
        close(fd);
    return result < 0 ? result : fd;
}

void identity_name(const struct identity *identity, char name[IDENTITY_NAME_MAX])
{
    snprintf(name, IDENTITY_NAME_MAX, "%" PRIu64 "-%" PRId64 ".%09ld", identity->inode, (int64_t)identity->birth.tv_sec,
             identity->birth.tv_nsec);
}

int identity_take_name(int fd, char name[IDENTITY_NAME_MAX])
{
    struct identity identity;
    int result = identity_take(fd, "", false, &identity);
    memset(name, 0, IDENTITY_NAME_MAX);
    if (result == 0)
        identity_name(&identity, name);
    return result;
}
