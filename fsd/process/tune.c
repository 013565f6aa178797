#include "config.h"

#include "process/tune.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "log.h"
#include "mounts.h"

#define READ_AHEAD_MIN 1024u
#define READ_AHEAD_MAX 4096u

static bool set_limit(dev_t device, const char *name, const char *value)
{
    char path[128];
    bool done;
    int fd;

    snprintf(path, sizeof path, "/sys/class/bdi/%u:%u/%s", major(device), minor(device), name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    done = fd >= 0 && write(fd, value, strlen(value)) > 0;
    if (fd >= 0)
        close(fd);
    return done;
}

/* KiB that the kernel reads in front of a client: as the store's disk has it, within bounds. */
static unsigned read_ahead(int store)
{
    static const char *const places[] = {"bdi", "../bdi"}; /* of a disk, of a partition */
    unsigned kilobytes = 0;
    struct stat stat;
    char path[128];

    for (size_t i = 0; i < 2 && !kilobytes && !fstat(store, &stat); i++) {
        FILE *file;

        snprintf(path, sizeof path, "/sys/dev/block/%u:%u/%s/read_ahead_kb", major(stat.st_dev), minor(stat.st_dev), places[i]);
        file = fopen(path, "r");
        if (file && fscanf(file, "%u", &kilobytes) != 1)
            kilobytes = 0;
        if (file)
            fclose(file);
    }
    return kilobytes < READ_AHEAD_MIN ? READ_AHEAD_MIN : kilobytes > READ_AHEAD_MAX ? READ_AHEAD_MAX : kilobytes;
}

/* The mount table, not stat(2): the mount's own answers come from the worker. */
static void tune(const struct daemon *daemon)
{
    struct mount_entry mount;
    char ahead[16];
    dev_t device;

    snprintf(ahead, sizeof ahead, "%u", read_ahead(daemon->owned[OWNED_STORE]));
    if (mounts_of_id(daemon->place.mount, &mount))
        return; /* unmounted already */
    device = mount.device;
    mounts_free(&mount);
    if (set_limit(device, "strict_limit", "0") && set_limit(device, "max_ratio", "100") &&
        set_limit(device, "read_ahead_kb", ahead))
        return;
    if (mounts_of_id(daemon->place.mount, &mount))
        return; /* unmounted meanwhile */
    mounts_free(&mount);
    log_line(LOG_NOTE,
             "the kernel's limits for this mount stay low (only root may raise them): large bursts of stores are slowed down");
}

/* In a child with a table of descriptors of its own: a worker that starts meanwhile would close what is open here. */
void tune_start(const struct daemon *daemon)
{
    if (daemon->options->no_tune || fork())
        return;
    tune(daemon);
    _exit(0);
}
