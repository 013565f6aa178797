/* A file's pages that differ from the store, as runs: the daemon's answer, and where the daemon may not ask the kernel, our own. The tool
 * mapshare is built with this, too. */
#ifndef LIBMAPSHARE_RUNS_H
#define LIBMAPSHARE_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mapshare-abi.h"

/* 0 is a page that is in the store; the others are MAPSHARE_ABI_KERNEL to MAPSHARE_ABI_FAILED. */
#define MAPSHARE_RUN_STATES (MAPSHARE_ABI_FAILED + 1)

struct mapshare_runs {
    struct mapshare_abi_run *list; /* sorted, not touching where the state is the same */
    size_t count, room;
    bool kernel_known; /* false: pages that are still in the kernel are missing */
};

/* 0 or -errno. `size`: the file's, in bytes. */
int mapshare_runs_read(int fd, uint64_t size, struct mapshare_runs *out);
void mapshare_runs_free(struct mapshare_runs *runs);

/* Pages in each state, but for those in the store. */
void mapshare_runs_count(const struct mapshare_runs *runs, uint64_t counts[MAPSHARE_RUN_STATES]);

#endif
