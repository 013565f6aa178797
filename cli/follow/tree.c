#include "config.h"

#include "follow/tree.h"

#include "attributes.h"
#include "backup/parts.h"

#include "journal/grow.h"
#include "journal/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

struct walk {
    struct tree *tree;
    struct backup_parts *parts;
    struct wire *wire;
    dev_t device;
    char path[PATH_MAX];
};

const struct wire_entry *tree_entry(const struct tree *tree, const struct tree_name *name)
{
    return (const struct wire_entry *)(tree->records + name->at);
}

const char *tree_path(const struct tree *tree, const struct tree_name *name)
{
    return (const char *)(tree_entry(tree, name) + 1);
}

int tree_identify(int place, struct wire_id *id)
{
    union {
        struct file_handle handle;
        char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } of = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
    uint32_t numbers[3];
    int mount;

    if (name_to_handle_at(place, "", &of.handle, &mount, AT_EMPTY_PATH))
        return -errno;
    if (of.handle.handle_bytes != sizeof numbers) /* FUSE: the number's halves, the generation */
        return -ENOTSUP;
    memcpy(numbers, of.handle.f_handle, sizeof numbers);
    *id = (struct wire_id){.inode = (uint64_t)numbers[0] << 32 | numbers[1], .generation = numbers[2]};
    return 0;
}

int tree_identify_store(const char *store, struct wire_id *id)
{
    struct statx status;

    if (statx(AT_FDCWD, store, 0, STATX_INO | STATX_BTIME, &status))
        return -errno;
    id->inode = status.stx_ino;
    id->generation = (uint64_t)status.stx_btime.tv_sec * 1000000000 + status.stx_btime.tv_nsec;
    return 0;
}

/* ---- records ---- */

/* A new one, of what is known of it. */
static int record_add(struct tree *tree, struct tree_name *name, struct wire_entry *entry, const char *path, const char *target,
                      const char *attributes)
{
    size_t length;
    unsigned char *at;

    entry->path_length = (uint32_t)strlen(path);
    length = (sizeof *entry + entry->path_length + entry->target_length + 2 + entry->attributes_length + 7) & ~(size_t)7;
    if (!grow(&tree->records, &tree->room, tree->used + length, 1))
        return -ENOMEM;
    at = tree->records + tree->used;
    memset(at, 0, length);
    memcpy(at, entry, sizeof *entry);
    at += sizeof *entry;
    memcpy(at, path, entry->path_length);
    memcpy(at + entry->path_length + 1, target, entry->target_length);
    memcpy(at + entry->path_length + entry->target_length + 2, attributes, entry->attributes_length);
    *name = (struct tree_name){.at = tree->used, .length = length};
    tree->used += length;
    return 0;
}

static int record_take(struct tree *tree, struct tree_name *name, int place, const char *path, const struct stat *status)
{
    static char attributes[ATTRIBUTES_MAX], target[PATH_MAX];
    struct wire_entry entry = {.mode = status->st_mode,
                               .uid = status->st_uid,
                               .gid = status->st_gid,
                               .device = status->st_rdev,
                               .seconds = status->st_mtim.tv_sec,
                               .nanoseconds = status->st_mtim.tv_nsec};
    int error = attributes_take(place, attributes, &entry.attributes_length);
    XXH128_hash_t sum;
    ssize_t length;

    if (!error && S_ISREG(status->st_mode))
        error = tree_identify(place, &entry.id);
    if (!error && S_ISLNK(status->st_mode)) {
        length = readlinkat(place, "", target, sizeof target);
        error = length < 0 ? -errno : 0;
        entry.target_length = error ? 0 : (uint32_t)length;
    }
    if (!error)
        error = record_add(tree, name, &entry, path, target, attributes);
    if (error)
        return error;
    sum = XXH3_128bits(tree->records + name->at, name->length);
    memcpy(name->sum, &sum, sizeof name->sum);
    return 0;
}

int tree_refresh(struct tree *tree, struct tree_name *name, int place)
{
    char path[PATH_MAX];
    struct stat status;

    strcpy(path, tree_path(tree, name)); /* records move as they become more */
    return fstat(place, &status) ? -errno : record_take(tree, name, place, path, &status);
}

