#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/find.h"
#include "journal/path.h"
#include "journal/superblock.h"
#include "journal/walk.h"
#include "store/mode.h"
#include "store/removed.h"

#define WRITABLE (O_RDWR | O_NONBLOCK | O_NOCTTY)

int find_begin_to_look(struct find *find, int store, int folder, bool copy)
{
    struct stat status;
    *find = (struct find){.store = store, .folder = folder, .copy = copy};
    if (fstat(store, &status) < 0)
        return -errno;
    find->device = status.st_dev;
    find->handles = !copy && identity_handles(store);
    find->removed = openat(folder, REMOVED_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return find->removed < 0 && errno != ENOENT ? -errno : 0;
}

int find_begin(struct find *find, int store, int folder, bool copy)
{
    int result = find_begin_to_look(find, store, folder, copy);
    if (result == 0 && find->removed < 0)
        find->removed = removed_open(store);
    return result < 0 ? result : find->removed < 0 ? find->removed : 0;
}

void find_end(struct find *find)
{
    if (find->removed >= 0)
        close(find->removed);
}

/* Where who it is does not tell for sure, the owner must be the one that it had. */
static bool owner_matters(const struct find *find, const struct identity *identity)
{
    return find->copy || (identity->birth.tv_sec == 0 && identity->birth.tv_nsec == 0 && identity->handle_length == 0);
}

static bool owner_agrees(const struct image_file *file, uid_t owner)
{
    for (size_t i = 0; i < file->owner_count; i++) {
        if (file->owners[i] == owner || file->owners[i] == JOURNAL_NO_OWNER)
            return true;
    }
    return false;
}

static struct identity identity_here(const struct find *find, const struct image_file *file)
{
    struct identity identity = file->identity;
    identity.device = find->device;
    identity.type = S_IFREG;
    return identity;
}

/* Whether what is open is the file. 0, -ESTALE or -EPERM. */
static int check(const struct find *find, const struct image_file *file, int fd)
{
    const struct identity identity = identity_here(find, file);
    struct stat status;
    if (fstat(fd, &status) < 0)
        return -errno;
    int result = S_ISREG(status.st_mode) && status.st_dev == find->device ? 0 : -ESTALE;
    if (result == 0 && !find->copy)
        result = identity_check(fd, &identity);
    if (result == 0 && owner_matters(find, &identity) && !owner_agrees(file, status.st_uid))
        result = -EPERM;
    return result;
}

static int check_at(const struct find *find, const struct image_file *file, const char *path)
{
    int fd = path_open(find->store, path);
    if (fd < 0)
        return fd;
    int result = check(find, file, fd);
    close(fd);
    return result;
}

/* Whether a file of this name is among the removed ones, and in the store that it belongs to, is the file. `inode` is of the file there. */
static bool is_removed(const struct find *find, const struct image_file *file, ino_t *inode)
{
    const struct identity identity = identity_here(find, file);
    char name[IDENTITY_NAME_MAX];
    struct stat status;
    identity_name(&identity, name);
    int fd = find->copy ? openat(find->removed, name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : removed_reach(find->removed, &identity);
    if (fd < 0)
        return false;
    bool is = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    *inode = is ? status.st_ino : 0;
    close(fd);
    return is;
}

/* In a copy, all names at which there is a file are the file; a copy may have made several of its links. */
static void find_in_copy(const struct find *find, struct image *image, struct image_file *file)
{
    struct name *name, *next;
    struct stat status;
    ino_t removed = 0;
    bool gone = is_removed(find, file, &removed);
    SLIST_FOREACH_SAFE (name, &file->names, next, next) {
        int fd = path_open(find->store, name->path);
        int result = fd < 0 ? fd : fstat(fd, &status) < 0 ? -errno : S_ISREG(status.st_mode) ? 0 : -ESTALE;
        if (fd >= 0)
            close(fd);
        if (result < 0 || (gone && status.st_ino != removed)) /* the name was given to another */
            names_drop_one(&image->names, name);
    }
    if (!SLIST_EMPTY(&file->names))
        file->fate = IMAGE_FOUND;
    else
        file->fate = gone || file->unnamed ? IMAGE_REMOVED : IMAGE_LOST;
}

/* 1: found, and its name set; 0: not so. A handle can name any file of the file system, so it only leads to a path. */
static int find_by_handle(const struct find *find, struct image *image, struct image_file *file)
{
    const struct identity identity = identity_here(find, file);
    char path[PATH_MAX];
    int fd = find->handles ? identity_open(find->store, &identity, O_PATH) : -ENOTSUP;
    if (fd < 0)
        return 0;
    bool below = path_of(find->store, fd, path);
    close(fd);
    if (!below || check_at(find, file, path) != 0)
        return 0;
    int result = names_set(&image->names, file, path);
    return result < 0 ? result : 1;
}

/* 1: one of its names leads to it, and is the only one now; 0. */
static int find_by_name(const struct find *find, struct image *image, struct image_file *file)
{
    struct name *name;
    SLIST_FOREACH (name, &file->names, next) {
        int result = check_at(find, file, name->path);
        if (result == 0 || result == -EPERM) { /* whose owner is wrong is told when it is opened */
            result = names_set(&image->names, file, name->path);
            return result < 0 ? result : 1;
        }
    }
    return 0;
}

static int found_by_walk(void *context, struct image *image, struct image_file *file, int fd, const char *path)
{
    int result = file->fate == IMAGE_FOUND ? -ESTALE : check(context, file, fd);
    if (result != 0 && result != -EPERM)
        return 0;
    file->fate = IMAGE_FOUND;
    result = names_set(&image->names, file, path);
    return result < 0 ? result : 1;
}

static int find_in_own(struct find *find, struct image *image)
{
    struct image_file *file;
    uint64_t wanted = 0;
    ino_t inode;
    RB_FOREACH (file, image_files, &image->files) {
        int found = file->takes_part ? find_by_name(find, image, file) : 1;
        if (found == 0)
            found = find_by_handle(find, image, file);
        if (found < 0)
            return found;
        file->fate = found == 1 ? IMAGE_FOUND : IMAGE_LOST;
        wanted += found == 0;
    }
    int result = wanted > 0 ? walk_store(find->store, image, wanted, found_by_walk, find) : 0;
    RB_FOREACH (file, image_files, &image->files) {
        if (file->fate == IMAGE_LOST && (file->unnamed || is_removed(find, file, &inode)))
            file->fate = IMAGE_REMOVED;
    }
    return result;
}

/* Before anything is written. */
static void find_owners(const struct find *find, struct image *image)
{
    struct image_file *file;
    const struct name *name;
    RB_FOREACH (file, image_files, &image->files) {
        if (file->fate != IMAGE_FOUND || !file->takes_part)
            continue;
        SLIST_FOREACH (name, &file->names, next) {
            if (check_at(find, file, name->path) == -EPERM)
                file->fate = IMAGE_FOREIGN;
        }
    }
}

int find_all(struct find *find, struct image *image)
{
    struct image_file *file;
    int result = names_ask(&image->names, find->store);
    if (result == 0 && !find->copy)
        result = find_in_own(find, image);
    RB_FOREACH (file, image_files, &image->files) {
        if (result == 0 && file->takes_part && find->copy)
            find_in_copy(find, image, file);
    }
    if (result == 0)
        find_owners(find, image);
    return result;
}

int find_open(const struct find *find, const struct image_file *file, const char *path, int *fd_out)
{
    int fd = path_open(find->store, path);
    if (fd < 0)
        return fd;
    int result = check(find, file, fd);
    if (result == 0)
        result = path_reopen(fd, WRITABLE);
    if (result == -EACCES)
        result = mode_open(find->folder, path, fd, WRITABLE);
    close(fd);
    if (result < 0)
        return result;
    *fd_out = result;
    result = check(find, file, *fd_out);
    if (result < 0)
        close(*fd_out);
    return result;
}

void find_forget_removed(const struct find *find)
{
    DIR *folder = fdopendir(dup(find->removed));
    const struct dirent *entry;
    if (folder == NULL)
        return;
    rewinddir(folder);
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_type != DT_DIR)
            unlinkat(find->removed, entry->d_name, 0); /* what stays takes space, no more */
    }
    closedir(folder);
}
