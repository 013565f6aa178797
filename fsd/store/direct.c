#include "config.h"

#include "store/direct.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#define BLOCK ((size_t)4096)

static bool put(int fd, unsigned char *block, int byte)
{
    memset(block, byte, BLOCK);
    return pwrite(fd, block, BLOCK, 0) == (ssize_t)BLOCK;
}

static bool has(int fd, unsigned char *block, int byte)
{
    return pread(fd, block, BLOCK, 0) == (ssize_t)BLOCK && block[0] == byte && block[BLOCK - 1] == byte;
}

/* The bytes must be in the caches before others go past them. */
static bool is_seen(int through, int past)
{
    unsigned char *block = aligned_alloc(BLOCK, BLOCK);
    bool seen = block && put(through, block, 1) && has(through, block, 1) && put(past, block, 2) && has(through, block, 2);

    free(block);
    return seen;
}

bool direct_is_seen(int folder)
{
    struct statfs system;
    char name[32];
    int through, past;
    bool seen;

    if (fstatfs(folder, &system) < 0 || system.f_type != FUSE_SUPER_MAGIC)
        return true;
    snprintf(name, sizeof name, "direct-%d", getpid());
    unlinkat(folder, name, 0);
    through = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    past = openat(folder, name, O_RDWR | O_DIRECT | O_NOFOLLOW | O_CLOEXEC);
    unlinkat(folder, name, 0);
    seen = through >= 0 && past >= 0 && is_seen(through, past);
    if (through >= 0)
        close(through);
    if (past >= 0)
        close(past);
    return seen;
}
