/* The copy's folder. */
#include "config.h"

#include "follow/tree.h"
#include "message.h"
#include "mounts.h"
#include "receive/receive.h"
#include "statistics.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_BYTES 512
#define STATE_VERSION 1

int receive_tell(const struct receive *receive, const char *what, int error)
{
    if (error == -ENOSPC || error == -EDQUOT)
        message("%s: no room for %s (%s): give its mount more room, journal_size= or cache_size=", quoted(receive->name), what,
                strerror(-error));
    else if (error == -EPROTO)
        message("%s: %s makes no sense: is it a follower of the same version?", quoted(receive->name), what);
    else
        message("%s: %s: %s", quoted(receive->name), what, strerror(-error));
    return error;
}

void receive_file_name(const struct wire_id *id, char name[RECEIVE_NAME_MAX])
{
    snprintf(name, RECEIVE_NAME_MAX, "%016" PRIx64 "-%016" PRIx64, id->inode, id->generation);
}

static int refuse(const struct receive *receive, const char *why)
{
    message("%s: %s", quoted(receive->name), why);
    return -EPERM;
}

/* What a commit may have: less than the journal. */
static int find_mount(struct receive *receive)
{
    char *path = mounts_resolve(receive->name);
    struct statistics statistics;
    struct mount_entry mount;
    int error = path ? mounts_around(path, &mount) : -errno;

    free(path);
    if (error == -ENOENT)
        return refuse(receive, "not a folder of a mount of mapsharefs: mount a store there, whose commits make the copy whole");
    if (error)
        return receive_tell(receive, "the folder", error);
    tree_identify_store(mount.source, &receive->own); /* where it can be seen */
    error = statistics_read_or_tell(mount.point, &statistics) ? 0 : -EIO;
    mounts_free(&mount);
    if (error)
        return error;
    receive->bytes_most = statistics_number(&statistics, "journal_size") / 4 * 3;
    statistics_free(&statistics);
    return 0;
}

static DIR *open_list(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);

    if (!list && fd >= 0)
        close(fd);
    return list;
}

static bool is_dots(const char *name)
{
    return !strcmp(name, ".") || !strcmp(name, "..");
}

static bool is_empty(int folder)
{
    DIR *list = open_list(folder, ".");
    const struct dirent *entry = NULL;

    while (list && (entry = readdir(list)) && is_dots(entry->d_name))
        ;
    if (list)
        closedir(list);
    return list && !entry;
}

