/* What state each page of a file is in: the kernel's dirty pages laid over the daemon's. */
#ifndef FILE_STATUS_H
#define FILE_STATUS_H

#include "file/file.h"
#include "mapshare-abi.h"
#include "probe/probe.h"

struct page_counts {
    uint64_t of[MAPSHARE_ABI_FAILED + 1]; /* by enum mapshare_abi_state */
};

/* The runs of the file from page `first` on, sorted; each page has one state: the newest. More than `limit` are enough (0: all). The caller
 * frees *runs. */
int status_runs(struct files *files, uint32_t file, uint64_t first, uint32_t limit, const struct probe_run *kernel,
                uint32_t kernel_count, struct mapshare_abi_run **runs, uint32_t *count);
/* How many pages of the file are in each state. */
struct page_counts status_count(struct files *files, uint32_t file, const struct probe_run *kernel, uint32_t kernel_count);
/* Which number the file has reached: of its last commit, or what the journal had when its record was made. */
uint64_t status_sequence(struct files *files, uint32_t number);
/* What can be said without the kernel. */
void status_info(struct files *files, uint32_t file, struct mapshare_abi_info *info);
/* Frames of a file by state. Its lock is held, not by file_lock(): to ask for numbers is not to ask for a file, see takeover.c. */
struct page_counts status_pages(struct files *files, struct file_index *index);
/* Frames of all files by state. */
void status_frames(struct files *files, struct page_counts *counts);

#endif
