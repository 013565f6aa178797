/* Which file's record is which inode's: relate.c. */
#ifndef FILE_RELATE_H
#define FILE_RELATE_H

#include "file/file.h"

/* Whether the file's record is that of the inode it names. */
bool relate_is_named_back(const struct arena *arena, uint32_t file);
/* Of a takeover: the records that are named back stay, the others' slots are free. Returns how many were dropped. */
uint32_t records_relate(struct files *files);
/* While the worker serves; the locks of the inode table and of the records are held. True: it was damaged, and is mended. */
bool relate_inode(struct files *files, uint32_t slot);
bool relate_file(struct files *files, uint32_t file);

#endif
