/* The mount that a command is about. */
#ifndef CLI_WHICH_MOUNT_H
#define CLI_WHICH_MOUNT_H

#include "command.h"

/* The operand, or where there is none the only mount of ours; to be freed. NULL after a message: there is none, or it is not clear which. */
char *which_mount(const struct arguments *arguments);

#endif
