/* The daemon's options as it was mounted are in the store's lock; what the kernel does for the mount is in the mount table. */
#include "config.h"

#include "command.h"
#include "mapshare-abi.h"
#include "message.h"
#include "mounts.h"
#include "output.h"
#include "process/lock.h"
#include "which_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const kernel_options[] = {"ro",   "rw",      "nosuid",     "nodev",      "noexec",
                                             "sync", "dirsync", "nodiratime", "nosymfollow"};

static bool find(const char *name, struct mount_entry *mount)
{
    int result = mounts_ours_at(name, mount);

    if (result == -ENOENT)
        message("%s: no mount of mapsharefs; see 'findmnt -t fuse.mapsharefs'", quoted(name));
    else if (result)
        message_error(name, result);
    return result == 0;
}

/* `list`: MAPSHARE_LOCK_SIZE bytes. */
static bool read_list(const struct mount_entry *mount, char *list)
{
    char *path;
    int lock, result;

    if (asprintf(&path, "%s/" MAPSHARE_PRIVATE_FOLDER "/lock", mount->source) < 0)
        return false;
    lock = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    result = lock < 0 ? -errno : lock_read_options(lock, list);
    if (lock >= 0)
        close(lock);
    if (result)
        message("%s: cannot be read (%s): only who mounted, and root, may see the options", quoted(path), strerror(-result));
    free(path);
    return result == 0;
}

static void add_json(struct json_object *object, const char *option)
{
    const char *equals = strchr(option, '=');
    char *name = strndup(option, equals ? (size_t)(equals - option) : strlen(option));

    if (name)
        json_object_object_add(object, name, equals ? json_name(equals + 1) : json_object_new_boolean(true));
    free(name);
}

static void print(char *list, const struct mount_entry *mount, bool json)
{
    struct json_object *object = json ? json_object_new_object() : NULL, *options = json ? json_object_new_object() : NULL;
    char *option;

    while ((option = strsep(&list, ",")))
        json ? add_json(options, option) : (void)printf("%s\n", quoted(option));
    for (size_t i = 0; i < sizeof kernel_options / sizeof kernel_options[0]; i++) {
        if (mounts_has_option(mount, kernel_options[i]))
            json ? add_json(options, kernel_options[i]) : (void)printf("%s\n", kernel_options[i]);
    }
    if (!json)
        return;
    json_object_object_add(object, "mount", json_name(mount->point));
    json_object_object_add(object, "store", json_name(mount->source));
    json_object_object_add(object, "options", options);
    json_print(object);
}

enum exit_status command_options(const struct arguments *arguments)
{
    static char list[MAPSHARE_LOCK_SIZE + 1];
    char *name = which_mount(arguments);
    struct mount_entry mount;
    bool done = false;

    if (name && find(name, &mount)) {
        done = read_list(&mount, list);
        if (done)
            print(list, &mount, arguments->json);
        mounts_free(&mount);
    }
    free(name);
    return done ? STATUS_OK : STATUS_FAILURE;
}
