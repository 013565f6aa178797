/* Paths that requests need. */
#ifndef REQUEST_PATH_H
#define REQUEST_PATH_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/descriptor.h"
#include "mapshare-abi.h"

/* /proc/self/fd/N, for calls that want a path of an O_PATH descriptor. */
static inline void path_of_descriptor(char path[32], const struct descriptor *descriptor)
{
    snprintf(path, 32, "/proc/self/fd/%d", descriptor->fd);
}

/* The mode of an inode that is open without rights to it. */
static inline int path_set_mode(const struct descriptor *descriptor, mode_t mode)
{
    char path[32];

    path_of_descriptor(path, descriptor);
    return chmod(path, mode) ? -errno : 0;
}

/* Names that the mount keeps for itself: also that of a store's private folder, wherever a store might be mounted. */
static inline bool path_is_reserved(const char *name)
{
    return !strcmp(name, MAPSHARE_PRIVATE_FOLDER) || !strcmp(name, MAPSHARE_SNAPSHOT_NAME) ||
           !strncmp(name, MAPSHARE_AREA_PREFIX, strlen(MAPSHARE_AREA_PREFIX));
}

#endif
