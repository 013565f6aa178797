#include "config.h"

#include "inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/xattr.h>
#include <unistd.h>

int inspect_open(const char *path, struct stat *status)
{
    char self[64];
    int result = 0;
    int fd;
    int place = open(path, O_PATH | O_CLOEXEC); /* opening a device or a FIFO may already do something to it */

    if (place < 0)
        return -errno;
    if (fstat(place, status)) {
        result = -errno;
    } else if (!S_ISREG(status->st_mode) && !S_ISDIR(status->st_mode)) {
        result = -ENXIO;
    } else {
        snprintf(self, sizeof self, "/proc/self/fd/%d", place);
        fd = open(self, O_RDONLY | O_CLOEXEC | O_NOATIME);
        if (fd < 0 && errno == EPERM) /* only the owner may ask for no mark */
            fd = open(self, O_RDONLY | O_CLOEXEC);
        result = fd < 0 ? -errno : fd;
    }
    close(place);
    return result;
}

/* File systems without ioctls say so in several ways. */
static int ioctl_error(void)
{
    return errno == ENOSYS || errno == EOPNOTSUPP || errno == EINVAL ? -ENOTTY : -errno;
}

int inspect_info(int fd, struct mapshare_abi_info *info)
{
    if (ioctl(fd, MAPSHARE_IOC_INFO, info) >= 0)
        return info->version == MAPSHARE_ABI_VERSION ? 0 : -EPROTO;
    return ioctl_error();
}

int inspect_open_file(const char *path, struct stat *status)
{
    struct mapshare_abi_info info;
    int fd = inspect_open(path, status);
    int result = fd < 0 ? fd : S_ISDIR(status->st_mode) ? -EISDIR : inspect_info(fd, &info);

    if (fd >= 0 && result)
        close(fd);
    return result ? result : fd;
}

static int attribute(int fd, const char *name, char *value, size_t size)
{
    ssize_t length = fgetxattr(fd, name, value, size - 1);

    if (length < 0)
        return errno == ENODATA || errno == EOPNOTSUPP ? -ENOTTY : errno == ERANGE ? -EPROTO : -errno;
    value[length] = '\0';
    return 0;
}

int inspect_atomic(int fd, bool *atomic)
{
    char value[16];
    int result = attribute(fd, MAPSHARE_XATTR_ATOMIC, value, sizeof value);

    if (result)
        return result;
    *atomic = !strcmp(value, "1");
    return *atomic || !strcmp(value, "0") ? 0 : -EPROTO;
}

const char *inspect_state_name(uint32_t state)
{
    static const char *const names[] = {
        [0] = "clean",
        [MAPSHARE_ABI_KERNEL] = "kernel",
        [MAPSHARE_ABI_RECEIVED] = "received",
        [MAPSHARE_ABI_COMMITTED] = "committed",
        [MAPSHARE_ABI_WRITEBACK] = "writeback",
        [MAPSHARE_ABI_FAILED] = "failed",
    };

    return names[state];
}

/* Of a mount's root. */
static int ask_mount(const char *mount_point, unsigned long question, void *answer)
{
    struct stat status;
    int fd = inspect_open(mount_point, &status), result = fd < 0 ? fd : 0;

    if (fd >= 0 && ioctl(fd, question, answer) < 0)
        result = ioctl_error();
    if (fd >= 0)
        close(fd);
    return result;
}

int inspect_verify(const char *mount_point, struct mapshare_abi_verify *report)
{
    return ask_mount(mount_point, MAPSHARE_IOC_VERIFY, report);
}

int inspect_latency(const char *mount_point, struct mapshare_abi_latency *latencies)
{
    return ask_mount(mount_point, MAPSHARE_IOC_LATENCY, latencies);
}

int inspect_set(const char *mount_point, struct mapshare_abi_set *change)
{
    return ask_mount(mount_point, MAPSHARE_IOC_SET, change);
}

int inspect_files(int fd, struct mapshare_abi_files *list)
{
    return ioctl(fd, MAPSHARE_IOC_FILES, list) < 0 ? ioctl_error() : 0;
}

int inspect_feed(int fd, struct mapshare_abi_feed *feed)
{
    return ioctl(fd, MAPSHARE_IOC_FEED, feed) < 0 ? ioctl_error() : 0;
}

int inspect_wait(int fd, uint64_t sequence, int64_t nanoseconds)
{
    struct mapshare_abi_wait wait = {.sequence = sequence, .timeout_nanoseconds = nanoseconds};

    return ioctl(fd, MAPSHARE_IOC_WAIT, &wait) < 0 ? ioctl_error() : 0;
}

int inspect_statistics(const char *mount_point, char **text)
{
    for (;;) {
        ssize_t size = getxattr(mount_point, MAPSHARE_XATTR_STATS, NULL, 0);
        char *value;

        if (size < 0)
            return errno == ENODATA || errno == EOPNOTSUPP ? -ENOTTY : -errno;
        size += 256; /* the figures may grow a digit before they are read */
        value = malloc((size_t)size + 1);
        if (!value)
            return -ENOMEM;
        size = getxattr(mount_point, MAPSHARE_XATTR_STATS, value, (size_t)size);
        if (size >= 0) {
            value[size] = '\0';
            *text = value;
            return 0;
        }
        free(value);
        if (errno != ERANGE)
            return errno == ENODATA || errno == EOPNOTSUPP ? -ENOTTY : -errno;
    }
}

int inspect_snapshot(int root, const int *files, size_t count, uint64_t *sequence)
{
    struct mapshare_abi_commit take = {.files = (uint32_t)count};
    int snapshot = openat(root, MAPSHARE_SNAPSHOT_NAME, O_RDONLY | O_CLOEXEC), error = snapshot < 0 ? -errno : 0;

    if (!error && getrandom(&take.group, sizeof take.group, 0) != sizeof take.group)
        error = -EIO;
    for (size_t i = 0; i < count && !error; i++)
        error = ioctl(files[i], MAPSHARE_IOC_SNAPSHOT_ADD, &take.group) ? -errno : 0;
    if (!error && ioctl(snapshot, MAPSHARE_IOC_SNAPSHOT, &take))
        error = -errno;
    if (error && snapshot >= 0)
        close(snapshot);
    *sequence = take.sequence;
    return error ? error : snapshot;
}

int inspect_snapshot_size(int snapshot, size_t file, uint64_t *size)
{
    struct mapshare_abi_snapshot_size out = {.file = file};

    if (ioctl(snapshot, MAPSHARE_IOC_SNAPSHOT_SIZE, &out))
        return -errno;
    *size = out.size;
    return 0;
}

ssize_t inspect_snapshot_read(int snapshot, size_t file, void *buffer, size_t length, uint64_t offset)
{
    off_t at = (off_t)(((uint64_t)file << MAPSHARE_ABI_SNAPSHOT_SHIFT) + offset);
    size_t done = 0;

    while (done < length) {
        ssize_t n = pread(snapshot, (char *)buffer + done, length - done, at + (off_t)done);

        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)done;
}
