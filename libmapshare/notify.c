/* Change notices: a count on the board, whose lower half is a futex. */
#include "config.h"

#include <limits.h>
#include <sys/ioctl.h>

#include "area.h"
#include "deadline.h"
#include "futex.h"

/* Little-endian or big: the half that changes with every notice. */
static uint32_t *lower_half(struct mapshare_abi_board *board)
{
    uint32_t *halves = (uint32_t *)&board->notices;

    return &halves[__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__];
}

/* Whoever may only read the file can watch it, but not count itself as a watcher; so each notice asks the kernel to wake. */
int mapshare_notify(struct mapshare *ms)
{
    struct mapshare_abi_board *board;
    int error = mapshare_board_map(ms, &board);

    if (error == 0 && !ms->board_writable)
        error = -EACCES;
    if (error)
        return mapshare_result(error);
    __atomic_fetch_add(&board->notices, 1, __ATOMIC_SEQ_CST);
    futex_wake(lower_half(board), INT_MAX);
    if (ms->on_mount && __atomic_load_n(&board->polled, __ATOMIC_SEQ_CST) && ioctl(ms->fd, MAPSHARE_IOC_NOTIFIED))
        return mapshare_result(-errno);
    return 0;
}

static int watch(struct mapshare_abi_board *board, uint64_t *seen, const struct timespec *deadline)
{
    for (;;) {
        uint64_t now = __atomic_load_n(&board->notices, __ATOMIC_SEQ_CST);
        int error;

        if (now != *seen) {
            *seen = now;
            return 0;
        }
        error = futex_wait(lower_half(board), (uint32_t)now, deadline);
        if (error && error != -EAGAIN)
            return error;
    }
}

int mapshare_watch_until(struct mapshare *ms, uint64_t *seen, const struct timespec *deadline)
{
    struct mapshare_abi_board *board;
    int error = seen ? mapshare_check_time(deadline) : -EINVAL;

    if (error == 0)
        error = mapshare_board_map(ms, &board);
    return mapshare_result(error ? error : watch(board, seen, deadline));
}

int mapshare_watch(struct mapshare *ms, uint64_t *seen, const struct timespec *timeout)
{
    struct timespec deadline;

    if (!timeout || mapshare_check_time(timeout))
        return mapshare_watch_until(ms, seen, timeout);
    deadline = mapshare_deadline_in(timeout);
    return mapshare_watch_until(ms, seen, &deadline);
}
