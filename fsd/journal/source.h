/* The journal of a store, open, and what is in it. */
#ifndef JOURNAL_SOURCE_H
#define JOURNAL_SOURCE_H

#include "journal/image.h"
#include "journal/recover.h"
#include "journal/scan.h"

struct journal_source {
    int folder; /* the private one */
    int fd;
};

/* 0 or -errno; -ENOENT where the store has none. */
int source_open(int store_folder, int flags, struct journal_source *source);
void source_close(const struct journal_source *source);

/* The log, to its end, into the image and the report. 0 or -errno. */
int source_read(struct scan *scan, struct image *image, struct recover_report *report);
/* Damage is told from a log's end by what is behind it. A log that was left empty is not searched: each mount would take the time. */
int source_look_for_damage(struct scan *scan, struct recover_report *report);
/* How many changes of names the store has, for sure; UINT64_MAX: nobody knows. */
uint64_t source_changes_made(const struct journal_source *source);
/* When all are looked for (find_all): what becomes of them. Of those that are lost is told. */
void source_count_fates(struct image *image, recover_tell tell, struct recover_report *report);

#endif
