/* All names of a copy with what they are, sorted, so that two of them tell what has changed. */
#ifndef CLI_FOLLOW_TREE_H
#define CLI_FOLLOW_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "follow/wire.h"

#define FOLLOW_FOLDER ".mapshare-follow" /* of the far side's own, in the copy: part of no tree */

struct tree_name {
    size_t at, length; /* of its record: as in WIRE_ENTRY, but that path and target are terminated */
    uint64_t sum[2];   /* of that; 0: nothing is known */
};

struct tree_file {
    struct wire_id id;
    size_t name; /* one of its names */
};

struct tree {
    unsigned char *records;
    size_t used, room;
    struct tree_name *names; /* by path */
    size_t count, name_room;
    struct tree_file *files; /* by id; each once */
    size_t file_count, file_room;
};

struct backup_parts;

/* Of what is below the mount's root, as far as it belongs to the parts. 0 or -errno. */
int tree_read(struct tree *tree, int root, struct backup_parts *parts, struct wire *wire);
/* One by one; then sorted. */
int tree_add_path(struct tree *tree, const char *path);
int tree_add_file(struct tree *tree, const struct wire_id *id, size_t name);
void tree_sort(struct tree *tree);
void tree_free(struct tree *tree);

const struct wire_entry *tree_entry(const struct tree *tree, const struct tree_name *name);
const char *tree_path(const struct tree *tree, const struct tree_name *name);
const struct tree_file *tree_find(const struct tree *tree, const struct wire_id *id);

/* What is open at `place` (O_PATH): who it is; and takes what it is anew. */
int tree_identify(int place, struct wire_id *id);
/* A store, by its folder: ids are of files of one store. */
int tree_identify_store(const char *store, struct wire_id *id);
int tree_refresh(struct tree *tree, struct tree_name *name, int place);

int tree_send_entry(struct wire *wire, const struct tree *tree, const struct tree_name *name);
/* Tells what is to be done with names, so that the tree `from` becomes `to`. Files that `again` knows are told in any case. */
int tree_send_changes(struct wire *wire, const struct tree *from, const struct tree *to,
                      bool (*again)(void *context, const struct wire_id *id), void *context, size_t *told);

#endif
