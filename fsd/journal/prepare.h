/* The journal's file before it is used. */
#ifndef JOURNAL_PREPARE_H
#define JOURNAL_PREPARE_H

#include "journal/superblock.h"

/* Opens the file; a fresh one is made where it is missing, and made anew where it is empty and of another size or an older
 * generation (0: any will do). -EPERM: of a newer one. The descriptor may be set on failure too. */
int prepare_file(int folder, uint64_t size, uint64_t generation, bool fresh, int *fd, struct superblock *superblock);

#endif
