/* Replay of any bytes: a valid prefix or an error, and nothing but the files named is touched.
 *
 * The first byte says what is repaired before the rest, a journal's file, is given to recovery: checksums stop random bytes at the
 * first check, so that without repairs nothing behind it would be tried. FUZZ_SEEDS=FOLDER writes seeds made from real journals
 * there. */
#include "config.h"

#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/chunk.h"
#include "journal/recover.h"
#include "journal/scan.h"
#include "store/syscalls.h"
#include "../commit-chunk.h"

#define FILES 4
#define FILE_BYTES 20000
#define JOURNAL_MAX (1 << 20)

enum repair { REPAIR_SUPERBLOCK = 1, REPAIR_CHUNKS = 2, REPAIR_FILES = 4, REPAIR_OWNER = 8, GIVE_UP = 16 };

static char folder[] = "/dev/shm/mapshare-fuzz-XXXXXX";
static int root, private_folder, journal, canary;
static int files[FILES];
static struct statx identities[FILES];
static unsigned char bytes[JOURNAL_MAX] __attribute__((aligned(FORMAT_BLOCK)));
static unsigned char initial[FILE_BYTES];

/* Recovery may write to the files that it was told of, and to the journal. */
static void check_target(int fd)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        abort();
    bool known = false;
    for (int i = 0; i < FILES; i++)
        known |= identities[i].stx_ino == status.st_ino;
    struct stat own;
    fstat(journal, &own);
    if (!known && own.st_ino != status.st_ino)
        abort();
}

static int guarded_write(struct store *store, struct store_write *writes, size_t count)
{
    (void)store;
    int first = 0;
    for (size_t i = 0; i < count; i++) {
        check_target(writes[i].fd);
        int result = syscalls_write(&writes[i]);
        first = first == 0 ? result : first;
    }
    return first;
}

static int guarded_flush(struct store *store, int fd)
{
    (void)store;
    check_target(fd);
    return 0;
}

static int guarded_truncate(struct store *store, int fd, off_t size)
{
    check_target(fd);
    return syscalls_truncate(store, fd, size);
}

static int guarded_punch(struct store *store, int fd, off_t offset, off_t length)
{
    check_target(fd);
    return syscalls_punch(store, fd, offset, length);
}

static int guarded_set_times(struct store *store, int fd, const struct timespec times[2])
{
    check_target(fd);
    return syscalls_set_times(store, fd, times);
}

static const struct store_operations guarded_operations = {
    .write = guarded_write,
    .flush = guarded_flush,
    .truncate = guarded_truncate,
    .punch = guarded_punch,
    .set_times = guarded_set_times,
    .sync = guarded_flush,
};
static struct store guarded = {.operations = &guarded_operations};

static struct format_owner owner_of(int fd)
{
    struct identity identity;
    if (identity_take(fd, "", false, &identity) < 0)
        abort();
    return (struct format_owner){.inode = htole64(identity.inode),
                                 .birth_seconds = (int64_t)htole64((uint64_t)identity.birth.tv_sec),
                                 .birth_nanoseconds = htole32((uint32_t)identity.birth.tv_nsec)};
}

/* Without its owner the store is a copy: files are found by their paths. */
static void repair_superblock(size_t size, bool with_owner)
{
    struct format_superblock *superblock = (struct format_superblock *)bytes;
    superblock->magic = htole64(FORMAT_SUPERBLOCK_MAGIC);
    superblock->version = htole32(FORMAT_VERSION);
    superblock->capacity = htole64(size - FORMAT_LOG_START);
    if (le64toh(superblock->tail) % FORMAT_BLOCK != 0 || superblock->tail == 0)
        superblock->tail = superblock->capacity;
    if (with_owner) {
        superblock->journal = owner_of(journal);
        superblock->root = owner_of(root);
    }
    superblock->checksum = htole64(format_checksum(superblock, offsetof(struct format_superblock, checksum)));
}

/* A small number for an inode means one of our files. */
static void repair_file(struct format_file *file)
{
    const struct statx *identity = &identities[le64toh(file->inode) % FILES];
    if (le64toh(file->inode) > 64)
        return;
    file->inode = htole64(identity->stx_ino);
    file->birth_seconds = (int64_t)htole64((uint64_t)identity->stx_btime.tv_sec);
    file->birth_nanoseconds = htole32(identity->stx_btime.tv_nsec);
    file->handle_length = 0;
}

