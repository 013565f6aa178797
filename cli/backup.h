/* A live backup (mapshare backup), in four steps: copy the store's files as they are, again and again, while the journal is copied as it is
 * written (backup_source.h); hold names still and list them (backup_walk.c); replay the journal into the copied files; make the tree of
 * the list (backup_tree.c). So a file may be copied while it is written to: all that is written meanwhile is in the journal.
 *
 * What an earlier backup has is not copied (backup_index.h, backup_reuse.c).
 * Copied files lie in one folder, under the names of their identities: a rename changes nothing, and the journal's commits name them so.
 * Functions return 0, or -1 after a message. */
#ifndef CLI_BACKUP_H
#define CLI_BACKUP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "backup_index.h"
#include "backup_parts.h"
#include "backup_source.h"

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

/* What is in the store and not among the objects is copied there. With `lists` all names go to the list. *copied: how many files were. */
int backup_walk(struct backup *backup, bool lists, uint64_t *copied);

/* Copies what is open at `place` (O_PATH), whose path is for messages, to the object of this name. 1: it is gone. */
int backup_copy(struct backup *backup, int place, const char *path, const char *object);

/* The same from file to file. 0 or -errno. */
int backup_copy_content(struct backup *backup, int from, int to);

/* Where the earlier backup has what this file of the store has, that is the object. 1: it is; 0: it is to be copied; -1. */
int backup_reuse(struct backup *backup, const struct statx *status, const char *object);
/* The object is the earlier backup's own file: nothing of it may be changed. */
bool backup_is_shared(const struct backup *backup, const char *object);
/* What is shared and is to be changed gets a file of its own. 0 or -errno. */
int backup_take_apart(struct backup *backup, const char *object);
/* The journal is to be replayed into it (objects_replay). */
int backup_note_replayed(void *context, const char *object);
bool backup_is_replayed(const struct backup *backup, const char *object);

/* Gives the objects the times of the list, before the journal's commits give them theirs. */
int backup_set_times(struct backup *backup);
/* Makes the list's tree in the target. */
int backup_make_tree(struct backup *backup);

#endif
