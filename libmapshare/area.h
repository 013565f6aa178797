/* The areas of a file: memory beside its bytes that all who use it share (mapshare-abi.h), as files that can be opened and locked.
 *
 * On a mount they are the daemon's (area-mount.c), so they live as long as the file and are the same for all containers; elsewhere they
 * are under /dev/shm (area-shm.c).
 */
#ifndef LIBMAPSHARE_AREA_H
#define LIBMAPSHARE_AREA_H

#include <stdbool.h>
#include <stdint.h>

#include "internal.h"
#include "mapshare-abi.h"

#define MAPSHARE_AREA_KEY 128

static inline size_t mapshare_area_size(uint32_t kind)
{
    return kind == MAPSHARE_ABI_LOCKS ? MAPSHARE_ABI_LOCKS_BYTES : kind == MAPSHARE_ABI_BOARD ? MAPSHARE_ABI_BOARD_BYTES : 0;
}

/* What names the area, the same for all opens of the file. 0 or -errno. */
int mapshare_area_key(struct mapshare *ms, uint32_t kind, char key[MAPSHARE_AREA_KEY]);
/* A descriptor or -errno. Not writable where the file is not, and where `writable` is NULL. */
int mapshare_area_open(struct mapshare *ms, uint32_t kind, const char *key, bool *writable);

/* Whether the file is on a mount. Tells the daemon that it was mapped, which the kernel does not. */
bool mapshare_mount_tell(struct mapshare *ms);
int mapshare_mount_key(struct mapshare *ms, uint32_t kind, char key[MAPSHARE_AREA_KEY]);
/* A file of that size which every folder of the mount has: in one that is in reach. */
int mapshare_mount_open_name(const struct mapshare *ms, size_t size, const char *name, bool *writable);
int mapshare_mount_open(struct mapshare *ms, uint32_t kind, const char *key, bool *writable);

int mapshare_shm_key(struct mapshare *ms, uint32_t kind, char key[MAPSHARE_AREA_KEY]);
int mapshare_shm_open(struct mapshare *ms, uint32_t kind, const char *key, bool *writable);
/* This open of the file has ended, whose board the inode was: whoever is the last takes the areas away. gone: the file has no name. */
void mapshare_shm_leave(const char *board, ino_t inode, bool gone);

#endif
