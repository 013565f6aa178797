/* A file's pages as its last commit has them, whatever was received since. */
#ifndef FILE_COMMITTED_H
#define FILE_COMMITTED_H

#include "file/file.h"

#define COMMITTED_BATCH 256u

/* By which pages' numbers are sorted: qsort(3). */
int committed_compare(const void *a, const void *b);
/* The content of these pages, at most COMMITTED_BATCH and sorted; `fd` is the store's file's. 0 or -errno. A page that a commit changes meanwhile is of
 * no use: the caller finds out. Without the file's lock. */
int committed_load(struct files *files, struct file_index *index, int fd, const uint64_t *pages, uint32_t count, unsigned char *to);
/* They are about to be loaded: the disk may begin. */
void committed_expect(struct files *files, struct file_index *index, int fd, const uint64_t *pages, uint32_t count);

#endif
