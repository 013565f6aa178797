/* A store seen from outside: its folder and its lock. */
#ifndef CLI_STORE_FOLDER_H
#define CLI_STORE_FOLDER_H

#include <stdbool.h>

/* Opens the root of a store: a directory that a mount was made of before. Returns a descriptor, or -1 after a message. */
int store_folder_open(const char *path);

/* Takes the store's lock; waits only for a daemon that is dead already. A descriptor that holds it, to be closed, or -EWOULDBLOCK
 * (a daemon has it) or -errno. */
int store_folder_lock(int folder);

/* The process number of the keeper that has the store mounted, by what its lock says. 0 or less: unknown. */
int store_folder_keeper(const char *path);

/* Whether a daemon has the store now. */
bool store_folder_is_used(int folder);

/* The message for -EWOULDBLOCK: says where it is mounted, where that can be seen. */
void store_folder_tell_used(const char *path);

/* The message for any other error of the journal's code: names the journal where the error is the journal's own, and says why it is not
 * trusted. */
void store_folder_tell_error(const char *path, int folder, int error);

#endif
