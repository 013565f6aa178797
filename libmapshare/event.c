/* A descriptor of a file's events: the daemon's, opened by a name that it tells. */
#include "config.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "area.h"

/* Whoever gives a notice sees on the board that the daemon is to be told of it. */
static int ask_for_notices(struct mapshare *ms)
{
    struct mapshare_abi_board *board;
    int error = mapshare_board_map(ms, &board);

    if (error == 0 && !ms->board_writable)
        error = -EACCES;
    if (error == 0)
        __atomic_store_n(&board->polled, 1, __ATOMIC_SEQ_CST);
    return error;
}

/* A descriptor or -errno. */
static int open_events(struct mapshare *ms, uint32_t what)
{
    char key[MAPSHARE_AREA_KEY];
    int error = mapshare_area_key(ms, MAPSHARE_ABI_EVENTS, key);
    int fd = error ? error : mapshare_area_open(ms, MAPSHARE_ABI_EVENTS, key, NULL);

    if (fd < 0 || ioctl(fd, MAPSHARE_IOC_WATCH, &what) == 0)
        return fd;
    error = -errno;
    close(fd);
    return error;
}

int mapshare_event_fd(struct mapshare *ms, uint32_t what)
{
    int result = 0;

    if (what == 0 || what & ~(MAPSHARE_EVENT_COMMITS | MAPSHARE_EVENT_NOTICES))
        result = -EINVAL;
    else if (!ms->on_mount)
        result = -ENOTSUP;
    else if (what & MAPSHARE_EVENT_NOTICES)
        result = ask_for_notices(ms);
    if (result == 0)
        result = open_events(ms, what);
    return result < 0 ? mapshare_result(result) : result;
}
