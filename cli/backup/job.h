/* A live backup (mapshare backup), in four steps: copy the store's files as they are, again and again, while the journal is copied as it is
 * written (source.h); hold names still and list them (walk.c); replay the journal into the copied files; make the tree of
 * the list (tree.c). So a file may be copied while it is written to: all that is written meanwhile is in the journal.
 *
 * What an earlier backup has is not copied (index.h, reuse.c).
 * Copied files lie in one folder, under the names of their identities: a rename changes nothing, and the journal's commits name them so.
 * Functions return 0, or -1 after a message. */
#ifndef CLI_BACKUP_JOB_H
#define CLI_BACKUP_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "backup/index.h"
#include "backup/parts.h"
#include "backup/source.h"

struct backup {
    const char *destination; /* as it was given */
    const char *store_name;
    struct backup_parts parts;
    int store, private; /* the store's folder, and what is private in it */
    int target, work, objects, log;
    bool foreign_modes; /* the daemon may change modes for a moment */
    bool cannot_clone;  /* not from this file system to that one */
    bool links;         /* to the earlier backup's files */
    bool shows_progress;
    FILE *list;
    struct backup_source source;
    struct backup_index earlier;
    void *replayed;   /* the objects that the journal has commits of: a tree of names (tsearch) */
    time_t listed_at; /* when listing began */

    uint64_t files, bytes; /* copied */
    uint64_t reused_bytes; /* of the earlier backup */
    uint64_t listed;       /* names */
    uint64_t list_milliseconds;
    uint64_t shown; /* when progress was shown last */
};

void backup_show_progress(struct backup *backup, const char *doing);

#endif
