#include "config.h"

#include "process/mount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "log.h"
#include "mounts.h"

#define FILESYSTEM "mapsharefs"

/* 0, or -errno. */
static int count_entries(const struct place *place, int *entries)
{
    int fd = openat(place->parent, place->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), error = fd < 0 ? -errno : 0;
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;

    *entries = 0;
    while (folder && (entry = readdir(folder)))
        *entries += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    if (folder)
        closedir(folder);
    return error;
}

int mount_check(struct daemon *daemon, const char *given, const char *mountpoint, const char *store)
{
    int entries = 0, error;

    if (mounts_is_inside(mountpoint, store) || mounts_is_inside(store, mountpoint)) {
        log_line(LOG_FATAL, "%s: mount point and store %s lie in each other; use a folder outside", given, store);
        return -EINVAL;
    }
    if (mounts_is_ours_at(mountpoint)) {
        log_line(LOG_FATAL, "%s: already a mapsharefs mount; unmount it first", given);
        return -EBUSY;
    }
    error = place_open(&daemon->place, mountpoint);
    if (!error)
        error = count_entries(&daemon->place, &entries);
    if (error)
        log_line(LOG_FATAL, "%s: not a usable mount point: %s", given, strerror(-error));
    else if (entries)
        log_line(LOG_FATAL, "%s: the mount point is not empty; use an empty folder", given);
    return entries ? -ENOTEMPTY : error;
}

/* Commas and backslashes in the store's name must not end the option. */
static void escape(char *to, size_t max, const char *from)
{
    size_t at = 0;

    for (; *from && at + 3 < max; from++) {
        if (*from == ',' || *from == '\\')
            to[at++] = '\\';
        to[at++] = *from;
    }
    to[at] = 0;
}

uint64_t mount_atime_attribute(uint64_t rule)
{
    return rule == ATIME_STRICT ? MOUNT_ATTR_STRICTATIME : rule == ATIME_NONE ? MOUNT_ATTR_NOATIME : MOUNT_ATTR_RELATIME;
}

/* Flags of the mount that libfuse, or the fusermount3 of an ordinary user, may not know. The rule for access times is the worker's
 * to keep; here the mount table shows it. */
static void set_attributes(const struct daemon *daemon)
{
    const struct options *options = daemon->options;
    struct mount_attr attributes = {.attr_clr = MOUNT_ATTR__ATIME, .attr_set = mount_atime_attribute(options->tuning.atime)};
    int root = place_enter(&daemon->place);

    if (options->no_symlinks)
        attributes.attr_set |= MOUNT_ATTR_NOSYMFOLLOW;
    if (options->no_folder_atime)
        attributes.attr_set |= MOUNT_ATTR_NODIRATIME;
    if (mount_setattr(root, "", AT_EMPTY_PATH, &attributes, sizeof attributes) && options->no_symlinks)
        log_line(LOG_WARN, "%s: nosymfollow cannot be set (%s): symbolic links are followed", options->mountpoint, strerror(errno));
    if (root >= 0)
        close(root);
}

/* What is mounted there now must be ours, or all that goes by it would go to somebody else's. */
static int learn(struct daemon *daemon)
{
    struct mount_entry entry;
    int error = place_learn(&daemon->place);

    if (!error)
        error = mounts_of_id(daemon->place.mount, &entry);
    if (!error && (!mounts_is_ours(&entry) || strcmp(entry.source, daemon->options->store)))
        error = -ESTALE;
    if (!error)
        mounts_free(&entry);
    return error;
}

/* Root mounts by descriptor: who owns a folder above may have changed the path since it was checked. */
static int mount_session(struct daemon *daemon)
{
    char path[32];
    int point, result;

    if (geteuid())
        return fuse_session_mount(daemon->mounted, daemon->options->mountpoint) ? -EPERM : 0;
    point = place_look(&daemon->place);
    if (point < 0)
        return point;
    snprintf(path, sizeof path, "/proc/self/fd/%d", point);
    result = fuse_session_mount(daemon->mounted, path);
    close(point);
    return result ? -EPERM : 0;
}

int mount_make(struct daemon *daemon)
{
    const struct options *options = daemon->options;
    static const struct fuse_lowlevel_ops nothing; /* this session only mounts; workers make their own */
    char name[4200], list[8192];
    char program[] = FILESYSTEM, option[] = "-o";
    char *argv[] = {program, option, list, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(3, argv);
    int error;

    escape(name, sizeof name, options->store);
    snprintf(list, sizeof list, "fsname=%s,subtype=%s,default_permissions%s%s%s", name, FILESYSTEM,
             options->allow_other ? ",allow_other" : "", options->kernel_options[0] ? "," : "", options->kernel_options);
    daemon->mounted = fuse_session_new(&args, &nothing, sizeof nothing, NULL);
    fuse_opt_free_args(&args);
    if (!daemon->mounted || mount_session(daemon)) {
        log_line(LOG_FATAL,
                 "%s: cannot be mounted; for ordinary users fusermount3 must be installed, and allow_other needs user_allow_other "
                 "in /etc/fuse.conf",
                 options->mountpoint);
        return -EPERM;
    }
    daemon->owned[OWNED_SESSION] = fuse_session_fd(daemon->mounted);
    error = learn(daemon);
    if (error) {
        log_line(LOG_FATAL, "%s: something else was mounted there at the same time: %s", options->mountpoint, strerror(-error));
        fuse_session_unmount(daemon->mounted);
        return error;
    }
    set_attributes(daemon);
    if (!geteuid() && (error = mounts_name_helper(options->store, options->mountpoint)))
        log_line(LOG_NOTE, "%s: /run/mount cannot be written (%s): umount will not wait for the store, mapshare unmount does",
                 options->mountpoint, strerror(-error));
    return 0;
}

int mount_atime_start(const struct daemon *daemon, uint64_t rule)
{
    struct mount_attr attributes = {.attr_clr = MOUNT_ATTR__ATIME, .attr_set = mount_atime_attribute(rule)};
    pid_t pid = fork();

    if (pid)
        return pid < 0 ? -errno : 0;
    if (daemon->store_marks)
        mount_setattr(daemon->owned[OWNED_STORE], "", AT_EMPTY_PATH, &attributes, sizeof attributes);
    mount_setattr(place_enter(&daemon->place), "", AT_EMPTY_PATH, &attributes, sizeof attributes);
    _exit(0);
}