static int name_add(struct tree *tree)
{
    return grow(&tree->names, &tree->name_room, tree->count + 1, sizeof tree->names[0]) ? 0 : -ENOMEM;
}

int tree_add_path(struct tree *tree, const char *path)
{
    struct wire_entry entry = {0};
    int error = name_add(tree);

    if (!error)
        error = record_add(tree, &tree->names[tree->count], &entry, path, "", "");
    tree->count += !error;
    return error;
}

int tree_add_file(struct tree *tree, const struct wire_id *id, size_t name)
{
    if (!grow(&tree->files, &tree->file_room, tree->file_count + 1, sizeof tree->files[0]))
        return -ENOMEM;
    tree->files[tree->file_count++] = (struct tree_file){.id = *id, .name = name};
    return 0;
}

/* ---- the walk ---- */

static int visit(struct walk *walk, int folder, const char *name);

static int walk_folder(struct walk *walk, int place)
{
    int fd = path_reopen_folder(place), error = 0;
    const struct dirent *entry;
    DIR *folder;

    folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder)
        return fd < 0 ? fd : -errno;
    while (!error && (errno = 0, entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && (*walk->path || strcmp(entry->d_name, FOLLOW_FOLDER)))
            error = visit(walk, fd, entry->d_name);
    }
    if (!error)
        error = -errno;
    closedir(folder);
    return error;
}

static int look(struct walk *walk, int place)
{
    struct tree *tree = walk->tree;
    struct stat status;
    int error = fstat(place, &status) ? -errno : name_add(tree);

    if (error || status.st_dev != walk->device)
        return error;
    error = record_take(tree, &tree->names[tree->count], place, walk->path, &status);
    tree->count += !error;
    return !error && S_ISDIR(status.st_mode) ? walk_folder(walk, place) : error;
}

/* What is gone meanwhile is passed over. */
static int visit(struct walk *walk, int folder, const char *name)
{
    size_t length = strlen(walk->path);
    int place, error = wire_ping(walk->wire);

    if (error || length + strlen(name) + 2 > sizeof walk->path)
        return error ? error : -ENAMETOOLONG;
    strcat(strcat(walk->path, length ? "/" : ""), name);
    if (backup_parts_cover(walk->parts, walk->path, true)) {
        place = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        error = place < 0 ? -errno : look(walk, place);
        if (place >= 0)
            close(place);
    }
    walk->path[length] = '\0';
    return error == -ENOENT || error == -ESTALE ? 0 : error;
}

static const struct tree *sorted; /* qsort(3) has no context */

static int compare_names(const void *a, const void *b)
{
    return strcmp(tree_path(sorted, a), tree_path(sorted, b));
}

static int compare_files(const void *a, const void *b)
{
    return wire_id_compare(&((const struct tree_file *)a)->id, &((const struct tree_file *)b)->id);
}

void tree_sort(struct tree *tree)
{
    size_t unique = 0;

    sorted = tree;
    if (tree->count)
        qsort(tree->names, tree->count, sizeof tree->names[0], compare_names);
    if (tree->file_count)
        qsort(tree->files, tree->file_count, sizeof tree->files[0], compare_files);
    for (size_t i = 0; i < tree->file_count; i++) {
        if (!unique || compare_files(&tree->files[unique - 1], &tree->files[i]))
            tree->files[unique++] = tree->files[i];
    }
    tree->file_count = unique;
}

int tree_read(struct tree *tree, int root, struct backup_parts *parts, struct wire *wire)
{
    struct walk *walk = calloc(1, sizeof *walk);
    struct stat status;
    int error = walk ? 0 : -ENOMEM;

    *tree = (struct tree){0};
    if (!error && fstat(root, &status))
        error = -errno;
    if (!error) {
        walk->tree = tree;
        walk->parts = parts;
        walk->wire = wire;
        walk->device = status.st_dev;
        error = look(walk, root);
    }
    free(walk);
    if (error)
        return error;
    tree_sort(tree);
    for (size_t i = 0; i < tree->count && !error; i++) {
        const struct wire_entry *entry = tree_entry(tree, &tree->names[i]);

        if (S_ISREG(entry->mode))
            error = tree_add_file(tree, &entry->id, i);
    }
    tree_sort(tree);
    return error;
}

