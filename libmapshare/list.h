/* Lists of files that a call is for as one. */
#ifndef MAPSHARE_LIST_H
#define MAPSHARE_LIST_H

#include <stddef.h>

#include "mapshare.h"

/* All are on one mount, and open for writing. */
int mapshare_list_check(struct mapshare *const list[], size_t count);
/* The files, each once: a list may have a file twice, also through two opens. To be freed; NULL: no memory. */
struct mapshare **mapshare_list_copy(struct mapshare *const list[], size_t *count);

#endif
