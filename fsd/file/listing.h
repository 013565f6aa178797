/* Which files have pages that are not in the store, or an error: told a part at a time, each file looked at under its own lock. */
#ifndef FILE_LISTING_H
#define FILE_LISTING_H

#include "file/file.h"
#include "mapshare-abi.h"

/* From the record `next` on; `next` is then where to go on, or 0. */
void listing_fill(struct files *files, struct mapshare_abi_files *list);

#endif
