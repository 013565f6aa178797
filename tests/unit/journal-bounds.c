/* What recovery reads and takes memory for is bounded by the blocks that the journal has, whatever the journal claims. */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/chunk.h"
#include "journal/progress.h"
#include "journal-support.h"

#define GIB (UINT64_C(1) << 30)

/* The test is linked so that these come here first. */
static uint64_t bytes_read;
static size_t largest;

ssize_t __real_pread(int fd, void *buffer, size_t length, off_t offset);
ssize_t __wrap_pread(int fd, void *buffer, size_t length, off_t offset);
ssize_t __wrap_pread(int fd, void *buffer, size_t length, off_t offset)
{
    ssize_t done = __real_pread(fd, buffer, length, offset);
    bytes_read += done > 0 ? (uint64_t)done : 0;
    return done;
}

void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    largest = size > largest ? size : largest;
    return __real_aligned_alloc(alignment, size);
}

/* An empty log in use, of this capacity, its file full of holes. The journal's descriptor. */
static int start(struct fixture *fixture, uint64_t capacity, struct superblock *superblock)
{
    int fd;
    fixture_open(fixture, SMALL_JOURNAL);
    fixture_close(fixture);
    assert_int_equal(superblock_open_file(fixture->private_folder, O_RDWR, &fd), 0);
    assert_int_equal(superblock_read(fd, superblock), 0);
    assert_int_equal(ftruncate(fd, FORMAT_LOG_START), 0);
    if (ftruncate(fd, (off_t)(FORMAT_LOG_START + capacity)) < 0) {
        close(fd);
        skip(); /* no file can be that long here */
    }
    superblock->capacity = superblock->tail = capacity;
    superblock->epoch = 1;
    for (int copy = 0; copy < 2; copy++)
        assert_int_equal(superblock_write(fixture->store, fd, NULL, superblock), 0);
    bytes_read = largest = 0;
    return fd;
}

/* A chunk's header as it would be at this block of the log, in one block. */
static void put(int fd, const struct superblock *superblock, uint64_t block, uint64_t number, uint32_t more_files)
{
    static unsigned char bytes[FORMAT_BLOCK] __attribute__((aligned(FORMAT_BLOCK)));
    static const struct journal_file file = {.identity.inode = 1, .valid = UINT64_MAX, .path = "none"};
    struct journal_chunk chunk = {.type = JOURNAL_CHUNK_COMMIT, .files = &file, .file_count = 1, .epoch = 1};
    struct format_chunk *header = (struct format_chunk *)bytes;
    chunk.position = superblock->tail + block * FORMAT_BLOCK;
    chunk.length = FORMAT_BLOCK;
    chunk.number = chunk.sequence = number;
    chunk_encode(&chunk, 1, superblock->uuid, bytes);
    if (more_files > 0) {
        uint64_t used = sizeof(*header) + (1 + (uint64_t)more_files) * sizeof(struct format_file) + 4;
        header->file_count = htole32(1 + more_files);
        header->length = htole64(format_round_up(used));
    }
    assert_int_equal(pwrite(fd, bytes, FORMAT_BLOCK, (off_t)format_offset(chunk.position, superblock->capacity)), FORMAT_BLOCK);
}

static void a_sparse_journal_is_not_read_through(void **state)
{
    struct fixture *fixture = *state;
    struct superblock superblock;
    close(start(fixture, 64 * GIB, &superblock));
    assert_int_equal(fixture_recover(fixture).chunks, 0);
    assert_true(bytes_read > 0 && bytes_read < 8 << 20);
    assert_true(largest > 0 && largest < 8 << 20);
}

static void a_sparse_header_takes_no_memory(void **state)
{
    struct fixture *fixture = *state;
    struct superblock superblock;
    int fd = start(fixture, 4 * GIB, &superblock);
    put(fd, &superblock, 0, 1, 3 * GIB / sizeof(struct format_file));
    close(fd);
    assert_int_equal(fixture_recover(fixture).commits, 0);
    assert_true(bytes_read > 0 && bytes_read < 8 << 20);
    assert_true(largest > 0 && largest < 8 << 20);
}

