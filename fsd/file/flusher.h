/* Commits that nobody asked for: default files by age and under memory pressure, and pages journaled ahead of a large commit. */
#ifndef FILE_FLUSHER_H
#define FILE_FLUSHER_H

#include "file/file.h"

void *flusher_thread(void *files);
/* One commit of every default file that has changes, whatever their age. Waits for it. -errno of the first that failed. */
int flush_all(struct files *files);

#endif
