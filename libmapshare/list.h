/* Lists of files that a call is for as one. */
#ifndef MAPSHARE_LIST_H
#define MAPSHARE_LIST_H

#include <stddef.h>

#include "mapshare.h"

/* The files, each once, of one mount and open for writing, to be freed. 0 or -errno. */
int mapshare_list_take(struct mapshare *const list[], size_t *count, struct mapshare ***files);

#endif
