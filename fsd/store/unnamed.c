#include "config.h"

#include "store/unnamed.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int unnamed_open(int folder, const char *name, int *fd)
{
    *fd = openat(folder, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (*fd < 0) {
        unlinkat(folder, name, 0);
        *fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (*fd >= 0)
            unlinkat(folder, name, 0);
    }
    return *fd < 0 ? -errno : 0;
}
