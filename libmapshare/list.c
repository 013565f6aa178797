#include "config.h"

#include "list.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>

#include "internal.h"

static bool is_same_file(const struct mapshare *one, const struct mapshare *other)
{
    return one->identity.stx_ino == other->identity.stx_ino && one->identity.stx_dev_major == other->identity.stx_dev_major &&
           one->identity.stx_dev_minor == other->identity.stx_dev_minor;
}

static int check(struct mapshare *const list[], size_t count, bool to_write)
{
    if (!list || count == 0)
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        if (!list[i])
            return -EINVAL;
    }
    for (size_t i = 0; i < count; i++) {
        if (!list[i]->on_mount)
            return -ENOTSUP;
        if (to_write && !list[i]->writable)
            return -EBADF;
        if (list[i]->identity.stx_dev_major != list[0]->identity.stx_dev_major ||
            list[i]->identity.stx_dev_minor != list[0]->identity.stx_dev_minor)
            return -EXDEV;
    }
    return 0;
}

static int by_inode(const void *one, const void *other)
{
    uint64_t first = (*(struct mapshare *const *)one)->identity.stx_ino,
             second = (*(struct mapshare *const *)other)->identity.stx_ino;

    return first < second ? -1 : first > second;
}

/* Each once: a list may have a file twice, also through two opens. */
static struct mapshare **copy(struct mapshare *const list[], size_t *count)
{
    struct mapshare **files = calloc(*count, sizeof(*files));
    size_t kept = 0;

    if (!files)
        return NULL;
    memcpy(files, list, *count * sizeof(*files));
    qsort(files, *count, sizeof(*files), by_inode);
    for (size_t i = 0; i < *count; i++) {
        if (kept == 0 || !is_same_file(files[kept - 1], files[i]))
            files[kept++] = files[i];
    }
    *count = kept;
    return files;
}

int mapshare_list_take(struct mapshare *const list[], size_t *count, bool to_write, struct mapshare ***files)
{
    int error = check(list, *count, to_write);

    if (error)
        return error;
    *files = copy(list, count);
    return *files ? 0 : -ENOMEM;
}

int mapshare_list_group(struct mapshare *const files[], size_t count, unsigned long how, uint64_t *group)
{
    *group = 0;
    while (*group == 0) {
        if (getrandom(group, sizeof(*group), 0) < 0 && errno != EINTR)
            return -errno;
    }
    for (size_t i = 0; i < count; i++) {
        if (ioctl(files[i]->fd, how, group))
            return -errno;
    }
    return 0;
}

size_t mapshare_list_find(struct mapshare *const files[], size_t count, const struct mapshare *ms)
{
    struct mapshare *const *at = bsearch(&ms, files, count, sizeof(*files), by_inode);

    return (size_t)(at - files);
}
