#include "config.h"

#include "process/group.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define GROUPS "/sys/fs/cgroup"

/* A limit that is none is a word, or more than there can be. */
static uint64_t read_limit(const char *folder, const char *name)
{
    char path[PATH_MAX + 64];
    uint64_t limit;
    FILE *file;
    int found;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "re");
    if (!file)
        return UINT64_MAX;
    found = fscanf(file, "%" SCNu64, &limit);
    fclose(file);
    return found == 1 ? limit : UINT64_MAX;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The folder's limit, and those of the folders around it below the first `root` letters. */
static uint64_t least_of(char *folder, size_t root)
{
    uint64_t limit = UINT64_MAX;
    char *slash;

    do {
        limit = least(limit, read_limit(folder, "memory.max"));
        limit = least(
            limit, read_limit(folder, "memory.high")); /* beyond, who takes memory is made to wait, and ours is never given back */
        limit = least(limit, read_limit(folder, "memory.limit_in_bytes"));
        slash = strrchr(folder, '/');
        if (slash)
            *slash = 0;
    } while (slash && strlen(folder) >= root);
    return limit;
}

uint64_t group_memory(void)
{
    char line[PATH_MAX], folder[PATH_MAX + 64];
    const char *root;
    uint64_t limit = UINT64_MAX;
    FILE *file = fopen("/proc/self/cgroup", "re");

    while (file && fgets(line, sizeof line, file)) { /* NUMBER:CONTROLLERS:PATH */
        char *controllers = strchr(line, ':'), *path = controllers ? strchr(++controllers, ':') : NULL;

        if (!path)
            continue;
        *path++ = 0;
        if (*controllers && !strstr(controllers, "memory"))
            continue;
        root = *controllers ? GROUPS "/memory" : GROUPS;
        path[strcspn(path, "\n")] = 0;
        snprintf(folder, sizeof folder, "%s%s", root, path);
        limit = least(limit, least_of(folder, strlen(root)));
    }
    if (file)
        fclose(file);
    return limit;
}
