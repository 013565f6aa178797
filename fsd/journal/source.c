#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/recover.h"
#include "journal/source.h"
#include "store/trust.h"

int source_open(int store_folder, int flags, struct journal_source *source)
{
    *source = (struct journal_source){.fd = -1};
    source->folder = openat(store_folder, JOURNAL_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (source->folder < 0)
        return -errno;
    int result = trust_doubt(source->folder, S_IFDIR) != NULL ? -EPERM : superblock_open_file(source->folder, flags, &source->fd);
    if (result < 0)
        close(source->folder);
    return result;
}

void source_close(const struct journal_source *source)
{
    close(source->fd);
    close(source->folder);
}

const char *journal_doubt(int store_folder, const char **name)
{
    int folder = openat(store_folder, JOURNAL_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return NULL;
    const char *doubt = trust_doubt(folder, S_IFDIR);
    *name = JOURNAL_FOLDER;
    if (doubt == NULL) {
        int file = openat(folder, JOURNAL_NAME, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        doubt = file < 0 ? NULL : trust_doubt(file, S_IFREG);
        *name = JOURNAL_FOLDER "/" JOURNAL_NAME;
        if (file >= 0)
            close(file);
    }
    close(folder);
    return doubt;
}

int source_read(struct scan *scan, struct image *image, struct recover_report *report)
{
    int result;
    while ((result = scan_next(scan)) == 1) {
        if (image_add(image, &scan->view, scan_data_position(scan)) < 0)
            return -ENOMEM;
    }
    if (result < 0)
        return result;
    uint64_t end = image->end > 0 ? image->end : scan->superblock.tail;
    report->chunks = image->chunks;
    report->commits = image->commits;
    report->sequence = scan->expected.sequence;
    report->torn_bytes = scan->expected.position - end + scan_torn_bytes(scan);
    return 0;
}

/* Damage is told from a log's end by what is behind it. A log that was left empty is not searched: each mount would take the time. */
int source_look_for_damage(struct scan *scan, struct recover_report *report)
{
    bool used = scan->superblock.epoch > 0 || report->chunks > 0 || report->torn_bytes > 0;
    return used ? scan_commits_behind(scan, &report->commits_lost) : 0;
}

/* How many changes of names the store has, for sure. */
uint64_t source_changes_made(const struct journal_source *source)
{
    struct stat status;
    int fd = openat(source->folder, JOURNAL_NAMES_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool known = fd >= 0 && trust_doubt(fd, S_IFREG) == NULL && fstat(fd, &status) == 0;
    if (fd >= 0)
        close(fd);
    return known ? (uint64_t)status.st_size : UINT64_MAX;
}

static void tell_lost(recover_tell tell, struct image_file *file)
{
    char text[512];
    const char *why =
        file->fate == IMAGE_LOST ? "cannot be found" : "belongs to another user than when it was written (chown it back)";
    snprintf(text, sizeof(text), "inode %" PRIu64 " %s: %" PRIu64 " pages of commits %" PRIu64 " to %" PRIu64 " have no place",
             file->identity.inode, why, image_pages(file), file->first_sequence, file->last_sequence);
    if (tell != NULL)
        tell(file->last_path, text);
}

void source_count_fates(struct image *image, recover_tell tell, struct recover_report *report)
{
    struct image_file *file;
    RB_FOREACH (file, image_files, &image->files) {
        bool lost = file->fate == IMAGE_LOST || file->fate == IMAGE_FOREIGN;
        if (!file->takes_part)
            continue;
        report->files_missing += file->fate == IMAGE_REMOVED;
        report->files_lost += lost;
        report->pages_lost += lost ? image_pages(file) : 0;
        if (lost)
            tell_lost(tell, file);
    }
}
