/* Replay: from the journal's tail to its last whole commit, into the store's files. */
#ifndef JOURNAL_RECOVER_H
#define JOURNAL_RECOVER_H

#include "journal/journal.h"

struct recover_report {
    uint64_t chunks;
    uint64_t commits;
    uint64_t pages; /* written to the store */
    uint64_t files;
    uint64_t files_missing; /* removed since */
    uint64_t files_lost;    /* whose pages cannot be placed: nothing in the store is known to be the file */
    uint64_t pages_lost;    /* of these */
    uint64_t sequence;      /* of the last commit */
    uint64_t torn_bytes;    /* after the last whole chunk: begun, never acknowledged */
    uint64_t commits_lost;  /* behind damage in the middle of the log: once acknowledged */
};

/* A line for people, about a file (its last known path) or, with NULL, the store. */
typedef void (*recover_tell)(const char *path, const char *text);

/* Replays whole commits and leaves the journal empty, in a new epoch. May be interrupted and repeated any number of times.
 * `store_folder` is the store's root. No journal: 0 and an empty report. Needs the store's lock. It does nothing but tell where something
 * acknowledged would be lost, unless that is to be given up: -EBADMSG where the log is damaged in the middle, -ENOTRECOVERABLE where files
 * cannot be found. */
int journal_recover(struct store *store, int store_folder, bool give_up, recover_tell tell, struct recover_report *report);

/* Why the journal was refused with -EPERM: what of it, and what is wrong with that; NULL: nothing. */
const char *journal_doubt(int store_folder, const char **name);

/* One call for each chunk in order, for people to read. `visit` returns non-zero to stop, which is returned. */
struct journal_visit {
    const struct journal_chunk *chunk; /* data pointers are NULL */
    uint32_t epoch;
    bool in_commit; /* for DATA: a later COMMIT names its stream */
};
int journal_walk(int store_folder, int (*visit)(void *context, const struct journal_visit *entry), void *context,
                 struct recover_report *report);

#endif
