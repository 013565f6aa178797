/* Recovery in three steps: read the log and compute the files' final image; write it and make it durable; empty the journal.
 * Nothing is written before the log has been read to its end, and the journal stays as it is until all files are durable. So a
 * recovery that is interrupted is simply made again. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/apply.h"
#include "journal/find.h"
#include "journal/recover.h"
#include "journal/reserve.h"
#include "journal/source.h"
#include "store/mode.h"
#include "store/trust.h"

/* Under a new uuid nothing that is in the log now can be valid again, so positions may begin again too. Sequence numbers go on, also after
 * those of commits that are given up: somebody may remember them. */
static int empty_journal(struct store *store, const struct journal_source *source, const struct scan *scan, bool commits_lost)
{
    struct superblock superblock = scan->superblock;
    int fd = source->fd;
    superblock.tail = superblock.capacity;
    superblock.tail_number = 1;
    superblock.sequence = commits_lost ? scan->newest_sequence : scan->expected.sequence;
    int result = superblock_own(&superblock, fd, source->folder);
    if (result == 0)
        result = superblock_renew(&superblock);
    for (int copy = 0; copy < 2 && result == 0;
         copy++) /* or the other one leads to the log of before, for a program of an earlier version */
        result = superblock_write(store, fd, &scan->superblock, &superblock);
    return result;
}

/* Steps two and three, with the log in the image. */
static int replay(struct store *store, const struct journal_source *source, const struct scan *scan, struct find *find,
                  struct image *image, bool give_up, recover_tell tell, struct recover_report *report)
{
    struct apply_log log = {.fd = source->fd, .capacity = scan->superblock.capacity, .progress = scan->progress};
    int result = find_all(find, image);
    if (result == 0) {
        source_count_fates(image, tell, report);
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

static int recover_from(struct store *store, int store_folder, const struct journal_source *source, bool give_up, recover_tell tell,
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
    names_begin(&image.names, source_changes_made(source));
    result = source_read(&scan, &image, report);
    if (result == 0) {
        int damage = source_look_for_damage(&scan, report);
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
    struct journal_source source;
    *report = (struct recover_report){0};
    int result = source_open(store_folder, O_RDWR, &source);
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
    source_close(&source);
    return result;
}

int journal_walk(int store_folder, int (*visit)(void *context, const struct journal_visit *entry), void *context,
                 struct recover_report *report)
{
    struct image image = {0};
    struct journal_source source;
    struct scan scan;
    *report = (struct recover_report){0};
    int result = source_open(store_folder, O_RDONLY, &source);
    if (result < 0)
        return result == -ENOENT ? 0 : result;
    result = scan_open(&scan, source.fd);
    if (result < 0) {
        source_close(&source);
        return result;
    }
    names_begin(&image.names, UINT64_MAX);
    result = source_read(&scan, &image, report);
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
    source_close(&source);
    return result;
}