/* Where the blocks are there, memory is taken only if the checksum is right. */
static void a_long_header_takes_no_memory_before_it_is_whole(void **state)
{
    struct fixture *fixture = *state;
    struct superblock superblock;
    uint64_t capacity = 32 << 20;
    int fd = start(fixture, capacity, &superblock);
    for (uint64_t block = 1; block < capacity / FORMAT_BLOCK; block++)
        assert_int_equal(pwrite(fd, page_of('x'), PAGE, (off_t)(FORMAT_LOG_START + block * FORMAT_BLOCK)), PAGE);
    put(fd, &superblock, 0, 1, (24 << 20) / sizeof(struct format_file));
    close(fd);
    bytes_read = largest = 0;
    assert_int_equal(fixture_recover(fixture).commits, 0);
    assert_true(largest > 0 && largest < 8 << 20);
}

#define BLOCKS 4096

/* Every block claims to be the beginning of a commit behind the damage, whose header goes on to the log's end. */
static void search_of_endless_headers_is_given_up(void **state)
{
    struct fixture *fixture = *state;
    struct superblock superblock;
    struct recover_report report;
    int fd = start(fixture, BLOCKS * FORMAT_BLOCK, &superblock);
    for (uint64_t block = 1; block < BLOCKS; block++)
        put(fd, &superblock, block, 10 + block, (uint32_t)((BLOCKS - block) * FORMAT_BLOCK / sizeof(struct format_file)) - 1);
    put(fd, &superblock, BLOCKS - 1, 10 + BLOCKS, 0);
    close(fd);
    bytes_read = 0;
    assert_int_equal(fixture_try(fixture, false, &report), -EBADMSG);
    assert_true(bytes_read < 6 * BLOCKS * FORMAT_BLOCK);
    assert_int_equal(fixture_try(fixture, true, &report), 0);
}

static void search_of_many_commits_reads_each_once(void **state)
{
    struct fixture *fixture = *state;
    struct superblock superblock;
    struct recover_report report;
    int fd = start(fixture, BLOCKS * FORMAT_BLOCK, &superblock);
    for (uint64_t block = 1; block < BLOCKS; block++)
        put(fd, &superblock, block, 10 + block, 0);
    close(fd);
    bytes_read = 0;
    assert_int_equal(fixture_try(fixture, false, &report), -EBADMSG);
    assert_int_equal(report.commits_lost, BLOCKS - 1);
    assert_true(bytes_read < 3 * BLOCKS * FORMAT_BLOCK);
}

/* As cp --sparse=always and rsync -S make them: zeros are holes, and the log is as good as it was. */
static void holes_in_a_copied_journal_do_no_harm(void **state)
{
    struct fixture *fixture = *state;
    struct journal_file file = fixture_open_with_file(fixture);
    struct journal_page pages[600];
    char command[3 * sizeof(fixture->path)];
    for (int i = 0; i < 600; i++) /* a header of several blocks */
        pages[i] = i % 200 == 0 ? data_page((uint64_t)i, i == 0 ? 0 : 'B')
                                : (struct journal_page){.kind = JOURNAL_HOLE, .page = (uint64_t)i, .count = 1};
    file.size = 600 * PAGE;
    commit_pages(fixture, &file, pages, 600);
    fixture_close(fixture);
    snprintf(command, sizeof(command), "cd %s/" JOURNAL_FOLDER " && cp -p --sparse=always journal other && mv other journal",
             fixture->path);
    assert_int_equal(system(command), 0);
    assert_int_equal(fixture_recover(fixture).commits, 1);
    assert_int_equal(content(fixture, "a")[400], 'B');
}

static unsigned lines;

static void count_line(const char *path, const char *text)
{
    assert_null(path);
    assert_non_null(strstr(text, "MiB"));
    lines++;
}

static void progress_is_told_when_it_takes_long(void **state)
{
    struct progress progress;
    (void)state;
    progress_begin(&progress, count_line);
    progress.next.tv_sec += 1000; /* however slow this machine is */
    progress_made(&progress, "reading", 1, 2);
    assert_int_equal(lines, 0);
    progress.next.tv_sec -= 1002;
    progress_made(&progress, "reading", 1, 2);
    assert_int_equal(lines, 1);
    progress.next.tv_sec += 1000;
    progress_made(&progress, "reading", 2, 2);
    assert_int_equal(lines, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_sparse_journal_is_not_read_through),
        CASE(a_sparse_header_takes_no_memory),
        CASE(a_long_header_takes_no_memory_before_it_is_whole),
        CASE(search_of_endless_headers_is_given_up),
        CASE(search_of_many_commits_reads_each_once),
        CASE(holes_in_a_copied_journal_do_no_harm),
        CASE(progress_is_told_when_it_takes_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
