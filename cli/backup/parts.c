#include "config.h"

#include "backup/parts.h"
#include "message.h"
#include "mounts.h"

#include "journal/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int find_mount(const char *name, const char *path, struct mount_entry *entry)
{
    int error = mounts_around(path, entry);

    if (error == -ENOENT)
        message("%s: not on a mount of mapsharefs; give the folder where a store is mounted, or what is below it", quoted(name));
    else if (error)
        message_error(name, error);
    return error ? -1 : 0;
}

/* The first one's mount is that of all. */
static int set_mount(struct backup_parts *parts, const struct backup_part *part, const struct mount_entry *entry)
{
    if (!parts->mount) {
        parts->mount = strdup(entry->point);
        parts->store = strdup(entry->source);
    }
    if (!part->path || !parts->mount || !parts->store)
        message_error(part->given, -ENOMEM);
    else if (!strcmp(parts->mount, entry->point))
        return 0;
    else
        message("%s: is on another mount than %s; back up one mount at a time", quoted(part->given), quoted(parts->parts[0].given));
    return -1;
}

static int add(struct backup_parts *parts, const char *name)
{
    struct backup_part *part = &parts->parts[parts->count++];
    char *path = mounts_resolve(name);
    struct mount_entry entry;
    size_t length;
    int result;

    *part = (struct backup_part){.given = name};
    if (!path) {
        message_error(name, -errno);
        return -1;
    }
    result = find_mount(name, path, &entry);
    if (!result) {
        length = strlen(entry.point);
        part->path = strdup(path + length + (path[length] == '/'));
        result = set_mount(parts, part, &entry);
        mounts_free(&entry);
    }
    free(path);
    return result;
}

int backup_parts_find(struct backup_parts *parts, char *const *names, size_t count)
{
    int result = 0;

    *parts = (struct backup_parts){.parts = calloc(count, sizeof *parts->parts)};
    if (!parts->parts) {
        message_error(names[0], -ENOMEM);
        return -1;
    }
    for (size_t i = 0; i < count && !result; i++)
        result = add(parts, names[i]);
    return result;
}

int backup_parts_exist(const struct backup_parts *parts, int store)
{
    for (size_t i = 0; i < parts->count; i++) {
        int place = path_open(store, parts->parts[i].path);

        if (place < 0) {
            message_error(parts->parts[i].given, place);
            return -1;
        }
        close(place);
    }
    return 0;
}

int backup_parts_found(const struct backup_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        if (!parts->parts[i].found) {
            message("%s: was renamed or removed while the backup was made, which is not complete", quoted(parts->parts[i].given));
            return -1;
        }
    }
    return 0;
}

bool backup_parts_cover(struct backup_parts *parts, const char *path, bool lists)
{
    bool covers = false;

    for (size_t i = 0; i < parts->count; i++) {
        struct backup_part *part = &parts->parts[i];

        covers |= !*path || !*part->path || mounts_is_inside(path, part->path) || mounts_is_inside(part->path, path);
        part->found |= lists && !strcmp(path, part->path);
    }
    return covers;
}

void backup_parts_free(struct backup_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++)
        free(parts->parts[i].path);
    free(parts->parts);
    free(parts->mount);
    free(parts->store);
    *parts = (struct backup_parts){0};
}
