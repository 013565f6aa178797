/* What is known of an open file: its size, and the mapping that reaches over its whole reserve. */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "area.h"

size_t mapshare_page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

int mapshare_file_size(struct mapshare *ms, uint64_t *size)
{
    struct stat status;

    if (fstat(ms->fd, &status))
        return -errno;
    *size = (uint64_t)status.st_size;
    atomic_store_explicit(&ms->known_size, *size, memory_order_relaxed);
    return 0;
}

/* Takes the descriptor only on success. */
struct mapshare *mapshare_new(int fd, bool writable)
{
    struct mapshare *ms = calloc(1, sizeof(*ms));
    int error;

    if (!ms)
        return NULL;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &ms->identity) || !S_ISREG(ms->identity.stx_mode)) {
        error = S_ISREG(ms->identity.stx_mode) || ms->identity.stx_mode == 0 ? errno : ENODEV;
        free(ms);
        errno = error;
        return NULL;
    }
    ms->fd = fd;
    ms->writable = writable;
    ms->known_size = ms->identity.stx_size;
    ms->board_fd = -1;
    pthread_mutex_init(&ms->guard, NULL);
    return ms;
}

/* Maps the whole reserve at once: beyond the end is SIGBUS until the file grows, then it simply works. reserve 0: the default.
 * size: what the file shall have at least. */
int mapshare_map(struct mapshare *ms, uint64_t reserve, uint64_t size)
{
    uint64_t page = mapshare_page_size(), least = ms->known_size > size ? ms->known_size : size,
             wish = reserve ? reserve : DEFAULT_RESERVE;

    if (wish < least)
        wish = least;
    if (wish > (uint64_t)PTRDIFF_MAX - page)
        return -ENOMEM;
    for (;;) {
        void *address;

        ms->reserve = (wish + page - 1) / page * page;
        address = mmap(NULL, ms->reserve, ms->writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, ms->fd, 0);
        if (address != MAP_FAILED) {
            ms->address = address;
            break;
        }
        /* Nobody asked for the default reserve, so do without where address space is limited. */
        if (errno != ENOMEM || reserve != 0 || wish == least || least == 0)
            return -errno;
        wish = least;
    }
    ms->on_mount = mapshare_mount_tell(ms);
    return 0;
}

void *mapshare_addr(const struct mapshare *ms)
{
    return ms->address;
}

size_t mapshare_size(const struct mapshare *ms)
{
    struct stat status;
    uint64_t size = ms->known_size;

    if (fstat(ms->fd, &status) == 0)
        size = (uint64_t)status.st_size;
    return size < ms->reserve ? size : ms->reserve;
}

int mapshare_fd(const struct mapshare *ms)
{
    return ms->fd;
}
