#include "config.h"

#include "fsd-support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/damage.h"
#include "journal/recover.h"
#include "mapshare-abi.h"

/* ---- the recording store ---- */

static bool is_journal(struct recorder *recorder, ino_t inode)
{
    struct stat status;

    if (!recorder->journal && !fstatat(recorder->private_folder, "journal", &status, AT_SYMLINK_NOFOLLOW))
        recorder->journal = status.st_ino;
    return inode == recorder->journal;
}

/* 0, or what the operation shall fail with. */
static int meet(struct recorder *recorder, enum operation operation, int fd, uint64_t offset, uint64_t length, unsigned char first)
{
    struct stat status;
    bool journal;
    int error = 0;

    assert_return_code(fstat(fd, &status), errno);
    pthread_mutex_lock(&recorder->lock);
    journal = is_journal(recorder, status.st_ino);
    if (recorder->failures && recorder->fails == operation && recorder->fails_journal == journal &&
        (!recorder->fails_only || recorder->fails_only == status.st_ino)) {
        recorder->failures--;
        error = -recorder->error;
    }
    if (recorder->recording && recorder->count < RECORDS_MAX) {
        recorder->records[recorder->count++] = (struct record){
            .operation = operation, .journal = journal, .inode = status.st_ino, .offset = offset, .length = length, .first = first};
    }
    pthread_mutex_unlock(&recorder->lock);
    if (recorder->before)
        recorder->before(recorder->context, operation, journal);
    return error;
}

#define RECORDER(store) ((struct recorder *)(store))
#define BELOW(store) (RECORDER(store)->below)

/* Of one file, nothing goes through the page cache while something goes past it. */
static void check_batch(const struct store_write *writes, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct stat one, other;

        assert_return_code(fstat(writes[i - 1].fd, &one), errno);
        assert_return_code(fstat(writes[i].fd, &other), errno);
        if (one.st_ino == other.st_ino)
            assert_int_equal(fcntl(writes[i - 1].fd, F_GETFL) & O_DIRECT, fcntl(writes[i].fd, F_GETFL) & O_DIRECT);
    }
}

static int recorder_write(struct store *store, struct store_write *writes, size_t count)
{
    int first = 0;

    check_batch(writes, count);
    for (size_t i = 0; i < count; i++) {
        uint64_t length = 0;

        for (int j = 0; j < writes[i].iovcnt; j++)
            length += writes[i].iov[j].iov_len;
        writes[i].result =
            meet(RECORDER(store), WRITE, writes[i].fd, writes[i].offset, length, *(unsigned char *)writes[i].iov[0].iov_base);
        if (!writes[i].result)
            BELOW(store)->operations->write(BELOW(store), &writes[i], 1);
        if (writes[i].result && !first)
            first = writes[i].result;
    }
    return first;
}

static int recorder_flush(struct store *store, int fd)
{
    int error = meet(RECORDER(store), FLUSH, fd, 0, 0, 0);

    return error ? error : BELOW(store)->operations->flush(BELOW(store), fd);
}

static int recorder_sync(struct store *store, int fd)
{
    int error = meet(RECORDER(store), SYNC, fd, 0, 0, 0);

    return error ? error : BELOW(store)->operations->sync(BELOW(store), fd);
}

static int recorder_truncate(struct store *store, int fd, off_t size)
{
    int error = meet(RECORDER(store), TRUNCATE, fd, size, 0, 0);

    return error ? error : BELOW(store)->operations->truncate(BELOW(store), fd, size);
}

static int recorder_punch(struct store *store, int fd, off_t offset, off_t length)
{
    int error = meet(RECORDER(store), PUNCH, fd, offset, length, 0);

    return error ? error : BELOW(store)->operations->punch(BELOW(store), fd, offset, length);
}

static int recorder_set_times(struct store *store, int fd, const struct timespec times[2])
{
    int error = meet(RECORDER(store), TIMES, fd, 0, 0, 0);

    return error ? error : BELOW(store)->operations->set_times(BELOW(store), fd, times);
}

static void recorder_close(struct store *store)
{
    store_close(BELOW(store));
}

