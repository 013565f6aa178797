#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/check.h"
#include "journal/find.h"
#include "journal/path.h"
#include "journal/source.h"

static int begin(int store_folder, struct journal_source *source, struct scan *scan, struct journal_check *check)
{
    *check = (struct journal_check){0};
    int result = source_open(store_folder, O_RDONLY | O_NOATIME, source);
    if (result < 0)
        return result;
    result = superblock_whole(source->fd, check->superblocks);
    if (result == 0)
        result = scan_open(scan, source->fd);
    if (result < 0) {
        source_close(source);
        return result;
    }
    check->capacity = scan->superblock.capacity;
    check->left_empty = scan->superblock.epoch == 0;
    return 0;
}

static bool has_other_size(int store, const struct image_file *file)
{
    struct stat status;
    int fd = path_open(store, SLIST_FIRST(&file->names)->path);
    bool other = fd >= 0 && fstat(fd, &status) == 0 && (uint64_t)status.st_size != file->size;
    if (fd >= 0)
        close(fd);
    return other;
}

static void count(int store, struct image *image, struct journal_check *check)
{
    struct image_file *file;
    RB_FOREACH (file, image_files, &image->files) {
        if (!file->takes_part || file->fate != IMAGE_FOUND)
            continue;
        check->report.files++;
        check->report.pages += image_pages(file);
        check->sizes += has_other_size(store, file);
    }
}

static int look(int store_folder, const struct journal_source *source, struct image *image, recover_tell tell,
                struct journal_check *check)
{
    struct find find;
    int result = find_begin_to_look(&find, store_folder, source->folder, !check->own);
    if (result < 0)
        return result;
    result = find_all(&find, image);
    if (result == 0) {
        source_count_fates(image, tell, &check->report);
        count(store_folder, image, check);
    }
    find_end(&find);
    return result;
}

int journal_check(int store_folder, recover_tell tell, struct journal_check *check)
{
    struct image image = {0};
    struct journal_source source;
    struct scan scan;
    int result = begin(store_folder, &source, &scan, check);
    if (result < 0)
        return result;
    names_begin(&image.names, source_changes_made(&source));
    result = source_read(&scan, &image, &check->report);
    if (result == 0)
        result = source_look_for_damage(&scan, &check->report);
    if (result == 0)
        result = superblock_is_own(&scan.superblock, source.fd, source.folder);
    check->own = result == 1;
    if (result >= 0)
        result = look(store_folder, &source, &image, tell, check);
    image_free(&image);
    scan_close(&scan);
    source_close(&source);
    return result;
}

int journal_check_part(int store_folder, uint64_t position, uint64_t number, uint64_t end, struct journal_check *check)
{
    struct journal_source source;
    struct scan scan;
    int result = begin(store_folder, &source, &scan, check);
    if (result < 0)
        return result;
    check->own = superblock_is_own(&scan.superblock, source.fd, source.folder) == 1;
    scan.expected.position = position;
    scan.expected.end = position + scan.superblock.capacity;
    scan.expected.number = number;
    scan.expected.sequence = 0;
    while (scan.expected.position < end && (result = scan_next(&scan)) == 1) {
        check->report.chunks++;
        check->report.commits += scan.view.chunk.type == JOURNAL_CHUNK_COMMIT;
    }
    check->report.sequence = scan.expected.sequence;
    if (result >= 0)
        result = scan.expected.position == end ? 0 : -EBADMSG;
    scan_close(&scan);
    source_close(&source);
    return result;
}
