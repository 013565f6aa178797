/* Where our mount is: found again by its parent's descriptor, its name in it and the mount's number, never by a path, whose folders
 * may belong to users who change them. */
#ifndef PROBE_PLACE_H
#define PROBE_PLACE_H

#include <limits.h>

struct place {
    int parent; /* descriptor of the folder that the mount point is in, AT_FDCWD: the current folder */
    char name[NAME_MAX + 1];
    int mount; /* the mount's number, 0: not mounted yet */
};

/* `mountpoint`: resolved. Opens the parent: place->parent. 0 or -errno. */
int place_open(struct place *place, const char *mountpoint);
/* The parent becomes the current folder: nobody who shares our descriptors has it. 0 or -errno. */
int place_settle(struct place *place);
/* What is there now, mounted or not, as an O_PATH descriptor that asks no file system anything; a symbolic link is not followed.
 * -errno. */
int place_look(const struct place *place);
/* What was just mounted there is ours from now on. 0 or -errno. */
int place_learn(struct place *place);
/* Our mount's root, as an O_PATH descriptor. -ESTALE: another mount lies over it, or it is gone. While it is open, the mount is
 * busy. */
int place_enter(const struct place *place);

#endif
