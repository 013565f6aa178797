/* The mount table, as this process sees it. */
#ifndef MOUNTS_H
#define MOUNTS_H

#include <stdbool.h>
#include <sys/types.h>

struct mount_entry {
    int id;
    dev_t device; /* the same for all mounts of one file system */
    char *point;
    char *type;
    char *source;  /* the store, for a mount of ours */
    char *options; /* of the mount and of its file system, separated by commas */
};

/* The path without symbolic links. What is mounted there may be dead. Returns NULL and sets errno; to be freed. */
char *mounts_resolve(const char *path);

/* The mount whose point is exactly `path`, resolved; where several are stacked, the top one. 0, -ENOENT: none, or -errno. */
int mounts_at(const char *path, struct mount_entry *out);

/* The same of what a user calls it, where it is ours; else -ENOENT. */
int mounts_ours_at(const char *name, struct mount_entry *out);

/* The mount of this number. */
int mounts_of_id(int id, struct mount_entry *out);

/* Our mount that `path`, resolved, is in or at. */
int mounts_around(const char *path, struct mount_entry *out);

/* Another mount of the same file system as `entry` was: a bind mount. */
int mounts_of_device(const struct mount_entry *entry, struct mount_entry *out);

/* The mount of ours with this index, from 0 to the last; -ENOENT behind it. */
int mounts_ours(unsigned index, struct mount_entry *out);

/* Our mount of this store. */
int mounts_of_store(const char *store, struct mount_entry *out);

/* Our mount of a store that `path` lies in, or that lies in `path`. */
int mounts_of_stores_near(const char *path, struct mount_entry *out);

/* Whether something of ours is mounted there, on top. */
bool mounts_is_ours_at(const char *path);

/* Whether `path` is the folder or lies in it, by name. */
bool mounts_is_inside(const char *path, const char *folder);

bool mounts_is_ours(const struct mount_entry *entry);

/* Whether the option, or its value, is among the entry's. */
bool mounts_has_option(const struct mount_entry *entry, const char *name);

/* Root's: umount(8) finds our helper for the mount there, or has nothing of it any more. It asks the kernel only for the kind of a mount, which is FUSE,
 * and its own table for more. 0 or -errno. */
int mounts_name_helper(const char *store, const char *point);
int mounts_forget_helper(const char *point);

void mounts_free(struct mount_entry *entry);

#endif
