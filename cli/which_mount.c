#include "config.h"

#include "which_mount.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "mounts.h"

static void tell_all(void)
{
    struct mount_entry entry;

    message("MOUNT: missing, and there are several; give one of them:");
    for (unsigned i = 0; mounts_ours(i, &entry) == 0; i++) {
        fprintf(stderr, "  %s\n", quoted(entry.point));
        mounts_free(&entry);
    }
}

char *which_mount(const struct arguments *arguments)
{
    struct mount_entry first, second;
    char *point = NULL;
    int result;

    if (arguments->operand_count)
        return strdup(arguments->operands[0]);
    result = mounts_ours(0, &first);
    if (result == -ENOENT)
        message("MOUNT: missing, and nothing of mapsharefs is mounted here");
    else if (result)
        message_error("/proc/self/mountinfo", result);
    if (result)
        return NULL;
    if (mounts_ours(1, &second) == 0) {
        mounts_free(&second);
        tell_all();
    } else {
        point = strdup(first.point);
    }
    mounts_free(&first);
    return point;
}
