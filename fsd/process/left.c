#include "config.h"

#include "process/left.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/damage.h"
#include "mapshare-abi.h"
#include "process/lock.h"

void left_path(int store, const char *folder, char path[PATH_MAX])
{
    struct stat root = {0};

    fstat(store, &root);
    snprintf(path, PATH_MAX, "%s/mapshare-%" PRIx64 "-%" PRIu64, folder, (uint64_t)root.st_dev, (uint64_t)root.st_ino);
}

bool left_find(int store, int lock, const char *folder, char path[PATH_MAX])
{
    char list[MAPSHARE_LOCK_SIZE + 1], *save;
    const char *found = NULL;

    if (!lock_read_options(lock, list)) {
        for (char *option = strtok_r(list, ",", &save); option && !found; option = strtok_r(NULL, ",", &save))
            found = !strncmp(option, "arena=", 6) ? option + 6 : NULL;
    }
    if (!found)
        found = folder;
    if (*found)
        left_path(store, found, path);
    return *found;
}

void left_origin(int store, struct arena_origin *origin)
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    struct stat root = {0};

    *origin = (struct arena_origin){0};
    if (fd < 0 || read(fd, origin->boot, sizeof origin->boot - 1) < 0)
        origin->boot[0] = 0;
    if (fd >= 0)
        close(fd);
    fstat(store, &root);
    origin->device = root.st_dev;
    origin->root = root.st_ino;
}

const char *left_fault(int store, int private_folder, int arena, struct arena_header *header)
{
    struct arena_origin origin;

    if (pread(arena, header, sizeof *header, 0) != sizeof *header || header->magic != ARENA_MAGIC || header->layout != ARENA_LAYOUT)
        return "it is laid out in another way, as another version does";
    if (arena_damage(&(struct arena){.header = header}))
        return "its header is damaged";
    left_origin(store, &origin);
    if (origin.device != header->origin.device || origin.root != header->origin.root)
        return "it is another store's";
    if (memcmp(origin.boot, header->origin.boot, sizeof origin.boot) || !origin.boot[0])
        return "the machine was started anew since";
    switch (journal_is_of(private_folder, &header->journal)) {
    case 0:
        return NULL;
    case -ESTALE:
        return "the store was mounted or recovered since";
    default:
        return "the store's journal cannot be read";
    }
}
