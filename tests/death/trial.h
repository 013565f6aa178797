/* One trial: on a new mount an operation is done while the worker dies at a point, and what came of it is compared. */
#ifndef DEATH_TRIAL_H
#define DEATH_TRIAL_H

#include "operations.h"
#include "points.h"

enum ending { BY_UNMOUNT, BY_CRASH };

struct trial {
    const struct operation *operation;
    uint64_t die_at[DEATHS_MAX];
    enum ending ending;   /* how the mount ends: then the store is compared, too */
    bool without_handles; /* the daemon may not open by handle: it finds files by their paths, as an ordinary user's does */
};

struct outcome {
    bool right;
    char why[1024];
    uint64_t points; /* passed by the last worker while points were counted */
    uint32_t deaths; /* at points */
    struct death died[DEATHS_MAX];
};

/* `folder` is for the trial's own use; in it stays the daemon's log of the last one. */
void trial_run(const struct trial *trial, const char *daemon, const char *folder, struct outcome *outcome);

#endif
