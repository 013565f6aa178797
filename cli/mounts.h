/* The mount table, as this process sees it. */
#ifndef CLI_MOUNTS_H
#define CLI_MOUNTS_H

#include <stdbool.h>

struct mount_entry {
    char *point;
    char *device; /* "MAJOR:MINOR", the same for all mounts of one file system */
    char *type;
    char *source; /* the store, for a mount of ours */
};

/* The path without symbolic links. What is mounted there may be dead. Returns NULL and sets errno; to be freed. */
char *mounts_resolve(const char *path);

/* The mount whose point is exactly `path`, resolved; where several are stacked, the top one. 0, -ENOENT: none, or -errno. */
int mounts_at(const char *path, struct mount_entry *out);

/* Our mount that `path`, resolved, is in or at. */
int mounts_around(const char *path, struct mount_entry *out);

/* Another mount of the same file system as `entry` was: a bind mount. */
int mounts_of_device(const struct mount_entry *entry, struct mount_entry *out);

/* Our mount of this store. */
int mounts_of_store(const char *store, struct mount_entry *out);

bool mounts_is_ours(const struct mount_entry *entry);
void mounts_free(struct mount_entry *entry);

#endif
