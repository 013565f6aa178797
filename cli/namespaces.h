/* Other mount namespaces: a mount ends with its last copy only, and a container may have one. */
#ifndef CLI_NAMESPACES_H
#define CLI_NAMESPACES_H

#include <stdbool.h>
#include <sys/types.h>

#include "mounts.h"

/* A process in another mount namespace that has this file system mounted, and its name; false: none that we may look at. */
#define PROCESS_NAME_SIZE 17
bool namespaces_have(const struct mount_entry *mount, pid_t *pid, char name[PROCESS_NAME_SIZE]);

#endif
