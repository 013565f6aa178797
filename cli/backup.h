/* A live backup (mapshare backup), in four steps: copy the store's files as they are, again and again, while the journal is copied as it is
 * written (backup_source.h); hold names still and list them (backup_walk.c); replay the journal into the copied files; make the tree of
 * the list (backup_tree.c). So a file may be copied while it is written to: all that is written meanwhile is in the journal.
 *
 * Copied files lie in one folder, under the names of their identities: a rename changes nothing, and the journal's commits name them so.
 * Functions return 0, or -1 after a message. */
#ifndef CLI_BACKUP_H
#define CLI_BACKUP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "backup_source.h"

struct backup {
    const char *destination; /* as it was given */
    char *store_name;
    int store, private; /* the store's folder, and what is private in it */
    int target, work, objects, log;
    bool foreign_modes; /* the daemon may change modes for a moment */
    bool cannot_clone;  /* not from this file system to that one */
    bool shows_progress;
    FILE *list;
    struct backup_source source;

    uint64_t files, bytes; /* copied */
    uint64_t listed;       /* names */
    uint64_t list_milliseconds;
    uint64_t shown; /* when progress was shown last */
};

void backup_show_progress(struct backup *backup, const char *doing);

/* What is in the store and not among the objects is copied there. With `lists` all names go to the list. *copied: how many files were. */
int backup_walk(struct backup *backup, bool lists, uint64_t *copied);

/* Copies what is open at `place` (O_PATH), whose path is for messages, to the object of this name. 1: it is gone. */
int backup_copy(struct backup *backup, int place, const char *path, const char *object);

/* Gives the objects the times of the list, before the journal's commits give them theirs. */
int backup_set_times(struct backup *backup);
/* Makes the list's tree in the target. */
int backup_make_tree(struct backup *backup);

#endif
