#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "journal/find.h"
#include "journal/grow.h"
#include "journal/superblock.h"

/* Directories still to be read, as paths relative to the store's root. */
struct walk {
    int store;
    struct image *image;
    uint64_t wanted; /* files not found yet */
    char **folders;
    size_t count, capacity;
};

static bool same_device(int fd, const struct statx *status)
{
    struct stat root;
    return fstat(fd, &root) == 0 && major(root.st_dev) == status->stx_dev_major && minor(root.st_dev) == status->stx_dev_minor;
}

static bool is_file(const struct identity *identity, const struct statx *status)
{
    bool born = identity->birth.tv_sec != 0 || identity->birth.tv_nsec != 0;
    return S_ISREG(status->stx_mode) && status->stx_ino == identity->inode &&
           (!born || ((status->stx_mask & STATX_BTIME) != 0 && status->stx_btime.tv_sec == identity->birth.tv_sec &&
                      status->stx_btime.tv_nsec == identity->birth.tv_nsec));
}

/* Without a time of birth, a handle's generation tells whether the inode number was used again. */
static bool handle_agrees(int folder, const char *name, const struct identity *identity)
{
    union {
        struct file_handle handle;
        char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } found = {.handle.handle_bytes = MAX_HANDLE_SZ};
    int mount;
    if (identity->handle_length == 0 || name_to_handle_at(folder, name, &found.handle, &mount, 0) < 0)
        return true;
    return found.handle.handle_type == identity->handle_type && found.handle.handle_bytes == identity->handle_length &&
           memcmp(found.handle.f_handle, identity->handle, identity->handle_length) == 0;
}

/* The folder that holds the path's last name, and that name. Every name before it must be a folder of the same device. */
static int resolve(int store, const char *path, const char **name_out)
{
    int folder = openat(store, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const char *name = path;
    if (strncmp(path, JOURNAL_FOLDER "/", sizeof(JOURNAL_FOLDER)) == 0) {
        close(folder);
        return -ENOENT;
    }
    while (folder >= 0) {
        char part[NAME_MAX + 1];
        const char *slash = strchrnul(name, '/');
        size_t length = (size_t)(slash - name);
        if (length == 0 || length > NAME_MAX || (length <= 2 && strncmp(name, "..", length) == 0)) {
            close(folder);
            return -ENOENT;
        }
        if (*slash == 0) {
            *name_out = name;
            return folder;
        }
        memcpy(part, name, length);
        part[length] = 0;
        int next = openat(folder, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int error = errno;
        close(folder);
        errno = error;
        folder = next;
        name = slash + 1;
        struct statx status;
        if (folder >= 0 && (statx(folder, "", AT_EMPTY_PATH, STATX_INO, &status) < 0 || !same_device(store, &status))) {
            close(folder);
            return -ENOENT;
        }
    }
    return -errno;
}

/* Whether the name is the file. */
static bool check(int store, int folder, const char *name, const struct identity *identity)
{
    struct statx status;
    if (statx(folder, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &status) < 0)
        return false;
    bool born = identity->birth.tv_sec != 0 || identity->birth.tv_nsec != 0;
    return same_device(store, &status) && is_file(identity, &status) && (born || handle_agrees(folder, name, identity));
}

static bool is_at(int store, const char *path, const struct identity *identity)
{
    const char *name;
    int folder = resolve(store, path, &name);
    if (folder < 0)
        return false;
    bool found = check(store, folder, name, identity);
    close(folder);
    return found;
}

static int set_path(struct image_file *file, const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return -ENOMEM;
    free(file->path);
    file->path = copy;
    return 0;
}

static int path_of(int fd, char *path)
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0)
        return -errno;
    path[length] = 0;
    return 0;
}

/* 1: found, its path is set; 0: gone for good; -EAGAIN: the handle does not tell; -ENOMEM. A handle can name any file of the file
 * system, so it only leads to a path, which is then checked like any other. */
static int find_by_handle(int store, struct image_file *file)
{
    union {
        struct file_handle handle;
        char bytes[sizeof(struct file_handle) + IDENTITY_HANDLE_MAX];
    } wanted = {.handle.handle_bytes = file->identity.handle_length, .handle.handle_type = file->identity.handle_type};
    char root[PATH_MAX], path[PATH_MAX];
    if (file->identity.handle_length == 0)
        return -EAGAIN;
    memcpy(wanted.handle.f_handle, file->identity.handle, file->identity.handle_length);
    int fd = open_by_handle_at(store, &wanted.handle, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ESTALE ? 0 : -EAGAIN;
    int result = path_of(fd, path);
    close(fd);
    if (result < 0 || path_of(store, root) < 0)
        return -EAGAIN;
    size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(path, root, length) != 0 || path[length] != '/' || !is_at(store, path + length + 1, &file->identity))
        return -EAGAIN;
    result = set_path(file, path + length + 1);
    return result < 0 ? result : 1;
}