/* Only chunks that do not go around the log's end: the rest is what the fuzzer makes of it. */
static void repair_chunks(size_t size, bool with_files)
{
    const struct format_superblock *superblock = (const struct format_superblock *)bytes;
    uint64_t capacity = size - FORMAT_LOG_START;
    uint64_t number = le64toh(superblock->tail_number);
    uint64_t position = le64toh(superblock->tail);
    while (position < le64toh(superblock->tail) + capacity) {
        uint64_t offset = format_offset(position, capacity);
        struct format_chunk *chunk = (struct format_chunk *)(bytes + offset);
        uint64_t file_count = le32toh(chunk->file_count), page_count = le32toh(chunk->page_count);
        uint64_t used = chunk_used_length(chunk);
        if (chunk->magic != htole64(FORMAT_CHUNK_MAGIC) || offset + format_round_up(used) > size)
            return;
        struct format_file *entries = (struct format_file *)(chunk + 1);
        struct format_page *pages = (struct format_page *)(entries + file_count);
        uint64_t data = offset + format_round_up(used);
        uint32_t data_count = 0;
        for (uint64_t i = 0; with_files && i < file_count; i++)
            repair_file(&entries[i]);
        for (uint64_t i = 0; i < page_count; i++) {
            if (le32toh(pages[i].kind) != JOURNAL_DATA || data + FORMAT_BLOCK > size)
                continue;
            pages[i].checksum = htole64(format_checksum(bytes + data, FORMAT_BLOCK));
            data += FORMAT_BLOCK;
            data_count++;
        }
        memcpy(chunk->uuid, superblock->uuid, FORMAT_UUID_SIZE);
        chunk->position = htole64(position);
        chunk->number = htole64(number++);
        chunk->length = htole64(data - offset);
        chunk->data_count = htole32(data_count);
        chunk->checksum = htole64(format_header_checksum(chunk, used));
        position += data - offset;
    }
}

static void reset_files(void)
{
    for (int i = 0; i < FILES; i++) {
        if (ftruncate(files[i], 0) < 0 || pwrite(files[i], initial, FILE_BYTES, 0) != FILE_BYTES)
            abort();
    }
}

static void check_canary(void)
{
    unsigned char found[FILE_BYTES + 1];
    if (pread(canary, found, sizeof(found), 0) != FILE_BYTES || memcmp(found, initial, FILE_BYTES) != 0)
        abort();
}

/* Reads all that people would be shown. */
static int visit(void *context, const struct journal_visit *entry)
{
    uint64_t *sum = context;
    for (uint32_t i = 0; i < entry->chunk->file_count; i++)
        *sum += entry->chunk->files[i].size + (entry->chunk->files[i].path == NULL ? 0 : strlen(entry->chunk->files[i].path));
    for (uint32_t i = 0; i < entry->chunk->page_count; i++)
        *sum += entry->chunk->pages[i].page + entry->chunk->files[entry->chunk->pages[i].file].valid;
    for (uint32_t i = 0; i < entry->chunk->name_count; i++)
        *sum +=
            entry->chunk->names[i].change + (entry->chunk->names[i].old_path == NULL ? 0 : strlen(entry->chunk->names[i].old_path));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length)
{
    struct recover_report report;
    if (length < 1 || length - 1 > JOURNAL_MAX)
        return 0;
    uint8_t repairs = input[0];
    size_t size = (size_t)format_round_up(length - 1);
    memcpy(bytes, input + 1, length - 1);
    memset(bytes + length - 1, 0, size - (length - 1));
    if (size > FORMAT_LOG_START && (repairs & REPAIR_SUPERBLOCK)) {
        repair_superblock(size, (repairs & REPAIR_OWNER) != 0);
        if (repairs & REPAIR_CHUNKS)
            repair_chunks(size, repairs & REPAIR_FILES);
    }
    if (ftruncate(journal, (off_t)size) < 0 || pwrite(journal, bytes, size, 0) != (ssize_t)size)
        abort();
    reset_files();
    uint64_t sum = 0;
    int walked = journal_walk(root, visit, &sum, &report);
    int result = journal_recover(&guarded, root, (repairs & GIVE_UP) != 0, NULL, &report);
    if ((walked < 0) != (result < 0) && result == 0)
        abort(); /* one of them did not see what the other one did */
    if (result == 0 && (journal_recover(&guarded, root, false, NULL, &report) != 0 || report.chunks != 0))
        abort();
    check_canary();
    return 0;
}

/* ---- seeds ---- */

static void fill_entry(struct journal_file *file, int number, uint64_t stream)
{
    static const char *const paths[FILES] = {"file-0", "folder/file-1", "file-2", NULL};
    *file = (struct journal_file){
        .identity = {.inode = (uint64_t)number, .handle_type = 1, .handle_length = 8, .handle = "12345678"},
        .path = paths[number],
        .stream = stream,
        .size = 30000,
        .valid = number == 2 ? 5000 : UINT64_MAX,
        .mtime.tv_sec = 77,
    };
}

