/* Recovery in three steps: read the log and compute the files' final image; write it and make it durable; empty the journal.
 * Nothing is written before the log has been read to its end, and the journal stays as it is until all files are durable. So a
 * recovery that is interrupted is simply made again. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/apply.h"
#include "journal/find.h"
#include "journal/recover.h"
#include "journal/reserve.h"
#include "journal/scan.h"
#include "store/mode.h"
#include "store/trust.h"

/* The store's journal, open. */
struct source {
    int folder; /* the private one */
    int fd;
};

/* -ENOENT where the store has none. */
static int open_journal(int store_folder, int flags, struct source *source)
{
    *source = (struct source){.fd = -1};
    source->folder = openat(store_folder, JOURNAL_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (source->folder < 0)
        return -errno;
    int result = trust_doubt(source->folder, S_IFDIR) != NULL ? -EPERM : superblock_open_file(source->folder, flags, &source->fd);
    if (result < 0)
        close(source->folder);
    return result;
}

static void close_journal(const struct source *source)
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

static int read_log(struct scan *scan, struct image *image, struct recover_report *report)
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

/* Under a new uuid nothing that is in the log now can be valid again, so positions may begin again too. Sequence numbers go on, also after
 * those of commits that are given up: somebody may remember them. */
static int empty_journal(struct store *store, const struct source *source, const struct scan *scan, bool commits_lost)
{
    struct superblock superblock = scan->superblock;
    int fd = source->fd;
    superblock.tail = superblock.capacity;
    superblock.tail_number = 1;
    superblock.sequence = commits_lost ? scan->newest_sequence : scan->expected.sequence;
    int result = superblock_own(&superblock, fd, source->folder);
    if (result == 0)
        result = superblock_renew(&superblock);
    return result < 0 ? result : superblock_write(store, fd, &scan->superblock, &superblock);
}

/* Damage is told from a log's end by what is behind it. A log that was left empty is not searched: each mount would take the time. */
static int look_for_damage(struct scan *scan, struct recover_report *report)
{
    uint64_t behind = 0;
    bool used = scan->superblock.epoch > 0 || report->chunks > 0 || report->torn_bytes > 0;
    int result = used ? scan_commits_behind(scan, &behind) : 0;
    report->commits_lost = behind > 1 ? behind : 0;
    return result;
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

static void count_fates(struct image *image, recover_tell tell, struct recover_report *report)
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

/* How many changes of names the store has, for sure. */
static uint64_t changes_made(const struct source *source)
{
    struct stat status;
    int fd = openat(source->folder, JOURNAL_NAMES_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool known = fd >= 0 && trust_doubt(fd, S_IFREG) == NULL && fstat(fd, &status) == 0;
    if (fd >= 0)
        close(fd);
    return known ? (uint64_t)status.st_size : UINT64_MAX;
}

/* Steps two and three, with the log in the image. */
static int replay(struct store *store, const struct source *source, const struct scan *scan, struct find *find, struct image *image,
                  bool give_up, recover_tell tell, struct recover_report *report)
{
    struct apply_log log = {.fd = source->fd, .capacity = scan->superblock.capacity, .progress = scan->progress};
    int result = find_all(find, image);
    if (result == 0) {
        count_fates(image, tell, report);
        result = report->files_lost > 0 && !give_up ? -ENOTRECOVERABLE : 0;
    }
    if (result == 0)
        result = apply_image(store, find, &log, image, report);
    /* Of a file that is gone the journal holds the last word: should its name come back, it must not be with less than that. */
    /* And names must be durable of whose changes nothing tells from now on. */
    if (result == 0 && (report->files_missing > 0 || image->tells_of_names) && syncfs(find->store) < 0)
        result = -errno;
    if (result == 0)
        result = empty_journal(store, source, scan, report->commits_lost > 0);
    if (result == 0)
        find_forget_removed(find);
    return result;
}

static int recover_from(struct store *store, int store_folder, const struct source *source, bool give_up, recover_tell tell,
                        struct recover_report *report)
{
    struct image image = {0};
    struct find find;
    struct scan scan;
    struct progress progress;
    int result = scan_open(&scan, source->fd);
    if (result < 0)
        return result;
    progress_begin(&progress, tell);
    scan.progress = &progress;
    names_begin(&image.names, changes_made(source));
    result = read_log(&scan, &image, report);
    if (result == 0) {
        int damage = look_for_damage(&scan, report);
        if (!give_up)
            result = damage == 0 && report->commits_lost > 0 ? -EBADMSG : damage;
    }
    if (result == 0)
        result = superblock_is_own(&scan.superblock, source->fd, source->folder);
    if (result >= 0) {
        bool copy = result == 0;
        mode_restore(store_folder, source->folder, copy);
        result = find_begin(&find, store_folder, source->folder, copy);
    }
    if (result == 0) {
        result = replay(store, source, &scan, &find, &image, give_up, tell, report);
        find_end(&find);
    }
    image_free(&image);
    scan_close(&scan);
    return result;
}

int journal_recover(struct store *store, int store_folder, bool give_up, recover_tell tell, struct recover_report *report)
{
    struct source source;
    *report = (struct recover_report){0};
    int result = open_journal(store_folder, O_RDWR, &source);
    if (result < 0)
        return result == -ENOENT ? 0 : result;
    /* Where processes died but not the machine, what we read may be in the disk's cache only; the files must not get ahead of
     * it. */
    result = store->operations->flush(store, source.fd);
    if (result == 0)
        result = recover_from(store, store_folder, &source, give_up, tell, report);
    if (result == -ENOSPC && reserve_spend(source.folder)) {
        *report = (struct recover_report){0};
        result = recover_from(store, store_folder, &source, give_up, tell, report);
    }
    close_journal(&source);
    return result;
}

int journal_walk(int store_folder, int (*visit)(void *context, const struct journal_visit *entry), void *context,
                 struct recover_report *report)
{
    struct image image = {0};
    struct source source;
    struct scan scan;
    *report = (struct recover_report){0};
    int result = open_journal(store_folder, O_RDONLY, &source);
    if (result < 0)
        return result == -ENOENT ? 0 : result;
    result = scan_open(&scan, source.fd);
    if (result < 0) {
        close_journal(&source);
        return result;
    }
    names_begin(&image.names, UINT64_MAX);
    result = read_log(&scan, &image, report);
    scan_close(&scan);
    if (result == 0)
        result = scan_open(&scan, source.fd);
    for (uint64_t i = 0; result == 0 && i < image.chunks; i++) {
        result = scan_next(&scan);
        if (result == 1)
            result = visit(context, &(struct journal_visit){&scan.view.chunk, scan.view.chunk.epoch, image.in_commit[i]});
        else if (result == 0)
            break; /* a journal in use goes on while we read */
    }
    scan_close(&scan);
    image_free(&image);
    close_journal(&source);
    return result;
}
