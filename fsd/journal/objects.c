#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/apply.h"
#include "journal/find.h"
#include "journal/objects.h"
#include "journal/scan.h"

struct objects {
    struct find find;
    objects_prepare prepare;
    void *context;
};

static int read_log(struct scan *scan, uint64_t end, struct image *image)
{
    int result = 0;
    while (scan->expected.position < end && (result = scan_next(scan)) == 1) {
        if (image_add(image, &scan->view, scan_data_position(scan)) < 0)
            return -ENOMEM;
    }
    if (scan->expected.position == end)
        return 0;
    return result < 0 ? result : -EBADMSG;
}

/* Its only name is that of the object, whoever owns that. */
static int find_object(const struct objects *to, struct image *image, struct image_file *file)
{
    char name[IDENTITY_NAME_MAX];
    if (!file->takes_part)
        return 0;
    identity_name(&file->identity, name);
    if (faccessat(to->find.store, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
        file->fate = IMAGE_REMOVED;
        return errno == ENOENT ? 0 : -errno;
    }
    file->fate = IMAGE_FOUND;
    int result = to->prepare(to->context, name);
    if (result == 0)
        result = names_set(&image->names, file, name);
    return result < 0 ? result : image_add_owner(file, JOURNAL_NO_OWNER);
}

static int find_objects(const struct objects *to, struct image *image)
{
    struct image_file *file;
    int result = 0;
    RB_FOREACH (file, image_files, &image->files) {
        if (result == 0)
            result = find_object(to, image, file);
    }
    return result;
}

int objects_replay(struct store *store, int log, uint64_t end, int objects, objects_prepare prepare, void *context,
                   struct recover_report *report)
{
    struct objects to = {.find = {.store = objects, .copy = true, .removed = -1}, .prepare = prepare, .context = context};
    struct image image = {0};
    struct scan scan;
    struct stat status;
    *report = (struct recover_report){0};
    if (fstat(objects, &status) < 0)
        return -errno;
    to.find.device = status.st_dev;
    int result = scan_open(&scan, log);
    if (result < 0)
        return result;
    names_begin(&image.names, UINT64_MAX);
    result = read_log(&scan, end, &image);
    report->commits = image.commits;
    report->sequence = scan.expected.sequence;
    if (result == 0)
        result = find_objects(&to, &image);
    if (result == 0)
        result = apply_image(store, &to.find, &(struct apply_log){.fd = log, .capacity = scan.superblock.capacity}, &image, report);
    image_free(&image);
    scan_close(&scan);
    return result;
}