static void make_change(struct journal *made, unsigned step)
{
    static const struct journal_name changes[] = {
        {.change = JOURNAL_RENAME, .old_path = "file-0", .new_path = "moved"},
        {.change = JOURNAL_RENAME, .old_path = "folder", .new_path = "other"},
        {.change = JOURNAL_REPLACE, .old_path = "file-2", .new_path = "file-0"},
        {.change = JOURNAL_EXCHANGE, .old_path = "folder", .new_path = "file-2"},
        {.change = JOURNAL_LINK, .old_path = "file-0", .new_path = "link"},
        {.change = JOURNAL_UNLINK, .old_path = "file-2"},
        {.change = JOURNAL_OWNER, .old_path = "file-0", .owner = 1},
    };
    if (journal_change_begin(made, &changes[step % 7]) < 0)
        abort();
    journal_change_end(made, step % 3 != 0);
}

static void make_seed(const char *path, unsigned steps)
{
    static unsigned char page[FORMAT_BLOCK] __attribute__((aligned(FORMAT_BLOCK))) = {1, 2, 3};
    static const enum journal_chunk_type types[] = {JOURNAL_CHUNK_COMMIT, JOURNAL_CHUNK_DATA, JOURNAL_CHUNK_DATA};
    struct journal_state state = {0};
    struct journal *made;
    struct store *store;
    unlinkat(private_folder, JOURNAL_NAME, 0);
    if (store_open_serial(&store) < 0 || journal_open(&made, store, private_folder, JOURNAL_MAX, 0, &state) < 0)
        abort();
    for (unsigned i = 0; i < steps; i++) {
        struct journal_file entries[2];
        struct journal_page pages[] = {
            {.kind = JOURNAL_DATA, .page = i, .count = 1, .data = page},
            {.file = 1, .kind = JOURNAL_HOLE, .page = 1, .count = 2},
            {.file = 0, .kind = JOURNAL_DATA, .page = i + 1, .count = 1, .data = page},
        };
        struct journal_chunk chunk = {
            .type = types[(i + steps) % 3], .files = entries, .file_count = 2, .pages = pages, .page_count = 1 + i % 3};
        fill_entry(&entries[0], (int)(i % FILES), 1 + i / 3);
        fill_entry(&entries[1], (int)((i + 1) % FILES), 2);
        int result = journal_reserve(made, &chunk);
        if (result == 0)
            result = chunk.type == JOURNAL_CHUNK_COMMIT ? commit_chunk(made, &chunk) : journal_write(made, &chunk);
        if (result < 0)
            abort();
        make_change(made, i + steps);
    }
    size_t length = FORMAT_LOG_START + (size_t)journal_used(made);
    int fd = openat(private_folder, JOURNAL_NAME, O_RDONLY);
    int out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    /* Opening has made the second copy the one that counts; repairs are for the first one. */
    if (pread(fd, bytes, length, 0) != (ssize_t)length)
        abort();
    memcpy(bytes, bytes + FORMAT_BLOCK, FORMAT_BLOCK);
    uint8_t repairs =
        REPAIR_SUPERBLOCK | REPAIR_CHUNKS | REPAIR_FILES | (steps % 2 == 0 ? REPAIR_OWNER : 0) | (steps % 3 == 0 ? GIVE_UP : 0);
    ((struct format_superblock *)bytes)->tail = 0;
    memset(bytes + FORMAT_BLOCK, 0, FORMAT_BLOCK);
    if (write(out, &repairs, 1) != 1 || write(out, bytes, length) != (ssize_t)length)
        abort();
    close(fd);
    close(out);
    journal_close(made);
    store_close(store);
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    if (system(command) != 0)
        perror(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const names[FILES] = {"file-0", "folder/file-1", "file-2", "folder/file-3"};
    const char *seeds = getenv("FUZZ_SEEDS");
    (void)argc;
    (void)argv;
    memset(initial, 'i', sizeof(initial));
    if (mkdtemp(folder) == NULL)
        abort();
    atexit(remove_folder);
    root = open(folder, O_RDONLY | O_DIRECTORY);
    if (mkdirat(root, JOURNAL_FOLDER, 0700) < 0 || mkdirat(root, "folder", 0700) < 0)
        abort();
    private_folder = openat(root, JOURNAL_FOLDER, O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < FILES; i++) {
        files[i] = openat(root, names[i], O_RDWR | O_CREAT, 0600);
        if (statx(files[i], "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &identities[i]) < 0)
            abort();
    }
    canary = openat(private_folder, "canary", O_RDWR | O_CREAT, 0600);
    if (write(canary, initial, FILE_BYTES) != FILE_BYTES)
        abort();
    for (unsigned i = 0; seeds != NULL && i < 12; i++) {
        char path[512];
        snprintf(path, sizeof(path), "%s/journal-%u", seeds, i);
        make_seed(path, i);
    }
    if (seeds != NULL)
        exit(0);
    journal = openat(private_folder, JOURNAL_NAME, O_RDWR | O_CREAT, 0600);
    return 0;
}
