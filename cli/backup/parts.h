/* What of a mount is backed up: all of it, or the files and folders that were named. */
#ifndef CLI_BACKUP_PARTS_H
#define CLI_BACKUP_PARTS_H

#include <stdbool.h>
#include <stddef.h>

struct backup_part {
    const char *given;
    char *path; /* below the mount; "": all of it */
    bool found; /* when names were listed */
};

struct backup_parts {
    char *mount, *store;
    struct backup_part *parts;
    size_t count;
};

/* Which mount these are of, all of one. 0, or -1 after a message; to be freed in any case. */
int backup_parts_find(struct backup_parts *parts, char *const *names, size_t count);
/* Whether the store has them all; and whether all were found when names were listed. 0, or -1 after a message. */
int backup_parts_exist(const struct backup_parts *parts, int store);
int backup_parts_found(const struct backup_parts *parts);
/* Whether this path below the mount is one of them, lies in one, or is a folder that one lies in. `lists`: it is found. */
bool backup_parts_cover(struct backup_parts *parts, const char *path, bool lists);
void backup_parts_free(struct backup_parts *parts);

#endif
