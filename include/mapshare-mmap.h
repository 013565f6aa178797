/* libmapshare: mmap(2), munmap(2) and msync(2) with each documented flag checked and each documented error defined.
 *
 * Apart from mapshare.h, because they take addresses and descriptors, not a struct mapshare. See mapshare_mmap(3).
 */
#ifndef MAPSHARE_MMAP_H
#define MAPSHARE_MMAP_H

#include <mapshare.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** mmap(2) with each flag of its manual checked: what Linux ignores is done or refused.
 *
 * Exactly one of MAP_SHARED and MAP_PRIVATE; MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_ANONYMOUS (with fd -1 and offset 0),
 * MAP_DENYWRITE, MAP_EXECUTABLE, MAP_FILE, MAP_NORESERVE, MAP_LOCKED (fails if the pages cannot be locked), MAP_GROWSDOWN,
 * MAP_32BIT, MAP_POPULATE, MAP_NONBLOCK (with MAP_POPULATE: only what is in memory). On the mount it marks the file's access time.
 *
 * MAP_DENYWRITE, on the mount: as long as it is mapped, others who open the file for writing get ETXTBSY. With PROT_WRITE and
 * MAP_SHARED the caller's own fd is the one that may write, and the denial lasts until it is closed, too.
 *
 * Returns MAP_FAILED on failure: EACCES, EAGAIN, EBADF, EEXIST, EINVAL, ENFILE, ENODEV, ENOMEM, ENOTSUP (MAP_DENYWRITE off the
 * mount), ENXIO (no file is so long), EPERM, ETXTBSY (MAP_DENYWRITE, and somebody has the file open for writing). Thread-safe.
 * Since: 1.0. */
MAPSHARE_API void *mapshare_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);

/** munmap(2). EINVAL: addr is not a multiple of the page size, or length is 0. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_munmap(void *addr, size_t length);

/** msync(2), but exactly one of MS_SYNC and MS_ASYNC is wanted (EINVAL), and MS_ASYNC starts writing; MS_INVALIDATE may be added.
 *
 * EBUSY, EINVAL, EIO, ENOMEM, ENOSPC. Thread-safe. Since: 1.0. */
MAPSHARE_API int mapshare_msync(void *addr, size_t length, int flags);

#ifdef __cplusplus
}
#endif

#endif