static const struct store_operations recorder_operations = {
    .write = recorder_write,
    .flush = recorder_flush,
    .truncate = recorder_truncate,
    .punch = recorder_punch,
    .set_times = recorder_set_times,
    .sync = recorder_sync,
    .close = recorder_close,
};

void record_start(struct house *house)
{
    house->recorder.count = 0;
    house->recorder.recording = true;
}

const char *recorded(struct house *house, const char *name)
{
    static char text[8192];
    struct stat status = {0};
    int at = 0;

    if (name)
        assert_return_code(fstatat(house->root, name, &status, 0), errno);
    text[0] = 0;
    for (size_t i = 0; i < house->recorder.count; i++) {
        const struct record *record = &house->recorder.records[i];

        if (name ? record->inode != status.st_ino : !record->journal)
            continue;
        at += snprintf(text + at, sizeof text - at, "%s%c", at ? " " : "", record->operation);
        if (record->operation == TRUNCATE)
            at += snprintf(text + at, sizeof text - at, "%llu", (unsigned long long)record->offset);
        if (name && (record->operation == WRITE || record->operation == PUNCH))
            at += snprintf(text + at, sizeof text - at, "%llu+%llu", (unsigned long long)record->offset / PAGE_BYTES,
                           (unsigned long long)(record->length + PAGE_BYTES - 1) / PAGE_BYTES);
    }
    return text;
}

void make_fail(struct house *house, enum operation operation, bool journal, int error, unsigned times)
{
    struct recorder *recorder = &house->recorder;

    recorder->error = error;
    recorder->fails = operation;
    recorder->fails_journal = journal;
    recorder->failures = times;
}

/* ---- the house ---- */

static void open_worker(struct house *house)
{
    const int keep[] = {house->root, house->private_folder, house->spill};
    struct worker *worker = calloc(1, sizeof *worker);

    assert_non_null(worker);
    worker->dead = house->worker;
    house->worker = worker;
    house->files = &worker->files;
    assert_null(arena_damage(&house->arena));
    assert_int_equal(inode_table_open(&worker->inodes, &house->arena, house->root), 0);
    worker->inodes.private = house->private_folder;
    assert_int_equal(descriptor_cache_open(&worker->descriptors, &worker->inodes, 1, keep, sizeof keep / sizeof keep[0]), 0);
    assert_int_equal(frame_table_open(&worker->frames, &house->arena, house->spill), 0);
    assert_int_equal(journal_open(&worker->journal, &house->recorder.store, house->private_folder, house->options.journal_size, 0,
                                  &house->arena.header->journal),
                     0);
    worker->files = (struct files){
        .arena = &house->arena,
        .options = &house->options,
        .inodes = &worker->inodes,
        .descriptors = &worker->descriptors,
        .frames = &worker->frames,
        .store = &house->recorder.store,
        .journal = worker->journal,
    };
    assert_int_equal(files_open(&worker->files, NULL, NULL), 0);
}

struct house *house_open(uint32_t cache_pages, uint32_t spill_pages, uint64_t journal_bytes)
{
    const char *folder = getenv("TMPDIR");
    struct tuning tuning;
    struct house *house = calloc(1, sizeof *house);