static int open_control(struct receive *receive)
{
    struct stat status;

    receive->root = open(receive->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (receive->root < 0)
        return receive_tell(receive, "the folder", -errno);
    receive->control = openat(receive->root, FOLLOW_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (receive->control < 0 && errno == ENOENT) {
        if (!is_empty(receive->root))
            return refuse(receive, "is not empty, and no copy that a follower made: give an empty folder");
        if (!mkdirat(receive->root, FOLLOW_FOLDER, 0700) && !fchmodat(receive->root, FOLLOW_FOLDER, 0711, 0))
            receive->control = openat(receive->root, FOLLOW_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (receive->control < 0 || fstat(receive->control, &status))
        return receive_tell(receive, FOLLOW_FOLDER, -errno);
    if (status.st_uid != geteuid())
        return refuse(receive, "is another user's copy");
    if (flock(receive->control, LOCK_EX | LOCK_NB))
        return errno == EWOULDBLOCK ? refuse(receive, "another follower writes there, or did a minute ago")
                                    : receive_tell(receive, "the lock", -errno);
    return 0;
}

static int open_atomic(struct receive *receive, const char *name, mode_t mode, struct mapshare **out)
{
    struct mapshare_options options = {.struct_size = sizeof options, .flags = MAPSHARE_OPEN_ATOMIC};
    int fd = openat(receive->control, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

    if (fd < 0 || fchmod(fd, mode))
        return receive_tell(receive, name, -errno);
    *out = mapshare_fdopen(fd, &options);
    if (!*out || mapshare_rollback(out, 1, NULL)) /* what a receiver left that was killed */
        return receive_tell(receive, name, -errno);
    return 0;
}

static int read_state(struct receive *receive)
{
    char text[STATE_BYTES + 1] = "";
    ssize_t n = pread(mapshare_fd(receive->state), text, STATE_BYTES, 0);
    unsigned version;

    if (n < 0)
        return receive_tell(receive, "state", -errno);
    if (n == 0)
        return 0;
    if (sscanf(text,
               "version=%u source=%" SCNx64 "-%" SCNx64 " sequence=%" SCNu64 " time=%" SCNd64 ".%" SCNd64 " complete=%" SCNu32
               " names=%" SCNu64,
               &version, &receive->source.inode, &receive->source.generation, &receive->done.sequence, &receive->commit.seconds,
               &receive->commit.nanoseconds, &receive->done.complete, &receive->names_length) != 8 ||
        version != STATE_VERSION)
        return refuse(receive, "its " FOLLOW_FOLDER "/state is damaged, or of another version: give an empty folder");
    receive->commit.sequence = receive->done.sequence;
    return 0;
}

int receive_write_state(struct receive *receive)
{
    char text[STATE_BYTES];
    int length =
        snprintf(text, sizeof text,
                 "version=%u\nsource=%" PRIx64 "-%" PRIx64 "\nsequence=%" PRIu64 "\ntime=%" PRId64 ".%09" PRId64
                 "\ncomplete=%" PRIu32 "\nnames=%" PRIu64 "\n",
                 STATE_VERSION, receive->source.inode, receive->source.generation, receive->done.sequence, receive->commit.seconds,
                 receive->commit.nanoseconds, receive->done.complete, receive->done.complete ? receive->names_length : 0);
    int fd = mapshare_fd(receive->state);

    return pwrite(fd, text, (size_t)length, 0) == length && !ftruncate(fd, length) ? 0 : -errno;
}

int receive_open(struct receive *receive)
{
    int error = find_mount(receive);

    if (!error)
        error = open_control(receive);
    if (error)
        return error;
    if (mkdirat(receive->control, "files", 0700) && errno != EEXIST)
        return receive_tell(receive, "files", -errno);
    receive->files = openat(receive->control, "files", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (receive->files < 0)
        return receive_tell(receive, "files", -errno);
    error = open_atomic(receive, "state", 0644, &receive->state);
    if (!error)
        error = open_atomic(receive, "names", 0600, &receive->names);
    if (!error)
        error = read_state(receive);
    return error;
}

int receive_begin(struct receive *receive, const struct wire_hello *hello)
{
    static const struct wire_id none;

    if (!wire_id_compare(&receive->own, &hello->source))
        return refuse(receive, "lies in what is to be copied: give a folder of another mount");
    if (wire_id_compare(&receive->source, &none) && wire_id_compare(&receive->source, &hello->source))
        return refuse(receive, "is a copy of another store: give an empty folder");
    receive->source = hello->source;
    return 0;
}

/* ---- what there is ---- */

/* A file without a name is of a batch that was not made. */
static int list_file(struct receive *receive, const char *name)
{
    char again[RECEIVE_NAME_MAX];
    struct wire_id id;
    struct stat status;

    if (sscanf(name, "%" SCNx64 "-%" SCNx64, &id.inode, &id.generation) != 2)
        return 0;
    receive_file_name(&id, again);
    if (strcmp(name, again) || fstatat(receive->files, name, &status, AT_SYMLINK_NOFOLLOW))
        return 0;
    if (receive->done.complete && status.st_nlink == 1)
        return unlinkat(receive->files, name, 0) ? receive_tell(receive, "files", -errno) : 0;
    return wire_send(&receive->wire, WIRE_ID, &id, sizeof id);
}

static int list_names(struct receive *receive, int folder, const char *name, char path[PATH_MAX])
{
    size_t length = strlen(path);
    DIR *list = open_list(folder, name);
    const struct dirent *entry;
    struct stat status;
    int error = 0;

    if (!list)
        return receive_tell(receive, *path ? path : "the folder", -errno);
    while (!error && (entry = readdir(list))) {
        if (is_dots(entry->d_name) || (!length && !strcmp(entry->d_name, FOLLOW_FOLDER)))
            continue;
        if (length + strlen(entry->d_name) + 2 > PATH_MAX) {
            error = receive_tell(receive, path, -ENAMETOOLONG);
            break;
        }
        strcat(strcat(path, length ? "/" : ""), entry->d_name);
        error = wire_send(&receive->wire, WIRE_NAME, path, strlen(path));
        if (!error && !fstatat(dirfd(list), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) && S_ISDIR(status.st_mode))
            error = list_names(receive, dirfd(list), entry->d_name, path);
        path[length] = '\0';
    }
    closedir(list);
    return error;
}

int receive_list(struct receive *receive)
{
    DIR *list = open_list(receive->files, ".");
    char path[PATH_MAX] = "";
    const struct dirent *entry;
    int error = list ? 0 : receive_tell(receive, "files", -errno);

    while (!error && (entry = readdir(list))) {
        if (!is_dots(entry->d_name))
            error = list_file(receive, entry->d_name);
    }
    if (list)
        closedir(list);
    if (!error)
        error = list_names(receive, receive->root, ".", path);
    return error ? error : wire_send(&receive->wire, WIRE_STATE, &receive->done, sizeof receive->done);
}

void receive_close(struct receive *receive)
{
    if (receive->state)
        mapshare_close(receive->state);
    if (receive->names)
        mapshare_close(receive->names);
    free(receive->open);
    if (receive->files >= 0)
        close(receive->files);
    if (receive->control >= 0)
        close(receive->control);
    if (receive->root >= 0)
        close(receive->root);
}
