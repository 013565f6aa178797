#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal-support.h"

static bool fails(_Atomic int *left)
{
    int now = *left;
    while (now >= 0 && !atomic_compare_exchange_weak(left, &now, now - 1))
        ;
    return now == 0;
}

#define BELOW(store) (((struct faulty_store *)(store))->below)

static int faulty_write(struct store *store, struct store_write *writes, size_t count)
{
    struct faulty_store *faulty = (struct faulty_store *)store;
    if (faulty->all_fail || fails(&faulty->writes_left))
        return -EIO;
    return BELOW(store)->operations->write(BELOW(store), writes, count);
}

static int faulty_flush(struct store *store, int fd)
{
    struct faulty_store *faulty = (struct faulty_store *)store;
    return faulty->all_fail || fails(&faulty->flushes_left) ? -EIO : BELOW(store)->operations->flush(BELOW(store), fd);
}

static int faulty_sync(struct store *store, int fd)
{
    return fails(&((struct faulty_store *)store)->syncs_left) ? -EIO : BELOW(store)->operations->sync(BELOW(store), fd);
}

static int faulty_truncate(struct store *store, int fd, off_t size)
{
    return BELOW(store)->operations->truncate(BELOW(store), fd, size);
}

static int faulty_punch(struct store *store, int fd, off_t offset, off_t length)
{
    return ((struct faulty_store *)store)->no_punch ? -EOPNOTSUPP
                                                    : BELOW(store)->operations->punch(BELOW(store), fd, offset, length);
}

static int faulty_set_times(struct store *store, int fd, const struct timespec times[2])
{
    return BELOW(store)->operations->set_times(BELOW(store), fd, times);
}

static void faulty_close(struct store *store)
{
    store_close(BELOW(store));
}

static const struct store_operations faulty_operations = {
    .write = faulty_write,
    .flush = faulty_flush,
    .truncate = faulty_truncate,
    .punch = faulty_punch,
    .set_times = faulty_set_times,
    .sync = faulty_sync,
    .close = faulty_close,
};

static unsigned char letters[128][PAGE] __attribute__((aligned(PAGE)));

