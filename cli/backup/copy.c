/* One file, while it may be written to: holes stay holes, blocks are shared where the file system can. */
#include "config.h"

#include "backup/copy.h"
#include "message.h"

#include "journal/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)256 << 10) /* a commit waits for the one that is being written */

static int read_and_write(int from, int to, off_t *at, off_t end)
{
    static char buffer[1 << 18];
    size_t length = end - *at < (off_t)sizeof buffer ? (size_t)(end - *at) : sizeof buffer;
    ssize_t n = pread(from, buffer, length, *at), written = 0;

    while (n > 0 && written < n) {
        ssize_t m = pwrite(to, buffer + written, (size_t)(n - written), *at + written);

        if (m < 0)
            return -errno;
        written += m;
    }
    *at = n > 0 ? *at + n : end; /* it has become shorter meanwhile */
    return n < 0 ? -errno : 0;
}

static uint64_t microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* While programs commit, the disk is theirs for as long as a piece took. */
static void make_way(const struct backup *backup, uint64_t begun)
{
    if (backup->source.grows)
        usleep((useconds_t)(microseconds() - begun));
}

static int copy_run(struct backup *backup, int from, int to, off_t at, off_t end)
{
    while (at < end) {
        uint64_t begun = microseconds();
        off_t out = at, before = at;
        size_t length = end - at < (off_t)PIECE_BYTES ? (size_t)(end - at) : PIECE_BYTES;
        int error = 0;

        if (copy_file_range(from, &at, to, &out, length, 0) <= 0)
            error = read_and_write(from, to, &at, end);
        if (error)
            return error;
        /* Else the store's file system may have to write much of it before it can flush a commit. */
        sync_file_range(to, before, at - before, SYNC_FILE_RANGE_WRITE | (length < PIECE_BYTES ? 0 : SYNC_FILE_RANGE_WAIT_AFTER));
        make_way(backup, begun);
        backup->bytes += (uint64_t)(at - before);
        backup_show_progress(backup, "copying");
        if (backup->source.error)
            return -ECANCELED;
    }
    return 0;
}

static int copy_data(struct backup *backup, int from, int to, off_t size)
{
    off_t at = 0, data, hole;
    int error = 0;

    while (!error && at < size && (data = lseek(from, at, SEEK_DATA)) >= 0 && data < size) {
        hole = lseek(from, data, SEEK_HOLE);
        at = hole > data && hole < size ? hole : size;
        error = copy_run(backup, from, to, data, at);
    }
    return error ? error : ftruncate(to, size) ? -errno : 0;
}

int backup_copy_content(struct backup *backup, int from, int to)
{
    struct stat status;

    if (fstat(from, &status))
        return -errno;
    if (!backup->cannot_clone && !ioctl(to, FICLONE, from)) {
        backup->bytes += (uint64_t)status.st_size;
        return 0;
    }
    backup->cannot_clone = true;
    return copy_data(backup, from, to, status.st_size);
}

int backup_copy(struct backup *backup, int place, const char *path, const char *object)
{
    int from = path_reopen(place, O_RDONLY | O_NONBLOCK | O_NOATIME), to, error;

    if (from == -EPERM)
        from = path_reopen(place, O_RDONLY | O_NONBLOCK);
    if (from < 0) {
        if (from == -ENOENT || from == -ESTALE)
            return 1;
        message("%s/%s: cannot be read: run as root, or as the owner of the store", quoted(backup->store_name), quoted(path));
        return -1;
    }
    to = openat(backup->objects, object, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    error = to < 0 ? -errno : backup_copy_content(backup, from, to);
    if (to >= 0)
        close(to);
    close(from);
    if (error == -ECANCELED)
        return backup_source_check(&backup->source);
    if (error) {
        message("%s/%s: cannot be copied to %s: %s", quoted(backup->store_name), quoted(path), quoted(backup->destination),
                strerror(-error));
        return -1;
    }
    backup->files++;
    return 0;
}
