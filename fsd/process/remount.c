#include "config.h"

#include "process/remount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "log.h"
#include "mapshare-abi.h"
#include "mounts.h"
#include "process/lock.h"
#include "process/setup.h"

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

/* Each pair as the mount table and options name it. */
static const struct flag {
    const char *on, *off;
    unsigned long bit;
} flags[] = {
    {"ro", "rw", MS_RDONLY},
    {"nosuid", "suid", MS_NOSUID},
    {"nodev", "dev", MS_NODEV},
    {"noexec", "exec", MS_NOEXEC},
    {"sync", "async", MS_SYNCHRONOUS},
    {"dirsync", "nodirsync", MS_DIRSYNC},
    {"nodiratime", "diratime", MS_NODIRATIME},
    {"nosymfollow", "symfollow", MS_NOSYMFOLLOW},
};

#define COUNT (sizeof flags / sizeof flags[0])

static unsigned long flags_of(const struct mount_entry *mount)
{
    unsigned long all = mounts_has_option(mount, "noatime")    ? MS_NOATIME
                        : mounts_has_option(mount, "relatime") ? MS_RELATIME
                                                               : MS_STRICTATIME;

    for (size_t i = 0; i < COUNT; i++)
        all |= mounts_has_option(mount, flags[i].on) ? flags[i].bit : 0;
    return all;
}

/* What the list of options makes of the flags. */
static unsigned long apply(unsigned long all, const char *list)
{
    char copy[OPTIONS_LIST_MAX], *save, *name;

    snprintf(copy, sizeof copy, "%s", list);
    for (name = strtok_r(copy, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
        for (size_t i = 0; i < COUNT; i++) {
            if (!strcmp(name, flags[i].on))
                all |= flags[i].bit;
            else if (!strcmp(name, flags[i].off))
                all &= ~flags[i].bit;
        }
    }
    return all;
}

/* The daemon's options as they hold are in the store's lock. */
static int read_present(const struct options *options, const struct mount_entry *mount, struct options *present)
{
    char path[4200], list[MAPSHARE_LOCK_SIZE];
    int lock, error;

    snprintf(path, sizeof path, "%s/" MAPSHARE_PRIVATE_FOLDER "/lock", mount->source);
    lock = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    error = lock < 0 ? -errno : lock_read_options(lock, list);
    if (lock >= 0)
        close(lock);
    if (!error)
        error = options_of_text(present, list);
    if (error && options->given)
        log_line(LOG_FATAL, "%s: cannot be read (%s): it tells which of the daemon's options are to change", path,
                 strerror(-error));
    return options->given ? error : 0;
}

/* By its worker. 0, or -errno after a message. */
static int set(const struct options *options, const char *point, const char *list)
{
    struct mapshare_abi_set change = {0};
    int fd = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;

    snprintf(change.text, sizeof change.text, "%s", list);
    if (fd < 0 || ioctl(fd, MAPSHARE_IOC_SET, &change))
        error = -errno;
    if (error)
        log_line(LOG_FATAL, "%s: %s cannot be changed: %s", options->mountpoint, list, strerror(-error));
    else if (change.error)
        log_line(LOG_FATAL, "%s: %.*s", options->mountpoint, (int)sizeof change.text, change.text);
    if (fd >= 0)
        close(fd);
    return error ? error : -change.error;
}

/* The daemon of a read-only store keeps what is its own in memory, where nothing is durable. */
static int check_store(const struct options *options, const struct mount_entry *existing)
{
    struct statvfs store;

    if (apply(flags_of(existing), options->kernel_options) & MS_RDONLY || statvfs(existing->source, &store) ||
        !(store.f_flag & ST_RDONLY))
        return 0;
    log_line(LOG_FATAL, "%s: rw: the store %s is read-only; unmount, make it writable, mount again", options->mountpoint,
             existing->source);
    return -EROFS;
}

/* What the kernel has. `atime`: the rule that holds from now on, which the keeper sets, too, at about this time; NULL: as it was. */
static int change(const struct options *options, const char *point, const struct mount_entry *existing, const uint64_t *atime)
{
    static const unsigned long rules[] = {
        [ATIME_RELATIVE] = MS_RELATIME, [ATIME_STRICT] = MS_STRICTATIME, [ATIME_NONE] = MS_NOATIME};
    unsigned long wanted = apply(apply(flags_of(existing), options->kernel_options), options->own_options);
    struct mount_entry after;
    unsigned long differ;
    int error = 0;

    if (wanted == flags_of(existing))
        return 0;
    if (atime)
        wanted = (wanted & ~(unsigned long)(MS_RELATIME | MS_STRICTATIME | MS_NOATIME)) | rules[*atime];
    if (mount(existing->source, point, existing->type, MS_REMOUNT | wanted, NULL))
        error = -errno;
    if (!error)
        error = mounts_at(point, &after);
    if (error) {
        log_line(LOG_FATAL, "%s: cannot be remounted: %s", options->mountpoint, strerror(-error));
        return error;
    }
    differ = flags_of(&after) ^ wanted;
    mounts_free(&after);
    for (size_t i = 0; i < COUNT; i++) {
        if (differ & flags[i].bit) {
            log_line(LOG_FATAL, "%s: the kernel does not change %s", options->mountpoint, flags[i].on);
            error = -EOPNOTSUPP;
        }
    }
    return error;
}

/* All of it, or nothing: the daemon may refuse its part, and what the kernel refuses then is rare, and taken back. */
static int change_all(struct options *options, const char *point, const struct mount_entry *existing)
{
    char list[OPTIONS_TEXT_MAX] = "", before[OPTIONS_TEXT_MAX];
    struct options present = {0}, again, after;
    int error = read_present(options, existing, &present);

    if (!error && options_changes(options, &present, list, sizeof list)) {
        log_line(LOG_FATAL, "%s: %s", options->mountpoint, options->complaint);
        error = -EINVAL;
    }
    if (!error)
        error = check_store(options, existing);
    if (!error && *list)
        error = set(options, point, list);
    if (error)
        return error;
    after = present;
    error = change(options, point, existing, *list && !options_change(&after, list) ? &after.tuning.atime : NULL);
    if (error && *list) {
        again = present;
        again.given = options->given;
        options_changes(&again, options, before, sizeof before);
        set(options, point, before);
    }
    return error;
}

int remount(struct options *options)
{
    char point[4096];
    struct mount_entry entry;
    int error = setup_resolve(options->mountpoint, point, "the mount point");

    if (error)
        return error;
    error = mounts_at(point, &entry);
    if (error || !mounts_is_ours(&entry)) {
        log_line(LOG_FATAL, "%s: not a mapsharefs mount; remount changes one that is", options->mountpoint);
        return error ? error : -EINVAL;
    }
    error = change_all(options, point, &entry);
    mounts_free(&entry);
    return error;
}