static int push(struct walk *walk, const char *folder, const char *name)
{
    char *path;
    if (!grow(&walk->folders, &walk->capacity, walk->count + 1, sizeof(*walk->folders)))
        return -ENOMEM;
    if (asprintf(&path, "%s%s%s", folder, *folder == 0 ? "" : "/", name) < 0)
        return -ENOMEM;
    walk->folders[walk->count++] = path;
    return 0;
}

/* One entry of a folder: a folder to be read later, or perhaps one of the files. */
static int visit(struct walk *walk, const char *path, int folder, const struct dirent *entry)
{
    struct stat status;
    unsigned char type = entry->d_type;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
        (*path == 0 && strcmp(entry->d_name, JOURNAL_FOLDER) == 0))
        return 0;
    if (type == DT_UNKNOWN && fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
        type = S_ISDIR(status.st_mode) ? DT_DIR : S_ISREG(status.st_mode) ? DT_REG : DT_UNKNOWN;
    if (type == DT_DIR)
        return push(walk, path, entry->d_name);
    if (type != DT_REG)
        return 0;
    struct image_file *file = image_first_of_inode(walk->image, entry->d_ino);
    for (; file != NULL && file->identity.inode == entry->d_ino; file = RB_NEXT(image_files, &walk->image->files, file)) {
        char *found;
        if (!file->missing || !check(walk->store, folder, entry->d_name, &file->identity))
            continue;
        if (asprintf(&found, "%s%s%s", path, *path == 0 ? "" : "/", entry->d_name) < 0)
            return -ENOMEM;
        free(file->path);
        file->path = found;
        file->missing = false;
        walk->wanted--;
    }
    return 0;
}

static int open_folder(int store, const char *path)
{
    const char *name;
    if (*path == 0)
        return openat(store, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int parent = resolve(store, path, &name);
    if (parent < 0)
        return -1;
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    close(parent);
    return folder;
}

/* A folder that cannot be read is passed over: its files could not be written to either. */
static int read_folder(struct walk *walk, const char *path)
{
    struct statx status;
    int result = 0;
    int fd = open_folder(walk->store, path);
    if (fd < 0)
        return 0;
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        close(fd);
        return -ENOMEM;
    }
    const struct dirent *entry;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_INO, &status) == 0 && same_device(walk->store, &status)) {
        while (result == 0 && walk->wanted > 0 && (entry = readdir(folder)) != NULL)
            result = visit(walk, path, fd, entry);
    }
    closedir(folder);
    return result;
}

static int walk_store(int store, struct image *image, uint64_t wanted)
{
    struct walk walk = {.store = store, .image = image, .wanted = wanted};
    int result = push(&walk, "", "");
    while (result == 0 && walk.count > 0 && walk.wanted > 0) {
        char *path = walk.folders[--walk.count];
        result = read_folder(&walk, path);
        free(path);
    }
    while (walk.count > 0)
        free(walk.folders[--walk.count]);
    free(walk.folders);
    return result;
}

int find_all(int store_folder, struct image *image)
{
    struct image_file *file;
    uint64_t wanted = 0;
    RB_FOREACH (file, image_files, &image->files) {
        if (!file->takes_part || (file->path != NULL && is_at(store_folder, file->path, &file->identity)))
            continue;
        int found = find_by_handle(store_folder, file);
        if (found == -ENOMEM)
            return found;
        file->missing = found != 1;
        if (found == -EAGAIN)
            wanted++;
    }
    return wanted > 0 ? walk_store(store_folder, image, wanted) : 0;
}

/* The file may have been made read-only since it was opened for the writes that are now replayed. */
static int open_writable(int folder, const char *name)
{
    int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    struct stat status;
    int fd = openat(folder, name, flags);
    if (fd >= 0 || errno != EACCES)
        return fd < 0 ? -errno : fd;
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode) ||
        fchmodat(folder, name, (status.st_mode & 07777) | S_IRUSR | S_IWUSR, 0) < 0)
        return -EACCES;
    fd = openat(folder, name, flags);
    int error = fd < 0 ? -errno : 0;
    if (fchmodat(folder, name, status.st_mode & 07777, 0) < 0 && !error) {
        error = -errno;
        close(fd);
    }
    return error ? error : fd;
}

int find_open(int store_folder, const struct image_file *file, int *fd_out)
{
    const char *name;
    struct statx status;
    int folder = resolve(store_folder, file->path, &name);
    if (folder < 0)
        return folder;
    int fd = check(store_folder, folder, name, &file->identity) ? open_writable(folder, name) : -ENOENT;
    close(folder);
    if (fd < 0)
        return fd;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &status) < 0 || !same_device(store_folder, &status) ||
        !is_file(&file->identity, &status)) {
        close(fd);
        return -ENOENT;
    }
    *fd_out = fd;
    return 0;
}
