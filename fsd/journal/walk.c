#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/grow.h"
#include "journal/path.h"
#include "journal/superblock.h"
#include "journal/walk.h"

/* Directories still to be read, as paths relative to the store's root. */
struct walk {
    int store;
    struct image *image;
    uint64_t wanted; /* files not found yet */
    walk_found found;
    void *context;
    char **folders;
    size_t count, capacity;
};

static char *join(const char *folder, const char *name)
{
    char *path;
    return asprintf(&path, "%s%s%s", folder, *folder == 0 ? "" : "/", name) < 0 ? NULL : path;
}

static int push(struct walk *walk, const char *folder, const char *name)
{
    if (!grow(&walk->folders, &walk->capacity, walk->count + 1, sizeof(*walk->folders)))
        return -ENOMEM;
    char *path = join(folder, name);
    if (path == NULL)
        return -ENOMEM;
    walk->folders[walk->count++] = path;
    return 0;
}

/* The files of the image that have the number may be several, of different births. */
static int offer(struct walk *walk, const char *folder_path, int folder, const struct dirent *entry)
{
    struct image_file *file = image_first_of_inode(walk->image, entry->d_ino);
    if (file == NULL || file->identity.inode != entry->d_ino)
        return 0;
    char *path = join(folder_path, entry->d_name);
    int fd = openat(folder, entry->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC), result = path == NULL ? -ENOMEM : 0;
    for (; fd >= 0 && result >= 0 && file != NULL && file->identity.inode == entry->d_ino;
         file = RB_NEXT(image_files, &walk->image->files, file)) {
        result = file->takes_part ? walk->found(walk->context, walk->image, file, fd, path) : 0;
        walk->wanted -= result == 1;
    }
    if (fd >= 0)
        close(fd);
    free(path);
    return result < 0 ? result : 0;
}

/* One entry of a folder: a folder to be read later, or perhaps one of the files. */
static int visit(struct walk *walk, const char *path, int folder, const struct dirent *entry)
{
    struct stat status;
    unsigned char type = entry->d_type;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
        (*path == 0 && strcmp(entry->d_name, JOURNAL_FOLDER) == 0))
        return 0;
    if (type == DT_UNKNOWN && fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
        type = S_ISDIR(status.st_mode) ? DT_DIR : S_ISREG(status.st_mode) ? DT_REG : DT_UNKNOWN;
    if (type == DT_DIR)
        return push(walk, path, entry->d_name);
    return type == DT_REG ? offer(walk, path, folder, entry) : 0;
}

/* A folder that cannot be read is passed over: what is in it is not found, and that is told. */
static int read_folder(struct walk *walk, const char *path)
{
    int place = path_open(walk->store, path), result = 0;
    int fd = place < 0 ? place : path_reopen_folder(place);
    if (place >= 0)
        close(place);
    if (fd < 0)
        return 0;
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        close(fd);
        return -ENOMEM;
    }
    const struct dirent *entry;
    while (result == 0 && walk->wanted > 0 && (entry = readdir(folder)) != NULL)
        result = visit(walk, path, fd, entry);
    closedir(folder);
    return result;
}

int walk_store(int store, struct image *image, uint64_t wanted, walk_found found, void *context)
{
    struct walk walk = {.store = store, .image = image, .wanted = wanted, .found = found, .context = context};
    int result = push(&walk, "", "");
    while (result == 0 && walk.count > 0 && walk.wanted > 0) {
        char *path = walk.folders[--walk.count];
        result = read_folder(&walk, path);
        free(path);
    }
    while (walk.count > 0)
        free(walk.folders[--walk.count]);
    free(walk.folders);
    return result;
}