void tree_free(struct tree *tree)
{
    free(tree->records);
    free(tree->names);
    free(tree->files);
    *tree = (struct tree){0};
}

const struct tree_file *tree_find(const struct tree *tree, const struct wire_id *id)
{
    struct tree_file key = {.id = *id};

    return tree->file_count ? bsearch(&key, tree->files, tree->file_count, sizeof key, compare_files) : NULL;
}

/* ---- changes ---- */

int tree_send_entry(struct wire *wire, const struct tree *tree, const struct tree_name *name)
{
    const struct wire_entry *entry = tree_entry(tree, name);
    const char *path = tree_path(tree, name), *target = path + entry->path_length + 1;
    struct wire_part parts[] = {{entry, sizeof *entry},
                                {path, entry->path_length},
                                {target, entry->target_length},
                                {target + entry->target_length + 1, entry->attributes_length}};

    return wire_send_parts(wire, WIRE_ENTRY, parts, sizeof parts / sizeof parts[0]);
}

struct differences {
    struct wire *wire;
    const struct tree *from, *to;
    bool (*again)(void *context, const struct wire_id *id);
    void *context;
    size_t told;
};

static bool is_told(const struct differences *differences, const struct tree_name *old, const struct tree_name *new)
{
    const struct wire_entry *entry = tree_entry(differences->to, new);

    return !old || memcmp(old->sum, new->sum, sizeof old->sum) ||
           (S_ISREG(entry->mode) && differences->again(differences->context, &entry->id));
}

/* What goes and what comes, in the order of paths: a folder before what is in it. Old ones that are still there: in `old`, by the new one. */
static int send_names(struct differences *differences, const struct tree_name **old)
{
    const struct tree *from = differences->from, *to = differences->to;
    int error = 0;

    for (size_t i = 0, j = 0; !error && (i < from->count || j < to->count);) {
        int order = i == from->count ? 1
                    : j == to->count ? -1
                                     : strcmp(tree_path(from, &from->names[i]), tree_path(to, &to->names[j]));

        if (order < 0) {
            const char *path = tree_path(from, &from->names[i++]);

            error = wire_send(differences->wire, WIRE_DROP, path, strlen(path));
            differences->told++;
            continue;
        }
        old[j] = order ? NULL : &from->names[i];
        if (is_told(differences, old[j], &to->names[j])) {
            error = tree_send_entry(differences->wire, to, &to->names[j]);
            differences->told++;
        }
        i += !order;
        j++;
    }
    return error;
}

/* Folders once more, the inner ones first: what was made in them has changed their times, and may not be allowed afterwards. */
static int send_folders(struct differences *differences, const struct tree_name **old)
{
    const struct tree *to = differences->to;
    int error = 0;

    for (size_t i = to->count; i-- && !error;) {
        if (S_ISDIR(tree_entry(to, &to->names[i])->mode) && is_told(differences, old[i], &to->names[i]))
            error = tree_send_entry(differences->wire, to, &to->names[i]);
    }
    return error;
}

int tree_send_changes(struct wire *wire, const struct tree *from, const struct tree *to,
                      bool (*again)(void *context, const struct wire_id *id), void *context, size_t *told)
{
    struct differences differences = {.wire = wire, .from = from, .to = to, .again = again, .context = context};
    const struct tree_name **old = calloc(to->count + 1, sizeof(struct tree_name *));
    int error = old ? send_names(&differences, old) : -ENOMEM;

    if (!error)
        error = send_folders(&differences, old);
    for (size_t i = 0; i < from->file_count && !error; i++) {
        if (!tree_find(to, &from->files[i].id))
            error = wire_send(wire, WIRE_GONE, &from->files[i].id, sizeof from->files[i].id);
    }
    *told = differences.told;
    free(old);
    return error;
}
