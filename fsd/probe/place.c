#include "config.h"

#include "probe/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The number of the mount that a descriptor is of. With room for no handle the call fails, but tells it, and FUSE asks nobody. */
static int mount_of(int fd)
{
    struct file_handle none = {.handle_bytes = 0};
    int mount = 0;

    if (name_to_handle_at(fd, "", &none, &mount, AT_EMPTY_PATH) && errno != EOVERFLOW)
        return -errno;
    return mount;
}

int place_open(struct place *place, const char *mountpoint)
{
    const char *slash = strrchr(mountpoint, '/');
    char parent[PATH_MAX];

    *place = (struct place){.parent = -1};
    if (!slash || !slash[1] || strlen(slash + 1) > NAME_MAX || slash - mountpoint >= PATH_MAX)
        return -EBUSY; /* the root of all */
    strcpy(place->name, slash + 1);
    memcpy(parent, mountpoint, slash - mountpoint);
    strcpy(parent + (slash - mountpoint), slash == mountpoint ? "/" : "");
    place->parent = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return place->parent < 0 ? -errno : 0;
}

int place_settle(struct place *place)
{
    if (fchdir(place->parent))
        return -errno;
    close(place->parent);
    place->parent = AT_FDCWD;
    return 0;
}

int place_look(const struct place *place)
{
    int fd = openat(place->parent, place->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

int place_learn(struct place *place)
{
    int fd = place_look(place), mount = fd < 0 ? fd : mount_of(fd);

    if (fd >= 0)
        close(fd);
    if (mount < 0)
        return mount;
    place->mount = mount;
    return 0;
}

int place_enter(const struct place *place)
{
    int fd = place_look(place);

    if (fd >= 0 && mount_of(fd) != place->mount) {
        close(fd);
        return -ESTALE;
    }
    return fd;
}
