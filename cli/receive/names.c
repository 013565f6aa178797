/* The copy's names. What a batch does to them is kept until the batch is committed, then done, in the order in which it came; it may be done twice. */
#include "config.h"

#include "attributes.h"
#include "follow/tree.h"
#include "mapshare-abi.h"
#include "message.h"
#include "receive/receive.h"

#include "journal/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NEW_NAME "new" /* in our own folder: what is then renamed to where it belongs */

struct record {
    uint32_t kind, length;
};

/* ---- whether it makes sense ---- */

static bool is_path(const char *path, size_t length)
{
    const char *at = path, *end = path + length;

    if (!length || length >= PATH_MAX || memchr(path, 0, length))
        return false;
    while (at <= end) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        size_t part = (size_t)((slash ? slash : end) - at);

        if (!part || part > NAME_MAX || (at[0] == '.' && (part == 1 || (part == 2 && at[1] == '.'))))
            return false;
        if (at == path && ((part == strlen(FOLLOW_FOLDER) && !memcmp(at, FOLLOW_FOLDER, part)) ||
                           (part == strlen(MAPSHARE_PRIVATE_FOLDER) && !memcmp(at, MAPSHARE_PRIVATE_FOLDER, part))))
            return false;
        at += part + 1;
    }
    return true;
}

/* What comes in an ENTRY, with its texts terminated. */
struct entry {
    struct wire_entry is;
    char path[PATH_MAX], target[PATH_MAX];
    const char *attributes;
};

static bool are_attributes(const char *bytes, size_t length)
{
    struct attribute attribute;
    size_t at = 0;

    while (attributes_next(bytes, length, &at, &attribute)) {
        if (!strncmp(attribute.name, MAPSHARE_XATTR_PREFIX, strlen(MAPSHARE_XATTR_PREFIX)))
            return false;
    }
    return at == length;
}

static bool is_kind(mode_t mode)
{
    return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISCHR(mode) || S_ISBLK(mode);
}

static bool is_entry(const unsigned char *bytes, size_t length, struct entry *entry)
{
    const char *text = (const char *)bytes + sizeof entry->is;
    const struct wire_entry *is = &entry->is;
    size_t left = length - sizeof entry->is;

    if (length < sizeof entry->is)
        return false;
    memcpy(&entry->is, bytes, sizeof entry->is);
    if (is->path_length >= PATH_MAX || is->target_length >= PATH_MAX || is->attributes_length > left ||
        (size_t)is->path_length + is->target_length + is->attributes_length != left)
        return false;
    memcpy(entry->path, text, is->path_length);
    entry->path[is->path_length] = '\0';
    memcpy(entry->target, text + is->path_length, is->target_length);
    entry->target[is->target_length] = '\0';
    entry->attributes = text + is->path_length + is->target_length;
    if (is->path_length ? !is_path(entry->path, is->path_length) : !S_ISDIR(is->mode))
        return false;
    if (!is_kind(is->mode) || S_ISLNK(is->mode) != !!is->target_length || strlen(entry->target) != is->target_length)
        return false;
    return is->nanoseconds >= 0 && is->nanoseconds < 1000000000 && are_attributes(entry->attributes, is->attributes_length);
}

static bool makes_sense(uint32_t kind, const unsigned char *bytes, size_t length, struct entry *entry)
{
    if (kind == WIRE_ENTRY)
        return is_entry(bytes, length, entry);
    return kind == WIRE_DROP ? is_path((const char *)bytes, length) : kind == WIRE_GONE && length == sizeof(struct wire_id);
}

int receive_name(struct receive *receive, enum wire_kind kind, const unsigned char *bytes, size_t length)
{
    struct record record = {.kind = kind, .length = (uint32_t)length};
    struct iovec parts[] = {{&record, sizeof record}, {(void *)bytes, length}};
    size_t all = sizeof record + length;
    struct entry entry;
    int error = makes_sense(kind, bytes, length, &entry) ? receive_make_room(receive, all) : -EPROTO;
    ssize_t n;

    if (error)
        return error;
    n = pwritev(mapshare_fd(receive->names), parts, 2, (off_t)receive->names_length);
    if (n != (ssize_t)all)
        return receive_tell(receive, "names", n < 0 ? -errno : -ENOSPC);
    receive->names_length += all;
    return 0;
}