int fixture_make(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    for (int i = 0; i < 128; i++)
        memset(letters[i], i, PAGE);
    const char *folder = getenv("TMPDIR");
    snprintf(fixture->path, sizeof(fixture->path), "%s/mapshare-unit-XXXXXX", folder == NULL ? "/tmp" : folder);
    assert_non_null(mkdtemp(fixture->path));
    fixture->root = open(fixture->path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(mkdirat(fixture->root, JOURNAL_FOLDER, 0700), 0);
    fixture->private_folder = openat(fixture->root, JOURNAL_FOLDER, O_RDONLY | O_DIRECTORY);
    assert_int_equal(mkdirat(fixture->private_folder, "removed", 0700), 0);
    fixture->faulty =
        (struct faulty_store){.store.operations = &faulty_operations, .writes_left = -1, .flushes_left = -1, .syncs_left = -1};
    fixture->store = &fixture->faulty.store;
    assert_int_equal(store_open_serial(&fixture->faulty.below), 0);
    *state = fixture;
    return 0;
}

int fixture_remove(void **state)
{
    struct fixture *fixture = *state;
    char command[sizeof(fixture->path) + 16];
    fixture_close(fixture);
    store_close(fixture->store);
    close(fixture->private_folder);
    close(fixture->root);
    snprintf(command, sizeof(command), "rm -rf %s", fixture->path);
    int result = system(command);
    free(fixture);
    return result;
}

void fixture_open(struct fixture *fixture, uint64_t size)
{
    assert_null(fixture->journal);
    assert_int_equal(
        journal_open(&fixture->journal, fixture->store, fixture->private_folder, size, fixture->generation, &fixture->state), 0);
}

void fixture_close(struct fixture *fixture)
{
    journal_close(fixture->journal);
    fixture->journal = NULL;
}

int fixture_try(struct fixture *fixture, bool give_up, struct recover_report *report)
{
    fixture_close(fixture);
    fixture->state = (struct journal_state){0};
    return journal_recover(fixture->store, fixture->root, give_up, NULL, report);
}

struct recover_report fixture_recover(struct fixture *fixture)
{
    struct recover_report report;
    assert_int_equal(fixture_try(fixture, false, &report), 0);
    return report;
}

void remove_file(struct fixture *fixture, const char *path)
{
    struct identity identity;
    char name[IDENTITY_NAME_MAX], to[IDENTITY_NAME_MAX + 16];
    assert_int_equal(identity_take(fixture->root, path, false, &identity), 0);
    identity_name(&identity, name);
    snprintf(to, sizeof(to), "removed/%s", name);
    assert_int_equal(renameat(fixture->root, path, fixture->private_folder, to), 0);
}

const void *page_of(char letter)
{
    return letters[(unsigned char)letter];
}

int make_file(struct fixture *fixture, const char *path, unsigned pages, char letter)
{
    int fd = openat(fixture->root, path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    for (unsigned i = 0; i < pages; i++)
        assert_int_equal(pwrite(fd, page_of(letter), PAGE, (off_t)i * PAGE), PAGE);
    close(fd);
    return 0;
}

struct journal_file entry_of(struct fixture *fixture, const char *path)
{
    struct statx status;
    assert_int_equal(statx(fixture->root, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &status), 0);
    struct journal_file file = {
        .identity.inode = status.stx_ino,
        .path = path,
        .size = status.stx_size,
        .owner = status.stx_uid,
        .valid = UINT64_MAX,
        .atime.tv_sec = 100,
        .mtime = {.tv_sec = 200, .tv_nsec = 1},
    };
    if (status.stx_mask & STATX_BTIME)
        file.identity.birth = (struct timespec){.tv_sec = status.stx_btime.tv_sec, .tv_nsec = status.stx_btime.tv_nsec};
    return file;
}

struct journal_file fixture_open_with_file(struct fixture *fixture)
{
    fixture_open(fixture, SMALL_JOURNAL);
    make_file(fixture, "a", 4, 'x');
    return entry_of(fixture, "a");
}

struct journal_page data_page(uint64_t page, char letter)
{
    return (struct journal_page){.kind = JOURNAL_DATA, .page = page, .count = 1, .data = page_of(letter)};
}

struct journal_chunk write_pages(struct fixture *fixture, enum journal_chunk_type type, const struct journal_file *file,
                                 const struct journal_page *pages, uint32_t count)
{
    struct journal_chunk chunk = {.type = type, .files = file, .file_count = 1, .pages = pages, .page_count = count};
    assert_int_equal(journal_reserve(fixture->journal, &chunk), 0);
    if (type == JOURNAL_CHUNK_COMMIT)
        assert_int_equal(commit_chunk(fixture->journal, &chunk), 0);
    else
        assert_int_equal(journal_write(fixture->journal, &chunk), 0);
    return chunk;
}

struct journal_chunk commit_pages(struct fixture *fixture, const struct journal_file *file, const struct journal_page *pages,
                                  uint32_t count)
{
    return write_pages(fixture, JOURNAL_CHUNK_COMMIT, file, pages, count);
}

const char *content(struct fixture *fixture, const char *path)
{
    static char found[1024];
    unsigned char page[PAGE];
    size_t count = 0;
    ssize_t done;
    int fd = openat(fixture->root, path, O_RDONLY);
    assert_true(fd >= 0);
    while (count < sizeof(found) - 1 && (done = read(fd, page, PAGE)) > 0) {
        bool same = memcmp(page, page + 1, (size_t)done - 1) == 0;
        found[count++] = !same ? '?' : page[0] == 0 ? '0' : (char)page[0];
    }
    found[count] = 0;
    close(fd);
    return found;
}
