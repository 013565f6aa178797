/* Paths below the store's root, as recovery takes them: no symbolic link is followed, no other file system entered, and the private folder
 * is not part of the store. */
#ifndef JOURNAL_PATH_H
#define JOURNAL_PATH_H

#include <stdbool.h>
#include <sys/types.h>

/* What is at the path: a descriptor for no more than asking (O_PATH), or -errno. "": the root. */
int path_open(int store, const char *path);
/* The path of what is open, relative to the store, into `path` of PATH_MAX bytes. False where it is not below the store. */
bool path_of(int store, int fd, char *path);
/* Opens what is open with these flags. -errno. */
int path_reopen(int fd, int flags);
/* The same of a folder, to list it; its access time is not marked where we may do that. */
int path_reopen_folder(int fd);
/* Changes the mode of what is open, if only with O_PATH. -errno. */
int path_chmod(int fd, mode_t mode);

#endif
