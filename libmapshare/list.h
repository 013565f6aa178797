/* Lists of files that a call is for as one. */
#ifndef MAPSHARE_LIST_H
#define MAPSHARE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mapshare.h"

/* The files, each once, of one mount, to be freed; -EBADF: one is not open for writing, and is to be. 0 or -errno. */
int mapshare_list_take(struct mapshare *const list[], size_t *count, bool to_write, struct mapshare ***files);
/* They join a new group, by that ioctl. The worker that knows it may be replaced: then what is asked of it is ESTALE, and all is to be tried again. */
#define GROUP_ATTEMPTS 32
int mapshare_list_group(struct mapshare *const files[], size_t count, unsigned long how, uint64_t *group);
/* Where in that the file is, which it has. */
size_t mapshare_list_find(struct mapshare *const files[], size_t count, const struct mapshare *ms);

#endif