    assert_non_null(house);
    snprintf(house->path, sizeof house->path, "%s/mapshare-unit-XXXXXX", folder ? folder : "/tmp");
    assert_non_null(mkdtemp(house->path));
    house->root = open(house->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_return_code(mkdirat(house->root, MAPSHARE_PRIVATE_FOLDER, 0700), errno);
    house->private_folder = openat(house->root, MAPSHARE_PRIVATE_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_return_code(house->private_folder, errno);
    house->spill = -1;
    if (spill_pages) {
        house->spill = openat(house->private_folder, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
        assert_return_code(house->spill, errno);
        assert_return_code(ftruncate(house->spill, (off_t)spill_pages * PAGE_BYTES), errno);
    }
    house->options = (struct options){.journal_size = journal_bytes, .snapshot_size = 4 * MIB, .threads = 4};
    house->cache_bytes = (uint64_t)cache_pages * PAGE_BYTES;
    tuning = (struct tuning){.cache_size = house->cache_bytes, .commit_interval = 3600, .user_share = 100};
    house->recorder = (struct recorder){.store.operations = &recorder_operations, .private_folder = house->private_folder};
    pthread_mutex_init(&house->recorder.lock, NULL);
    assert_int_equal(store_open_serial(&house->recorder.below), 0);
    assert_int_equal(arena_create(&house->arena, -1, &tuning, house->cache_bytes, (uint64_t)spill_pages * PAGE_BYTES, house->spill),
                     0);
    house->arena.header->size_max = (uint64_t)1 << 40;
    arena_seal(&house->arena);
    open_worker(house);
    return house;
}

void house_replace_worker(struct house *house)
{
    open_worker(house);
}

static void free_worker(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->descriptors.limit; i++) {
        if (worker->descriptors.all[i].inode)
            close(worker->descriptors.all[i].fd);
    }
    journal_close(worker->journal);
}

void house_close(struct house *house)
{
    static struct worker *dead; /* their memory is in no state to be freed; still reachable, so no leak */
    char command[sizeof house->path + 16];
    const unsigned char *end = house->arena.memory + house->cache_bytes;

    free_worker(house->worker);
    for (struct worker *worker = house->worker, *next; worker; worker = next) {
        next = worker->dead;
        worker->dead = dead;
        dead = worker;
    }
    store_close(&house->recorder.store);
    if (house->spill >= 0)
        munmap(house->arena.spill, (size_t)house->arena.header->spill_max * PAGE_BYTES);
    munmap(house->arena.header, end - (unsigned char *)house->arena.header);
    close(house->spill);
    close(house->private_folder);
    close(house->root);
    snprintf(command, sizeof command, "rm -rf %s", house->path);
    assert_int_equal(system(command), 0);
    free(house);
}

void house_recover(struct house *house)
{
    struct recover_report report;
    struct store *store;

    assert_int_equal(store_open_serial(&store), 0);
    assert_int_equal(journal_recover(store, house->root, false, NULL, &report), 0);
    store_close(store);
}

int house_setup(void **state)
{
    *state = house_open(1024, 0, 2 * MIB);
    return 0;
}

int house_teardown(void **state)
{
    house_close(*state);
    return 0;
}

/* ---- what clients do and see ---- */

struct effects *effects_of(struct house *house)
{
    struct effects *effects = &house->arena.effects[0];

    effects->counted = 0;
    return effects;
}

uint32_t make_file(struct house *house, const char *name, unsigned pages, char letter)
{
    unsigned char page[PAGE_BYTES];
    struct statx status;
    uint32_t inode, file;
    int fd = openat(house->root, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), error;

    assert_return_code(fd, errno);
    memset(page, letter, sizeof page);
    for (unsigned i = 0; i < pages; i++)
        assert_int_equal(pwrite(fd, page, PAGE_BYTES, (off_t)i * PAGE_BYTES), PAGE_BYTES);
    close(fd);
    assert_int_equal(inode_lookup(&house->worker->inodes, INODE_ROOT, house->root, name, &status, &inode, effects_of(house)), 0);
    file = file_of(house->files, inode, true, &error);
    assert_int_equal(error, 0);
    return file;
}

uint32_t inode_of(struct house *house, uint32_t file)
{
    return house->arena.files[file].inode;
}

/* As everybody finds it who locks it. */
struct file_index *index_of(struct house *house, uint32_t file)
{
    struct file_index *index = &house->files->index[file];

    file_lock(house->files, index);
    pthread_mutex_unlock(&index->lock);
    return index;
}

void put(struct house *house, uint32_t file, uint64_t offset, size_t size, char letter)
{
    uint32_t max = (size + PAGE_BYTES - 1) / PAGE_BYTES, *frames = calloc(max + 1, sizeof *frames);
    unsigned char *rest = malloc(size + 1); /* what finds no frame lies behind those that did */
    struct received data = {.frames = frames, .rest = rest};

    assert_non_null(frames);
    assert_non_null(rest);
    memset(rest, letter, size);
    data.frame_count = frame_take(house->files->frames, frames, max);
    for (uint32_t i = 0; i < data.frame_count; i++) {
        size_t left = size - (size_t)i * PAGE_BYTES;

        memset(arena_page(&house->arena, frames[i]), letter, left < PAGE_BYTES ? left : PAGE_BYTES);
    }
    assert_int_equal(file_write(house->files, file, &data, size, offset, WRITE_PLAIN), size);
    for (uint32_t i = 0; i < data.frame_count; i++) {
        if (frames[i])
            frame_give(house->files->frames, &frames[i], 1);
    }
    free(rest);
    free(frames);
}

void put_page(struct house *house, uint32_t file, uint64_t page, char letter)
{
    put(house, file, page << PAGE_SHIFT, PAGE_BYTES, letter);
}

static char letter_of(const unsigned char *page, size_t size)
{
    return memcmp(page, page + 1, size - 1) ? '?' : page[0] ? (char)page[0] : '.';
}

const char *letters_of(const unsigned char *bytes, size_t size)
{
    static char text[4][1025];
    static unsigned turn;
    char *found = text[turn++ % 4];
    size_t count = 0;

    for (size_t at = 0; at < size && count < 1024; at += PAGE_BYTES)
        found[count++] = letter_of(bytes + at, size - at < PAGE_BYTES ? size - at : PAGE_BYTES);
    found[count] = 0;
    return found;
}

const char *seen(struct house *house, uint32_t file, uint64_t page, uint64_t pages)
{
    unsigned char *buffer = malloc(pages * PAGE_BYTES);
    const char *text;
    ssize_t n = file_read(house->files, inode_of(house, file), file, buffer, pages * PAGE_BYTES, page << PAGE_SHIFT);

    assert_return_code(n, -n);
    text = letters_of(buffer, n);
    free(buffer);
    return text;
}

const char *stored(struct house *house, const char *name)
{
    static unsigned char bytes[1024 * PAGE_BYTES];
    int fd = openat(house->root, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = pread(fd, bytes, sizeof bytes, 0);

    assert_return_code(n, errno);
    close(fd);
    return letters_of(bytes, n);
}

uint64_t stored_size(struct house *house, const char *name)
{
    struct stat status;

    assert_return_code(fstatat(house->root, name, &status, 0), errno);
    return status.st_size;
}

const char *states(struct house *house, uint32_t file)
{
    static char text[4096];
    struct mapshare_abi_run *runs;
    uint32_t count;
    int at = 0;

    assert_int_equal(status_runs(house->files, file, 0, 0, NULL, 0, &runs, &count), 0);
    text[0] = 0;
    for (uint32_t i = 0; i < count; i++) {
        at += snprintf(text + at, sizeof text - at, "%s%c%llu", at ? " " : "", "??RCWF"[runs[i].state],
                       (unsigned long long)runs[i].first);
        if (runs[i].last > runs[i].first)
            at += snprintf(text + at, sizeof text - at, "-%llu", (unsigned long long)runs[i].last);
    }
    free(runs);
    return text;
}

const char *counts(struct house *house, uint32_t file)
{
    static char text[64];
    const struct file_index *index = index_of(house, file);

    snprintf(text, sizeof text, "%u,%u,%u,%u", index->view.counts[FRAME_RECEIVED], index->view.counts[FRAME_COMMITTING],
             index->view.counts[FRAME_COMMITTED], index->view.counts[FRAME_WRITEBACK]);
    return text;
}

/* ---- commits ---- */

struct waiting {
    struct commit_waiter waiter;
    struct commit_result result;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    unsigned answers;
};

static void done(struct commit_waiter *waiter, const struct commit_result *result)
{
    struct waiting *waiting = waiter->context;

    pthread_mutex_lock(&waiting->lock);
    waiting->result = *result;
    waiting->answers++;
    pthread_cond_signal(&waiting->answered);
    pthread_mutex_unlock(&waiting->lock);
}

struct commit_result commit_files(struct house *house, const uint32_t *files, uint32_t count)
{
    struct waiting waiting = {.lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER};

    waiting.waiter = (struct commit_waiter){.files = files, .count = count, .done = done, .context = &waiting};
    commit_submit(house->files, &waiting.waiter, 1);
    pthread_mutex_lock(&waiting.lock);
    while (!waiting.answers) /* another thread leads */
        pthread_cond_wait(&waiting.answered, &waiting.lock);
    pthread_mutex_unlock(&waiting.lock);
    assert_int_equal(waiting.answers, 1);
    return waiting.result;
}

int commit_file(struct house *house, uint32_t file)
{
    return commit_files(house, &file, 1).error;
}
