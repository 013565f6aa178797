/* Finding an inode by nothing but its number: a client kept a file handle that the mount gave it. The kernel compares the generation, which has the
 * store's key in it; here it is made sure that nothing beside the store, or in a private folder, is reached. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cache/inode.h"
#include "mapshare-abi.h"

#define FILE_ID_INO32_GEN 1        /* a handle of inode number and generation; ext4 takes generation 0 for any */
#define FILE_ID_INO32_GEN_PARENT 2 /* and then the same of the folder */
#define FILE_ID_KIND 0xff
#ifndef AT_HANDLE_CONNECTABLE
#define AT_HANDLE_CONNECTABLE 0x002 /* since Linux 6.13 */
#endif
#define KEY_NAME "key"
#define KEY_NEW "key.new"

/* By way of the private folder, which is open on the mount that the store was found on: only there does the kernel know paths of what lies beside
 * the store. */
static int open_number(const struct inode_table *table, uint64_t number)
{
    union {
        struct file_handle handle;
        char space[sizeof(struct file_handle) + 2 * sizeof(uint32_t)];
    } at = {.handle = {.handle_bytes = 2 * sizeof(uint32_t), .handle_type = FILE_ID_INO32_GEN}};
    uint32_t bytes[2] = {number, 0};

    memcpy(at.handle.f_handle, bytes, sizeof bytes);
    return open_by_handle_at(table->private, &at.handle, O_PATH | O_CLOEXEC);
}

/* The path that the kernel knows for a descriptor. */
static bool read_path(int fd, char path[PATH_MAX])
{
    char link[32];
    ssize_t length;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, PATH_MAX - 1);
    if (length < 0)
        return false;
    path[length] = 0;
    return true;
}

static bool names_private(const char *path)
{
    static const size_t length = sizeof MAPSHARE_PRIVATE_FOLDER - 1;

    while (*path) {
        size_t part = strcspn(path, "/");

        if (part == length && !strncmp(path, MAPSHARE_PRIVATE_FOLDER, length))
            return true;
        path += part + strspn(path + part, "/");
    }
    return false;
}

static bool leads_to(const struct inode_table *table, const char *path, const struct identity *identity)
{
    struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
    int fd = syscall(SYS_openat2, table->store, *path ? path : ".", &how, sizeof how);
    bool does = fd >= 0 && !identity_check(fd, identity);

    if (fd >= 0)
        close(fd);
    return does;
}

/* Whether the kernel knows a folder that the file is in: of one that it has no name of, it tells the file itself. */
static bool has_folder(int fd)
{
    union {
        struct file_handle handle;
        char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } at = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
    const size_t half = 2 * sizeof(uint32_t);
    char link[32];
    int mount;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd); /* AT_EMPTY_PATH is not permitted with it */
    return !name_to_handle_at(AT_FDCWD, link, &at.handle, &mount, AT_SYMLINK_FOLLOW | AT_HANDLE_CONNECTABLE) &&
           (at.handle.handle_type & FILE_ID_KIND) == FILE_ID_INO32_GEN_PARENT &&
           memcmp(at.handle.f_handle, at.handle.f_handle + half, half);
}

/* Of a file that nobody looked up by name since it was last forgotten the kernel knows no path, and of one that left the store none below our mount
 * of it. What has a folder is of the latter, unless another of its names is in the store. Else the key must do, with which the mount gave out the
 * handle while the file lay in the store. Of folders the kernel always finds a path. */
static bool lies_in_store(const struct inode_table *table, int fd, const struct identity *identity, nlink_t names)
{
    static const char name[] = "/" MAPSHARE_PRIVATE_FOLDER;
    char root[PATH_MAX], path[PATH_MAX];
    size_t length;

    if (!read_path(table->private, root) || !read_path(fd, path))
        return false;
    length = strlen(root);
    if (length < sizeof name - 1 || strcmp(root + length - (sizeof name - 1), name))
        return false;
    length -= sizeof name - 1;
    if (!strcmp(path, "/"))
        return identity->inode == table->root || (table->key.known && !S_ISDIR(identity->type) && (names > 1 || !has_folder(fd)));
    if (strncmp(path, root, length) || path[length] != '/')
        return false;
    return !names_private(path + length) && leads_to(table, path + length + 1, identity);
}

/* A removed file is not found any more. */
static int check(const struct inode_table *table, int fd)
{
    struct identity identity;
    struct stat stat;
    int error = identity_take(fd, "", table->handles, &identity);

    if (!error && (fstat(fd, &stat) || !stat.st_nlink || !lies_in_store(table, fd, &identity, stat.st_nlink)))
        error = -ESTALE;
    return error;
}

int inode_lookup_number(struct inode_table *table, uint64_t number, struct statx *stat, uint32_t *slot, struct effects *effects)
{
    int fd, error = 0;

    if (number == 1)
        number = table->root;
    *slot = inode_of_node(table, number == table->root ? 1 : number);
    if (*slot)
        fd = inode_open(table, *slot);
    else
        fd = table->handles && table->private >= 0 ? open_number(table, number) : -ESTALE;
    if (fd < 0)
        return -ESTALE;
    if (!*slot)
        error = check(table, fd);
    if (!error)
        error = inode_lookup(table, 0, fd, "", stat, slot, effects);
    close(fd);
    return error || stat->stx_ino != number ? -ESTALE : 0;
}

/* ---- the key ---- */

static bool read_key(struct inode_key *key, int folder)
{
    int fd = openat(folder, KEY_NAME, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, key->bytes, sizeof key->bytes);

    if (fd >= 0)
        close(fd);
    return length == sizeof key->bytes;
}

static int write_key(const struct inode_key *key, int folder)
{
    int fd = openat(folder, KEY_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600), error = 0;

    if (fd < 0)
        return -errno;
    errno = EIO;
    if (write(fd, key->bytes, sizeof key->bytes) != sizeof key->bytes || fsync(fd))
        error = -errno;
    close(fd);
    if (!error && renameat(folder, KEY_NEW, folder, KEY_NAME))
        error = -errno;
    return error;
}

int inode_key_open(struct inode_table *table, int private_folder)
{
    struct inode_key key = {.known = true};
    int error = 0;

    if (!read_key(&key, private_folder)) {
        if (getrandom(key.bytes, sizeof key.bytes, 0) != sizeof key.bytes)
            return -errno;
        error = write_key(&key, private_folder);
    }
    if (!error)
        table->key = key;
    return error;
}
