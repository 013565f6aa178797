/* What the files of the log are called: the paths of commits, followed through the changes of names that the log tells of. The one thing
 * that finds files in a copy of a store, where no inode number means anything. Used by one thread. */
#ifndef JOURNAL_NAMES_H
#define JOURNAL_NAMES_H

#include "journal/image_file.h"
#include "journal/journal.h"

struct name {
    RB_ENTRY(name) link;
    SLIST_ENTRY(name) next;
    struct image_file *file;
    char path[];
};
int name_compare(const struct name *a, const struct name *b);
RB_HEAD(name_tree, name);
RB_PROTOTYPE(name_tree, name, link, name_compare)

struct name_change {
    STAILQ_ENTRY(name_change) next;
    enum journal_change change;
    uint64_t number;
    char *old_path, *new_path;
    struct name_list gone; /* names that it took from files */
};
STAILQ_HEAD(name_change_list, name_change);

struct names {
    struct name_tree all;         /* by path */
    uint64_t durable;             /* the store has the changes up to this number; UINT64_MAX: nobody knows */
    struct name_change *open;     /* the last one in the log, while nothing behind it says that it was made; or NULL */
    struct name_change *doubted;  /* the last one that a worker died over; or NULL */
    bool doubted_made;            /* and which was not recorded again before others: the next worker found it made */
    struct name_change_list made; /* followed, but the store has not counted them: it has the first one, or none */
};

void names_begin(struct names *names, uint64_t durable);
/* All return 0 or -ENOMEM. A COMMIT names the file: it has this path and, where it was known, its other ones. */
int names_commit(struct names *names, struct image_file *file, const char *path);
/* It has this path only. */
int names_set(struct names *names, struct image_file *file, const char *path);
void names_drop(struct names *names, struct image_file *file);
void names_drop_one(struct names *names, struct name *name);
/* The log tells of a change: the one before it was made, unless this says otherwise. */
int names_change(struct names *names, const struct journal_name *change, uint64_t number);
/* Something that counts follows: the last change was made. */
int names_made(struct names *names);
/* At the log's end. What the store has lost is taken back. Of one change nobody knows: the store tells, as far as it can; where it cannot,
 * the files have no name any more. */
int names_ask(struct names *names, int store);
void names_free(struct names *names);

#endif
