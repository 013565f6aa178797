/* The daemon's part in a backup: it keeps its journal until we have copied it, and names still for a moment. */
#ifndef CLI_BACKUP_SOURCE_H
#define CLI_BACKUP_SOURCE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "journal/log_copy.h"

struct store;

struct backup_source {
    const char *mount;
    int root; /* of the mount: while it is open the daemon keeps what we asked for */
    struct log_copy log;
    _Atomic uint64_t position; /* where the copy begins; from then on, how far it goes */
    uint64_t number;           /* of the chunk where it begins */
    uint64_t head;             /* where the journal ended when it was opened */
    _Atomic bool grows;        /* programs commit */
    pthread_t thread;          /* copies it */
    _Atomic uint64_t until;    /* it ends there; 0: it goes on */
    _Atomic int error;         /* why it could not */
};

/* Opens the mount's root and has the daemon keep the journal. */
int backup_source_open(struct backup_source *source, const char *mount);
/* From now on a thread copies the journal to `log`. `private_folder`: of the store. */
int backup_source_copy(struct backup_source *source, struct store *store, int private_folder, int log);
/* Whether it is kept still, from where the copy begins. */
int backup_source_keeps(const struct backup_source *source);
/* What programs have written until now is committed, but for atomic files. */
int backup_source_commit(struct backup_source *source);
/* Names stay as they are, when it returns. */
int backup_source_freeze(struct backup_source *source);
/* They go on. *held: they were still all the time; then the backup is as of *sequence, and of the journal's *end. */
int backup_source_thaw(struct backup_source *source, bool *held, uint64_t *sequence, uint64_t *end);
/* Waits until the journal is copied up to there. */
int backup_source_finish(struct backup_source *source, uint64_t end);
/* The message, where the copying of the journal has failed meanwhile. */
int backup_source_check(const struct backup_source *source);
/* Whatever was begun. */
void backup_source_end(struct backup_source *source);

#endif
