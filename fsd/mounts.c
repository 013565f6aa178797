#include "config.h"

#include "mounts.h"

#include <errno.h>
#include <libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUR_TYPE "fuse.mapsharefs"
#define OUR_HELPER "uhelper=" OUR_TYPE

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

static char *copy_of(const char *text)
{
    return strdup(text ? text : "");
}

static int copy(struct libmnt_fs *fs, struct mount_entry *out)
{
    *out = (struct mount_entry){
        .id = mnt_fs_get_id(fs),
        .device = mnt_fs_get_devno(fs),
        .point = copy_of(mnt_fs_get_target(fs)),
        .type = copy_of(mnt_fs_get_fstype(fs)),
        .source = copy_of(mnt_fs_get_source(fs)),
        .options = copy_of(mnt_fs_get_options(fs)),
    };
    if (out->point && out->type && out->source && out->options)
        return 0;
    mounts_free(out);
    return -ENOMEM;
}

typedef bool (*match_function)(const struct mount_entry *entry, const void *wanted);

/* The last mount that matches: it lies on top of the others. */
static int find_in(struct libmnt_table *table, match_function matches, const void *wanted, struct mount_entry *out)
{
    struct libmnt_iter *iterator = mnt_new_iter(MNT_ITER_BACKWARD);
    int result = iterator ? -ENOENT : -ENOMEM;
    struct libmnt_fs *fs;

    while (result == -ENOENT && mnt_table_next_fs(table, iterator, &fs) == 0) {
        result = copy(fs, out);
        if (result == 0 && !matches(out, wanted)) {
            mounts_free(out);
            result = -ENOENT;
        }
    }
    mnt_free_iter(iterator);
    return result;
}

static int find(match_function matches, const void *wanted, struct mount_entry *out)
{
    struct libmnt_table *table = mnt_new_table();
    int result = table ? mnt_table_parse_file(table, "/proc/self/mountinfo") : -ENOMEM;

    if (result > 0)
        result = -EINVAL;
    if (result == 0)
        result = find_in(table, matches, wanted, out);
    mnt_unref_table(table);
    return result;
}

static bool at(const struct mount_entry *entry, const void *path)
{
    return !strcmp(entry->point, path);
}

static bool of_id(const struct mount_entry *entry, const void *id)
{
    return entry->id == *(const int *)id;
}

static bool around(const struct mount_entry *entry, const void *path)
{
    return mounts_is_ours(entry) && mounts_is_inside(path, entry->point);
}

/* A device's number alone may be another mount's by now. */
static bool is_same_system(const struct mount_entry *entry, const void *other)
{
    const struct mount_entry *mount = other;

    return entry->device == mount->device && !strcmp(entry->source, mount->source);
}

/* Passed over so many times. */
static bool is_next(const struct mount_entry *entry, const void *left)
{
    unsigned *count = *(unsigned *const *)left;

    return mounts_is_ours(entry) && !(*count)--;
}

static bool of_store(const struct mount_entry *entry, const void *store)
{
    return mounts_is_ours(entry) && !strcmp(entry->source, store);
}

static bool of_store_near(const struct mount_entry *entry, const void *path)
{
    return mounts_is_ours(entry) && strcmp(entry->source, path) &&
           (mounts_is_inside(path, entry->source) || mounts_is_inside(entry->source, path));
}

int mounts_at(const char *path, struct mount_entry *out)
{
    return find(at, path, out);
}

int mounts_of_id(int id, struct mount_entry *out)
{
    return find(of_id, &id, out);
}

int mounts_around(const char *path, struct mount_entry *out)
{
    return find(around, path, out);
}

int mounts_of_device(const struct mount_entry *entry, struct mount_entry *out)
{
    return find(is_same_system, entry, out);
}

int mounts_ours(unsigned index, struct mount_entry *out)
{
    unsigned *left = &index;

    return find(is_next, &left, out);
}

int mounts_of_store(const char *store, struct mount_entry *out)
{
    return find(of_store, store, out);
}

int mounts_of_stores_near(const char *path, struct mount_entry *out)
{
    return find(of_store_near, path, out);
}

int mounts_ours_at(const char *name, struct mount_entry *out)
{
    char *path = mounts_resolve(name);
    int result = path ? mounts_at(path, out) : -errno;

    free(path);
    if (result == 0 && !mounts_is_ours(out)) {
        mounts_free(out);
        result = -ENOENT;
    }
    return result;
}

bool mounts_is_ours_at(const char *path)
{
    struct mount_entry entry;
    bool ours;

    if (mounts_at(path, &entry))
        return false;
    ours = mounts_is_ours(&entry);
    mounts_free(&entry);
    return ours;
}

bool mounts_is_inside(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    return !strncmp(path, folder, length) && (path[length] == '/' || !path[length] || !strcmp(folder, "/"));
}

bool mounts_is_ours(const struct mount_entry *entry)
{
    return !strcmp(entry->type, OUR_TYPE);
}

bool mounts_has_option(const struct mount_entry *entry, const char *name)
{
    char *value;
    size_t length;

    return mnt_optstr_get_option(entry->options, name, &value, &length) == 0;
}

/* A mount that is new, or with NULL the end of one. */
static int update_table(const char *gone, struct libmnt_fs *new)
{
    struct libmnt_update *update = mnt_new_update();
    int result = update ? mnt_update_set_fs(update, 0, gone, new) : -ENOMEM;

    if (result == 0)
        result = mnt_update_table(update, NULL);
    mnt_free_update(update);
    return result > 0 ? 0 : result;
}

int mounts_name_helper(const char *store, const char *point)
{
    struct libmnt_fs *fs = mnt_new_fs();
    int result = fs ? 0 : -ENOMEM;

    if (!result && (mnt_fs_set_source(fs, store) || mnt_fs_set_target(fs, point) || mnt_fs_set_fstype(fs, OUR_TYPE) ||
                    mnt_fs_set_options(fs, OUR_HELPER)))
        result = -ENOMEM;
    if (!result)
        result = update_table(NULL, fs);
    mnt_unref_fs(fs);
    return result;
}

int mounts_forget_helper(const char *point)
{
    return update_table(point, NULL);
}

void mounts_free(struct mount_entry *entry)
{
    free(entry->point);
    free(entry->type);
    free(entry->source);
    free(entry->options);
    *entry = (struct mount_entry){0};
}
