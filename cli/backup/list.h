/* The list of all names of a backup, in a file: what each is, in the order in which the tree is made. */
#ifndef CLI_BACKUP_LIST_H
#define CLI_BACKUP_LIST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "store/identity.h"

enum backup_kind {
    BACKUP_ENTER = 1, /* a folder: what follows is in it */
    BACKUP_ITEM,      /* all else */
    BACKUP_LEAVE,     /* the folder's own attributes: now its times stay */
};

/* What tells whether a file is as it was. */
struct backup_state {
    uint64_t size;
    struct timespec modified, changed;
};

struct statx;
void backup_state_of(const struct statx *status, struct backup_state *out);
bool backup_state_same(const struct backup_state *a, const struct backup_state *b);

struct backup_record {
    uint32_t kind;
    uint32_t mode, uid, gid;
    uint32_t links;
    uint32_t name_length, target_length, attributes_length;
    uint64_t device; /* of a special file */
    struct timespec times[2];
    struct backup_state state;
    char object[IDENTITY_NAME_MAX]; /* of a regular file */
};

/* And what belongs to it; terminated, though not in the file. */
struct backup_entry {
    struct backup_record record;
    char *name, *target; /* of a link */
    char *attributes;    /* each: its name, terminated; the length of its value, four bytes; the value */
    size_t capacity;     /* of the memory, which is all in `name` */
};

/* 0 or -errno. */
int backup_list_write(FILE *list, const struct backup_entry *entry);
/* 1: the next one; 0: the end; -errno. The entry is {0} before the first one, and freed after the last. */
int backup_list_read(FILE *list, struct backup_entry *entry);
void backup_entry_free(struct backup_entry *entry);

#endif
