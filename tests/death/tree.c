/* Compares two folders by what a client can see of them. */
#include "config.h"

#include "tree.h"

#include <dirent.h>
#include <ftw.h>

#include "../mount/check.h"

#define CHUNK (64u << 10)

struct comparison {
    char *why;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static bool differ(struct comparison *at, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(at->why, at->size, format, arguments);
    va_end(arguments);
    return false;
}

static int open_uncached(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0)
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* the daemon is asked, not the kernel's memory */
    return fd;
}

static bool same_contents(struct comparison *at, const char *left, const char *right)
{
    static unsigned char bytes[2][CHUNK];
    int fd[2] = {open_uncached(left), open_uncached(right)};
    off_t offset = 0;
    ssize_t size;
    bool same = true;

    if (fd[0] < 0 || fd[1] < 0)
        return differ(at, "%s cannot be opened: %s", fd[0] < 0 ? left : right, strerror(errno));
    do {
        size = pread(fd[0], bytes[0], CHUNK, offset);
        if (size < 0 || pread(fd[1], bytes[1], CHUNK, offset) != size)
            same = differ(at, "%s cannot be read as %s at %lld: %s", left, right, (long long)offset, strerror(errno));
        for (ssize_t i = 0; same && i < size; i++) {
            if (bytes[0][i] != bytes[1][i])
                same = differ(at, "%s has byte %#x at %lld (page %lld), %s has %#x", left, bytes[0][i], (long long)(offset + i),
                              (long long)(offset + i) / PAGE, right, bytes[1][i]);
        }
        offset += size;
    } while (same && size > 0);
    close(fd[0]);
    close(fd[1]);
    return same;
}

/* The user's attributes that are listed are in the other file with the same value. */
static bool has_attributes(struct comparison *at, const char *left, const char *right)
{
    char list[1024], value[2][256];
    ssize_t size = llistxattr(left, list, sizeof list), length;

    if (size < 0)
        return errno == ENOTSUP ? true : differ(at, "attributes of %s: %s", left, strerror(errno));
    for (char *name = list; name < list + size; name += strlen(name) + 1) {
        if (strncmp(name, "user.", 5) || strncmp(name, "user.mapshare.", 14) == 0)
            continue;
        length = lgetxattr(left, name, value[0], sizeof value[0]);
        if (length < 0 || lgetxattr(right, name, value[1], sizeof value[1]) != length || memcmp(value[0], value[1], (size_t)length))
            return differ(at, "attribute %s of %s is not as in %s", name, left, right);
    }
    return true;
}

static bool same_folder(struct comparison *at, const char *left, const char *right, bool root);

static bool same_target(struct comparison *at, const char *left, const char *right)
{
    char target[2][PAGE];
    ssize_t size = readlink(left, target[0], PAGE);

    if (size < 0 || readlink(right, target[1], PAGE) != size || memcmp(target[0], target[1], (size_t)size))
        return differ(at, "%s and %s point to different places", left, right);
    return true;
}

static bool same_entry(struct comparison *at, const char *left, const char *right)
{
    struct stat l, r;

    if (lstat(left, &l) || lstat(right, &r))
        return differ(at, "%s or %s is not there: %s", left, right, strerror(errno));
    if (l.st_mode != r.st_mode || l.st_uid != r.st_uid || l.st_gid != r.st_gid || l.st_rdev != r.st_rdev)
        return differ(at, "%s has mode %o, owner %u:%u; %s has %o, %u:%u", left, l.st_mode, l.st_uid, l.st_gid, right, r.st_mode,
                      r.st_uid, r.st_gid);
    if (!S_ISDIR(l.st_mode) && (l.st_nlink != r.st_nlink || l.st_size != r.st_size))
        return differ(at, "%s has %lu links, %lld bytes; %s has %lu, %lld", left, (unsigned long)l.st_nlink, (long long)l.st_size,
                      right, (unsigned long)r.st_nlink, (long long)r.st_size);
    if (S_ISREG(l.st_mode) && !same_contents(at, left, right))
        return false;
    if (S_ISLNK(l.st_mode) && !same_target(at, left, right))
        return false;
    if (S_ISDIR(l.st_mode) && !same_folder(at, left, right, false))
        return false;
    return has_attributes(at, left, right) && has_attributes(at, right, left);
}

static int visible(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

static int visible_in_root(const struct dirent *entry)
{
    return visible(entry) && strcmp(entry->d_name, ".mapshare");
}

static bool same_folder(struct comparison *at, const char *left, const char *right, bool root)
{
    struct dirent **l, **r;
    int left_count = scandir(left, &l, root ? visible_in_root : visible, alphasort);
    int right_count = scandir(right, &r, root ? visible_in_root : visible, alphasort);
    bool same = true;

    if (left_count < 0 || right_count < 0)
        return differ(at, "%s cannot be listed: %s", left_count < 0 ? left : right, strerror(errno));
    for (int i = 0; same && (i < left_count || i < right_count); i++) {
        char paths[2][PAGE];
        int order = i >= left_count ? 1 : i >= right_count ? -1 : strcmp(l[i]->d_name, r[i]->d_name);

        if (order) {
            same = differ(at, "%s is in %s only", order < 0 ? l[i]->d_name : r[i]->d_name, order < 0 ? left : right);
            break;
        }
        snprintf(paths[0], PAGE, "%s/%s", left, l[i]->d_name);
        snprintf(paths[1], PAGE, "%s/%s", right, r[i]->d_name);
        same = same_entry(at, paths[0], paths[1]);
    }
    for (int i = 0; i < left_count; i++)
        free(l[i]);
    for (int i = 0; i < right_count; i++)
        free(r[i]);
    free(l);
    free(r);
    return same;
}

bool tree_same(const char *left, const char *right, char *why, size_t size)
{
    return same_folder(&(struct comparison){.why = why, .size = size}, left, right, true);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

void tree_remove(const char *path)
{
    CHECK(nftw(path, remove_one, 20, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0 || errno == ENOENT, "%s", path);
}