/* ---- making them ---- */

static int remove_all(int folder, const char *name);

static int remove_folder(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), error = 0;
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (!list)
        return -errno;
    while (!error && (entry = readdir(list))) {
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            error = remove_all(fd, entry->d_name);
    }
    closedir(list);
    return error ? error : unlinkat(folder, name, AT_REMOVEDIR) ? -errno : 0;
}

static int remove_all(int folder, const char *name)
{
    if (!unlinkat(folder, name, 0) || errno == ENOENT)
        return 0;
    return errno == EISDIR ? remove_folder(folder, name) : -errno;
}

/* The folder that this is in, and its name there. */
static int open_parent(const struct receive *receive, const char *path, const char **name)
{
    char parent[PATH_MAX];
    char *slash;

    strcpy(parent, path);
    slash = strrchr(parent, '/');
    *name = slash ? path + (slash - parent) + 1 : path;
    *(slash ? slash : parent) = '\0';
    return path_open(receive->root, parent);
}

static int drop(const struct receive *receive, const char *path)
{
    const char *name;
    int folder = open_parent(receive, path, &name), error;

    if (folder < 0) /* it went with its folder */
        return folder == -ENOENT || folder == -ENOTDIR || folder == -ELOOP ? 0 : folder;
    error = remove_all(folder, name);
    close(folder);
    return error == -ENOTDIR ? 0 : error;
}

static bool same(int place, const struct entry *entry, const struct stat *object)
{
    char target[PATH_MAX];
    struct stat status;
    ssize_t length;

    if (fstat(place, &status) || (status.st_mode & S_IFMT) != (entry->is.mode & S_IFMT))
        return false;
    if (S_ISREG(status.st_mode))
        return status.st_ino == object->st_ino;
    if (!S_ISLNK(status.st_mode))
        return S_ISDIR(status.st_mode) || status.st_rdev == entry->is.device;
    length = readlinkat(place, "", target, sizeof target);
    return length == (ssize_t)entry->is.target_length && !memcmp(target, entry->target, (size_t)length);
}

static int make(const struct receive *receive, const struct entry *entry, int folder, const char *name, const char *object)
{
    int result, kind = entry->is.mode & S_IFMT;

    if (kind == S_IFDIR)
        return mkdirat(folder, name, 0700) ? -errno : 0;
    unlinkat(receive->control, NEW_NAME, 0);
    if (kind == S_IFREG)
        result = linkat(receive->files, object, receive->control, NEW_NAME, 0);
    else if (kind == S_IFLNK)
        result = symlinkat(entry->target, receive->control, NEW_NAME);
    else
        result = mknodat(receive->control, NEW_NAME, entry->is.mode, entry->is.device);
    return result || renameat(receive->control, NEW_NAME, folder, name) ? -errno : 0;
}

static int drop_attributes(const char *path)
{
    char names[XATTR_LIST_MAX];
    ssize_t n = listxattr(path, names, sizeof names);

    for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1) {
        if (removexattr(path, names + at) && errno != ENODATA)
            return -errno;
    }
    return 0;
}

static bool has_attributes(int place, const struct entry *entry)
{
    static char now[ATTRIBUTES_MAX];
    uint32_t length;

    return !attributes_take(place, now, &length) && length == entry->is.attributes_length &&
           !memcmp(now, entry->attributes, length);
}

