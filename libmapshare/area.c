#include "config.h"

#include "area.h"

#include <fcntl.h>

int mapshare_area_key(struct mapshare *ms, uint32_t kind, char key[MAPSHARE_AREA_KEY])
{
    return ms->on_mount ? mapshare_mount_key(ms, kind, key) : mapshare_shm_key(ms, kind, key);
}

int mapshare_area_open(struct mapshare *ms, uint32_t kind, const char *key, bool *writable)
{
    return ms->on_mount ? mapshare_mount_open(ms, kind, key, writable) : mapshare_shm_open(ms, kind, key, writable);
}

int mapshare_lock_bytes(int fd, short type, uint64_t start, uint64_t length, bool wait)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)start, .l_len = (off_t)length};
    int result;

    do
        result = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
    while (result && errno == EINTR);
    if (result == 0)
        return 0;
    return errno == EACCES ? -EAGAIN : -errno;
}
