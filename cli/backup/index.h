/* What a backup tells the next one, in the file `index` of its private folder: which files of the copy have exactly what a file of the store had, and how
 * that one was known: number and birth, size and times, above all when it was changed last (ctime). Nobody can set that back, and whatever
 * the daemon writes to the file moves it; what was changed in the last two seconds is left out, for clocks tick. */
#ifndef CLI_BACKUP_INDEX_H
#define CLI_BACKUP_INDEX_H

#include <stdbool.h>
#include <stddef.h>

#include "backup/list.h"
#include "mapshare-abi.h"

#define BACKUP_INDEX_NAME "index"
#define BACKUP_INDEX_PATH MAPSHARE_PRIVATE_FOLDER "/" BACKUP_INDEX_NAME

struct backup_index_header {
    uint64_t magic;
    uint64_t record_size;
    char backup[IDENTITY_NAME_MAX], store[IDENTITY_NAME_MAX]; /* their folders */
    uint64_t count;
    uint64_t bytes; /* that follow */
    uint64_t checksum;
};

struct backup_index_record {
    char object[IDENTITY_NAME_MAX]; /* who the file of the store is */
    struct backup_state source;
    char who[IDENTITY_NAME_MAX];    /* the copy */
    struct backup_state copy;       /* when the backup was complete */
    uint32_t mode, uid, gid, links; /* of the copy */
    uint32_t path_length;           /* below the backup */
    uint32_t reserved;
};

struct backup_index_entry {
    const struct backup_index_record *record;
    const char *path;
    bool shared; /* the new backup has it under another name */
};

/* Of an earlier backup. */
struct backup_index {
    const char *name; /* of its folder, as it was given; NULL: there is none */
    int root;
    void *bytes;
    struct backup_index_entry *entries; /* by object */
    size_t count;
};

/* 0, or -1 after a message. `store`: the folder that is backed up; `target`: where to, called `destination`. */
int backup_index_open(struct backup_index *index, int store, int target, const char *destination);
/* NULL: it knows nothing of it. */
struct backup_index_entry *backup_index_find(const struct backup_index *index, const char *object);
void backup_index_close(struct backup_index *index);

/* Says of which store, and in which folder, the index is. 0 or -errno. */
int backup_index_begin(int folder, int store, struct backup_index_header *header);

#endif