/* The owner first: changing it takes rights away. An ordinary user's copy is all his. */
static int complete(int place, const struct entry *entry)
{
    const struct wire_entry *is = &entry->is;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = is->seconds, .tv_nsec = is->nanoseconds}};
    struct stat status;
    char path[32];
    int error = 0;

    snprintf(path, sizeof path, "/proc/self/fd/%d", place);
    if (fstat(place, &status))
        return -errno;
    if (geteuid() == 0 && (status.st_uid != is->uid || status.st_gid != is->gid) &&
        fchownat(place, "", is->uid, is->gid, AT_EMPTY_PATH))
        return -errno;
    if (!has_attributes(place, entry)) {
        if (!S_ISLNK(is->mode) && geteuid() != 0)
            error = path_chmod(place, (status.st_mode | 0600) & 07777);
        if (!error)
            error = drop_attributes(path);
        if (!error)
            error = attributes_set(path, entry->attributes, is->attributes_length);
    }
    if (!error && !S_ISLNK(is->mode))
        error = path_chmod(place, is->mode & 07777);
    if (!error && utimensat(AT_FDCWD, path, times, 0))
        error = -errno;
    return error;
}

/* What is there instead is renamed over, but for folders. */
static int make_way(const struct entry *entry, int folder, const char *name)
{
    struct stat status;

    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? 0 : -errno;
    return S_ISDIR(status.st_mode) || S_ISDIR(entry->is.mode) ? remove_all(folder, name) : 0;
}

static int make_at(const struct receive *receive, const struct entry *entry, int folder, const char *name)
{
    int place = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), error = 0;
    char object[RECEIVE_NAME_MAX];
    struct stat status;

    receive_file_name(&entry->is.id, object);
    if (S_ISREG(entry->is.mode) && fstatat(receive->files, object, &status, AT_SYMLINK_NOFOLLOW))
        error = -errno;
    if (!error && (place < 0 || !same(place, entry, &status))) {
        if (place >= 0)
            close(place);
        error = make_way(entry, folder, name);
        if (!error)
            error = make(receive, entry, folder, name, object);
        place = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (!error && place < 0)
            error = -errno;
    }
    if (!error)
        error = complete(place, entry);
    if (place >= 0)
        close(place);
    return error;
}

static int make_entry(const struct receive *receive, const struct entry *entry)
{
    const char *name;
    int folder, error;

    if (!*entry->path)
        return complete(receive->root, entry);
    folder = open_parent(receive, entry->path, &name);
    if (folder < 0)
        return folder;
    error = make_at(receive, entry, folder, name);
    close(folder);
    return error;
}

static void forget(const struct receive *receive, const unsigned char *bytes)
{
    char name[RECEIVE_NAME_MAX];
    struct wire_id id;

    memcpy(&id, bytes, sizeof id);
    receive_file_name(&id, name);
    unlinkat(receive->files, name, 0);
}

static void make_one(struct receive *receive, uint32_t kind, unsigned char *bytes, const struct entry *entry)
{
    const char *path = kind == WIRE_DROP ? (const char *)bytes : entry->path;
    int error = 0;

    if (kind == WIRE_GONE)
        forget(receive, bytes);
    else
        error = kind == WIRE_DROP ? drop(receive, path) : make_entry(receive, entry);
    if (!error)
        return;
    receive->failed++;
    message("%s/%s: cannot be made as it is there: %s%s", quoted(receive->name), quoted(path), strerror(-error),
            error == -EPERM ? "; root may" : "");
}

int receive_make_names(struct receive *receive)
{
    int fd = mapshare_fd(receive->names), error = 0;
    unsigned char *bytes = malloc(WIRE_MOST + 1);
    struct entry entry;
    uint64_t at = 0;

    if (!bytes)
        return receive_tell(receive, "names", -ENOMEM);
    receive->failed = 0;
    while (at < receive->names_length && !error) {
        struct record record;

        if (pread(fd, &record, sizeof record, (off_t)at) != sizeof record || record.length > WIRE_MOST ||
            pread(fd, bytes, record.length, (off_t)(at + sizeof record)) != (ssize_t)record.length)
            error = receive_tell(receive, "names", -EIO);
        else if (bytes[record.length] = '\0', !makes_sense(record.kind, bytes, record.length, &entry))
            error = receive_tell(receive, "names", -EPROTO);
        else
            make_one(receive, record.kind, bytes, &entry);
        at += sizeof record + record.length;
    }
    free(bytes);
    return error;
}
