/* Reading files as of one commit. The daemon has a file without a place for each snapshot, which is read with pread(2) and ends with its last close. */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "area.h"
#include "list.h"
#include "mapshare-abi.h"

struct mapshare_view {
    int fd;
    uint64_t sequence;
    size_t count;
    uint32_t files[]; /* of the caller's list: the daemon's number */
};

/* -ESTALE: a worker was replaced meanwhile, to be tried again. */
static int take(struct mapshare **files, size_t count, struct mapshare_view *snapshot)
{
    struct mapshare_abi_commit commit = {.files = (uint32_t)count};
    int error;

    snapshot->fd = mapshare_mount_open_name(files[0], 0, MAPSHARE_SNAPSHOT_NAME, NULL);
    if (snapshot->fd < 0)
        return snapshot->fd;
    error = mapshare_list_group(files, count, MAPSHARE_IOC_SNAPSHOT_ADD, &commit.group);
    if (error == 0 && ioctl(snapshot->fd, MAPSHARE_IOC_SNAPSHOT, &commit))
        error = -errno;
    if (error)
        close(snapshot->fd);
    snapshot->sequence = commit.sequence;
    return error == -ENOTTY ? -ENOTSUP : error;
}

struct mapshare_view *mapshare_snapshot(struct mapshare *const list[], size_t count, unsigned int flags)
{
    struct mapshare_view *snapshot = NULL;
    struct mapshare **files = NULL;
    size_t unique = count;
    int error = flags ? -EINVAL : mapshare_list_take(list, &unique, false, &files);

    if (error == 0)
        snapshot = malloc(sizeof(*snapshot) + count * sizeof(snapshot->files[0]));
    if (error == 0)
        error = snapshot ? -ESTALE : -ENOMEM;
    for (int attempt = 0; error == -ESTALE && attempt < GROUP_ATTEMPTS; attempt++)
        error = take(files, unique, snapshot);
    for (size_t i = 0; i < count && error == 0; i++)
        snapshot->files[i] = (uint32_t)mapshare_list_find(files, unique, list[i]);
    free(files);
    if (error) {
        free(snapshot);
        errno = -error;
        return NULL;
    }
    snapshot->count = count;
    return snapshot;
}

static int check(const struct mapshare_view *snapshot, size_t index)
{
    return snapshot && index < snapshot->count ? 0 : -EINVAL;
}

/* The daemon may give less than asked for; at the end, nothing. */
static ssize_t read_all(const struct mapshare_view *snapshot, size_t index, unsigned char *buffer, size_t length, uint64_t offset)
{
    const uint64_t end = UINT64_C(1) << MAPSHARE_ABI_SNAPSHOT_SHIFT;
    uint64_t base = (uint64_t)snapshot->files[index] << MAPSHARE_ABI_SNAPSHOT_SHIFT;
    size_t done = 0;
    ssize_t n = 1;

    if (length > SSIZE_MAX || offset > end || length > end - offset)
        return -EINVAL;
    while (done < length && n != 0) {
        n = pread(snapshot->fd, buffer + done, length - done, (off_t)(base + offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

ssize_t mapshare_snapshot_read(struct mapshare_view *snapshot, size_t index, void *buffer, size_t length, uint64_t offset)
{
    int error = check(snapshot, index);
    ssize_t n = error ? error : read_all(snapshot, index, buffer, length, offset);

    return n < 0 ? mapshare_result((int)n) : n;
}

int mapshare_snapshot_size(struct mapshare_view *snapshot, size_t index, uint64_t *size)
{
    struct mapshare_abi_snapshot_size out;
    int error = size ? check(snapshot, index) : -EINVAL;

    if (error == 0) {
        out.file = snapshot->files[index];
        error = ioctl(snapshot->fd, MAPSHARE_IOC_SNAPSHOT_SIZE, &out) ? -errno : 0;
    }
    if (error == 0)
        *size = out.size;
    return mapshare_result(error);
}

uint64_t mapshare_snapshot_sequence(const struct mapshare_view *snapshot)
{
    return snapshot->sequence;
}

int mapshare_snapshot_close(struct mapshare_view *snapshot)
{
    if (!snapshot)
        return mapshare_result(-EINVAL);
    close(snapshot->fd);
    free(snapshot);
    return 0;
}
