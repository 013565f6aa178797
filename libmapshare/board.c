/* The board of a file: the count of notices, and who has which of its pages mapped.
 *
 * Each open of the file has the board open and locks byte N of it, shared, for page N (of 4096 bytes) that it maps. To shrink the file is to
 * hold the bytes of the pages that go exclusively. The kernel drops the locks of the dead. To wait for an exclusive lock is to wait for
 * somebody who may write the file.
 */
#include "config.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "area.h"
#include "bytes.h"

#define ATTEMPTS 100

static uint64_t pages_mapped(const struct mapshare *ms)
{
    return ms->reserve / MAPSHARE_PAGE_SIZE;
}

/* -EEXIST: it was removed while we came. */
static int register_pages(struct mapshare *ms, int fd)
{
    struct stat board;
    int error = mapshare_lock_bytes(fd, F_RDLCK, 0, pages_mapped(ms), true);

    if (error || ms->on_mount)
        return error;
    if (fstat(fd, &board))
        return -errno;
    return board.st_nlink == 0 ? -EEXIST : 0;
}

/* Opens or makes the board, and registers what this open maps. Called by open, or under the guard. */
int mapshare_board_attach(struct mapshare *ms)
{
    char key[MAPSHARE_AREA_KEY];
    int error = mapshare_area_key(ms, MAPSHARE_ABI_BOARD, key);

    if (error)
        return error;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        bool writable;
        int fd = mapshare_area_open(ms, MAPSHARE_ABI_BOARD, key, &writable);

        error = fd < 0 ? fd : register_pages(ms, fd);
        if (error == 0) {
            ms->board_writable = writable;
            ms->board_fd = fd;
            return 0;
        }
        if (fd >= 0)
            close(fd);
        if (error != -EEXIST)
            return error;
    }
    return -EAGAIN;
}

void mapshare_board_detach(struct mapshare *ms)
{
    char key[MAPSHARE_AREA_KEY];
    struct stat board, file;
    bool is_ours;

    if (ms->board)
        munmap(ms->board, MAPSHARE_ABI_BOARD_BYTES);
    if (ms->board_fd < 0)
        return;
    is_ours = !ms->on_mount && fstat(ms->board_fd, &board) == 0 && fstat(ms->fd, &file) == 0;
    close(ms->board_fd);
    if (is_ours && mapshare_area_key(ms, MAPSHARE_ABI_BOARD, key) == 0)
        mapshare_shm_leave(key, board.st_ino, file.st_nlink == 0);
}

/* In memory, at first use. */
int mapshare_board_map(struct mapshare *ms, struct mapshare_abi_board **board)
{
    void *address;
    int error = 0;

    *board = ms->board;
    if (*board)
        return 0;
    pthread_mutex_lock(&ms->guard);
    if (ms->board_fd < 0)
        error = mapshare_board_attach(ms);
    if (error == 0 && !ms->board) {
        address = mmap(NULL, MAPSHARE_ABI_BOARD_BYTES, ms->board_writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
                       ms->board_fd, 0);
        if (address == MAP_FAILED)
            error = -errno;
        else
            ms->board = address;
    }
    *board = ms->board;
    pthread_mutex_unlock(&ms->guard);
    return error;
}

/* Under the guard. -EBUSY where another open maps a page that size bytes do not fill. */
int mapshare_board_claim_tail(struct mapshare *ms, uint64_t size)
{
    uint64_t first = size / MAPSHARE_PAGE_SIZE;
    int error = ms->board_fd < 0 ? mapshare_board_attach(ms) : 0;

    if (error)
        return error;
    if (!ms->board_writable)
        return -EACCES;
    error = mapshare_lock_bytes(ms->board_fd, F_WRLCK, first, pages_mapped(ms) - first, false);
    return error == -EAGAIN ? -EBUSY : error;
}

void mapshare_board_release_tail(struct mapshare *ms)
{
    mapshare_lock_bytes(ms->board_fd, F_RDLCK, 0, pages_mapped(ms), false);
}
