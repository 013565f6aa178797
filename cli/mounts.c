#include "config.h"

#include "mounts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUR_TYPE "fuse.mapsharefs"

char *mounts_resolve(const char *path)
{
    char *copy = strdup(path);
    size_t length = copy ? strlen(copy) : 0;
    char *slash, *folder, *result, byte;

    if (!copy)
        return NULL;
    while (length > 1 && copy[length - 1] == '/')
        copy[--length] = '\0';
    slash = strrchr(copy, '/');
    if (readlink(copy, &byte, 1) >= 0 || !strcmp(copy, "/") || !strcmp(slash ? slash + 1 : copy, ".") ||
        !strcmp(slash ? slash + 1 : copy, "..")) {
        result = realpath(copy, NULL);
        free(copy);
        return result;
    }
    if (slash)
        *slash = '\0';
    folder = realpath(!slash ? "." : slash == copy ? "/" : copy, NULL);
    if (!folder || asprintf(&result, "%s/%s", strcmp(folder, "/") ? folder : "", slash ? slash + 1 : copy) < 0)
        result = NULL;
    free(folder);
    free(copy);
    return result;
}

/* The kernel writes blanks and the like as \ooo. */
static char *unescape(const char *field)
{
    char *result = strdup(field);
    char *out = result;

    if (!result)
        return NULL;
    for (const char *in = field; *in; in++) {
        if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] >= '0' && in[2] <= '7' && in[3] >= '0' && in[3] <= '7') {
            *out++ = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
            in += 3;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
    return result;
}

/* A line of mountinfo: ID PARENT DEVICE ROOT POINT OPTIONS [TAG...] - TYPE SOURCE OPTIONS. */
static int parse(char *line, struct mount_entry *out)
{
    char *left[5] = {0};
    char *right = strstr(line, " - ");
    char *type, *source, *rest = NULL;

    if (!right)
        return -EINVAL;
    *right = '\0';
    for (size_t i = 0; i < 5; i++) {
        left[i] = strtok_r(i ? NULL : line, " ", &rest);
        if (!left[i])
            return -EINVAL;
    }
    type = strtok_r(right + 3, " ", &rest);
    source = type ? strtok_r(NULL, " ", &rest) : NULL;
    if (!source)
        return -EINVAL;
    *out = (struct mount_entry){unescape(left[4]), strdup(left[2]), unescape(type), unescape(source)};
    if (out->point && out->device && out->type && out->source)
        return 0;
    mounts_free(out);
    return -ENOMEM;
}

/* The last mount that matches: it lies on top of the others. */
static int find(bool (*matches)(const struct mount_entry *entry, const char *wanted), const char *wanted, struct mount_entry *out)
{
    FILE *table = fopen("/proc/self/mountinfo", "re");
    int result = -ENOENT;
    char *line = NULL;
    size_t size = 0;

    if (!table)
        return -errno;
    while (result != -ENOMEM && getline(&line, &size, table) > 0) {
        struct mount_entry entry;
        int error;

        line[strcspn(line, "\n")] = '\0';
        error = parse(line, &entry);
        if (error == -EINVAL)
            continue;
        if (error == 0 && !matches(&entry, wanted)) {
            mounts_free(&entry);
            continue;
        }
        if (result == 0)
            mounts_free(out);
        result = error;
        *out = entry;
    }
    free(line);
    fclose(table);
    return result;
}

static bool at(const struct mount_entry *entry, const char *path)
{
    return !strcmp(entry->point, path);
}

static bool around(const struct mount_entry *entry, const char *path)
{
    size_t length = strlen(entry->point);

    return mounts_is_ours(entry) && !strncmp(entry->point, path, length) && (path[length] == '/' || !path[length]);
}

static bool of_device(const struct mount_entry *entry, const char *device)
{
    return !strcmp(entry->device, device);
}

static bool of_store(const struct mount_entry *entry, const char *store)
{
    return mounts_is_ours(entry) && !strcmp(entry->source, store);
}

int mounts_at(const char *path, struct mount_entry *out)
{
    return find(at, path, out);
}

int mounts_around(const char *path, struct mount_entry *out)
{
    return find(around, path, out);
}

int mounts_of_device(const struct mount_entry *entry, struct mount_entry *out)
{
    return find(of_device, entry->device, out);
}

int mounts_of_store(const char *store, struct mount_entry *out)
{
    return find(of_store, store, out);
}

bool mounts_is_ours(const struct mount_entry *entry)
{
    return !strcmp(entry->type, OUR_TYPE);
}

void mounts_free(struct mount_entry *entry)
{
    free(entry->point);
    free(entry->device);
    free(entry->type);
    free(entry->source);
    *entry = (struct mount_entry){0};
}
