/* Opening a file as shared memory, and closing it. */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "internal.h"
#include "locks.h"
#include "mapshare-abi.h"

#define KNOWN_OPEN_FLAGS \
    (O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NOATIME | O_NOCTTY | O_DSYNC | O_SYNC | O_LARGEFILE)
#define KNOWN_OPTIONS (MAPSHARE_OPEN_ATOMIC | MAPSHARE_OPEN_POPULATE)

void mapshare_free(struct mapshare *ms)
{
    if (ms->locks)
        mapshare_locks_put(ms->locks);
    mapshare_board_detach(ms);
    if (ms->address)
        munmap(ms->address, ms->reserve);
    pthread_mutex_destroy(&ms->guard);
    free(ms);
}

/* A program that was built for another version has a smaller or a larger structure. */
static int copy_options(const struct mapshare_options *given, struct mapshare_options *options)
{
    size_t size = given->struct_size ? given->struct_size : sizeof(*options);

    if (size < sizeof(given->struct_size))
        return -EINVAL;
    for (size_t i = sizeof(*options); i < size; i++) {
        if (((const unsigned char *)given)[i] != 0)
            return -EINVAL;
    }
    memcpy(options, given, size < sizeof(*options) ? size : sizeof(*options));
    return 0;
}

static int check_options(const struct mapshare_options *given, struct mapshare_options *options)
{
    int error;

    memset(options, 0, sizeof(*options));
    if (!given)
        return 0;
    error = copy_options(given, options);
    for (size_t i = 0; i < sizeof(options->reserved) / sizeof(options->reserved[0]); i++) {
        if (options->reserved[i] != 0)
            error = -EINVAL;
    }
    if (error || options->flags & ~KNOWN_OPTIONS)
        return -EINVAL;
    return options->size > (uint64_t)PTRDIFF_MAX || options->reserve > (uint64_t)PTRDIFF_MAX ? -EFBIG : 0;
}

static int make_atomic(struct mapshare *ms)
{
    char value = 0;

    if (!ms->on_mount)
        return -ENOTSUP;
    /* Only the owner may set it; others may open a file that is atomic already. */
    if (fgetxattr(ms->fd, MAPSHARE_XATTR_ATOMIC, &value, 1) == 1 && value == '1')
        return 0;
    return fsetxattr(ms->fd, MAPSHARE_XATTR_ATOMIC, "1", 1, 0) ? -errno : 0;
}

static int populate(struct mapshare *ms)
{
    uint64_t page = mapshare_page_size(), size = ms->known_size < ms->reserve ? ms->known_size : ms->reserve;

    if (size == 0)
        return 0;
    size = (size + page - 1) / page * page;
#ifdef MADV_POPULATE_READ
    if (madvise(ms->address, size, MADV_POPULATE_READ) == 0)
        return 0;
    if (errno != EINVAL)
        return -errno;
#endif
    return madvise(ms->address, size, MADV_WILLNEED) ? -errno : 0;
}

static int set_up(struct mapshare *ms, int oflags, const struct mapshare_options *options)
{
    int error = mapshare_map(ms, options->reserve, options->size);

    /* Before the file grows: of an atomic file the size, too, is durable by commits only. */
    if (error == 0 && options->flags & MAPSHARE_OPEN_ATOMIC)
        error = make_atomic(ms);
    if (error)
        return error;
    /* Without the board (no right to it, no /dev/shm) all works but the lock, notices and shrinking, which report why. */
    mapshare_board_attach(ms);
    if (oflags & O_TRUNC && ms->known_size > 0)
        error = mapshare_set_size(ms, 0, false);
    if (error == 0 && options->size > ms->known_size)
        error = ms->writable ? mapshare_set_size(ms, options->size, true) : -EBADF;
    if (error == 0 && options->flags & MAPSHARE_OPEN_POPULATE)
        error = populate(ms);
    return error;
}

/* Takes the descriptor on success alone. */
static struct mapshare *open_descriptor(int fd, int oflags, const struct mapshare_options *options)
{
    struct mapshare *ms = mapshare_new(fd, (oflags & O_ACCMODE) == O_RDWR);
    int error = ms ? set_up(ms, oflags, options) : -errno;

    if (error == 0)
        return ms;
    if (ms)
        mapshare_free(ms);
    errno = -error;
    return NULL;
}

struct mapshare *mapshare_open(const char *path, int oflags, mode_t mode, const struct mapshare_options *given)
{
    bool writable = (oflags & O_ACCMODE) == O_RDWR;
    struct mapshare_options options;
    struct mapshare *ms;
    int error, fd;

    error = check_options(given, &options);
    if (error == 0 && (oflags & ~KNOWN_OPEN_FLAGS || (oflags & O_ACCMODE) == O_WRONLY || (!writable && oflags & O_TRUNC)))
        error = -EINVAL;
    if (error) {
        errno = -error;
        return NULL;
    }
    /* O_TRUNC waits until it is known that nobody has the file mapped. */
    fd = open(path, (oflags & ~O_TRUNC) | O_CLOEXEC, mode);
    if (fd < 0)
        return NULL;
    ms = open_descriptor(fd, oflags, &options);
    if (!ms) {
        error = errno;
        close(fd);
        errno = error;
    }
    return ms;
}

struct mapshare *mapshare_fdopen(int fd, const struct mapshare_options *given)
{
    struct mapshare_options options;
    int error = check_options(given, &options), flags = fcntl(fd, F_GETFL);

    if (error == 0 && (flags < 0 || flags & O_PATH || (flags & O_ACCMODE) == O_WRONLY))
        error = -EBADF;
    if (error) {
        errno = -error;
        return NULL;
    }
    return open_descriptor(fd, flags & O_ACCMODE, &options);
}

int mapshare_close(struct mapshare *ms)
{
    int fd;

    if (!ms)
        return mapshare_result(-EINVAL);
    if (ms->locks && mapshare_locks_in_use(ms->locks))
        return mapshare_result(-EBUSY);
    fd = ms->fd;
    mapshare_free(ms);
    return close(fd);
}

unsigned int mapshare_version(void)
{
    return MAPSHARE_VERSION;
}
