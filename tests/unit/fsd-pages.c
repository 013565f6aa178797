/* What clients write, cut, punch and read, page by page, and what each page's state is. */
#include "config.h"

#include "file/rollback.h"
#include "fsd-support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mapshare-abi.h"

/* Bytes that file_read gives, or -errno. */
static ssize_t bytes_of(struct house *house, uint32_t file, void *buffer, size_t size, uint64_t offset)
{
    return file_read(house->files, inode_of(house, file), file, buffer, size, offset);
}

static void check_bytes(struct house *house, uint32_t file, uint64_t offset, const char *expected)
{
    char bytes[64];

    assert_int_equal(bytes_of(house, file, bytes, strlen(expected), offset), strlen(expected));
    for (size_t i = 0; i < strlen(expected); i++)
        assert_int_equal(bytes[i], expected[i] == '.' ? 0 : expected[i]);
}

/* ---- writing ---- */

static void whole_pages_take_the_frames_they_came_in(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a'), frames[] = {0, 0}, first;
    struct received data = {.frames = frames, .frame_count = frame_take(house->files->frames, frames, 2)};

    assert_int_equal(data.frame_count, 2);
    first = frames[0];
    memset(arena_page(&house->arena, frames[0]), 'x', PAGE_BYTES);
    memset(arena_page(&house->arena, frames[1]), 'y', PAGE_BYTES);
    assert_int_equal(file_write(house->files, file, &data, 2 * PAGE_BYTES, PAGE_BYTES, WRITE_PLAIN), 2 * PAGE_BYTES);
    assert_int_equal(frames[0], 0);
    assert_int_equal(frames[1], 0);
    assert_int_equal(frame_number(house->files->frames, page_find(index_of(house, file), 1)), first);
    assert_string_equal(states(house, file), "R1-2");
    assert_string_equal(seen(house, file, 0, 9), "axya");
    assert_string_equal(stored(house, "a"), "aaaa");
    assert_int_equal(house->arena.header->counters.pages_received, 2);
}

static void parts_of_pages_keep_the_rest(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put(house, file, PAGE_BYTES - 2, 5, 'x');
    assert_string_equal(states(house, file), "R0-1");
    check_bytes(house, file, PAGE_BYTES - 4, "aaxxxxxaa");
    put(house, file, PAGE_BYTES, 1, 'y'); /* again, in place */
    check_bytes(house, file, PAGE_BYTES - 4, "aaxxyxxaa");
    assert_int_equal(frame_free_count(house->files->frames), 1022);
    put(house, file, PAGE_BYTES + 10, 2 * PAGE_BYTES, 'z');
    assert_string_equal(states(house, file), "R0-3");
    check_bytes(house, file, PAGE_BYTES + 8, "aazz");
    check_bytes(house, file, 3 * PAGE_BYTES + 8, "zzaa");
    assert_int_equal(frame_free_count(house->files->frames), 1020);
}

static void writing_beyond_the_end_leaves_zeros(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 1, 'a');
    char bytes[16];

    put(house, file, 3 * PAGE_BYTES + 5, 3, 'x');
    assert_int_equal(house->arena.files[file].current.size, 3 * PAGE_BYTES + 8);
    assert_string_equal(states(house, file), "R3");
    assert_string_equal(seen(house, file, 0, 3), "a..");
    check_bytes(house, file, 3 * PAGE_BYTES, ".....xxx");
    assert_int_equal(bytes_of(house, file, bytes, sizeof bytes, 3 * PAGE_BYTES + 6), 2);
    assert_int_equal(bytes_of(house, file, bytes, sizeof bytes, 3 * PAGE_BYTES + 8), 0);
    put(house, file, 3 * PAGE_BYTES + 10, 1, 'y');
    check_bytes(house, file, 3 * PAGE_BYTES, ".....xxx..y");
}

/* The kernel sends whole pages of a mapping, also the one with the end in it: the file does not grow, and nothing is kept behind its end. */
static void mapped_pages_do_not_extend(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 1, 'a');
    unsigned char page[PAGE_BYTES];
    struct received data = {.rest = page};

    put(house, file, PAGE_BYTES, 100, 'b');
    memset(page, 'c', sizeof page);
    assert_int_equal(file_write(house->files, file, &data, 100, PAGE_BYTES, WRITE_MAPPED), 100);
    assert_int_equal(house->arena.files[file].current.size, PAGE_BYTES + 100);
    assert_int_equal(file_truncate(house->files, file, 2 * PAGE_BYTES), 0);
    check_bytes(house, file, PAGE_BYTES + 98, "cc....");
}

static void bytes_that_found_no_frame_are_copied(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a'), frame;
    unsigned char *rest = malloc(2 * PAGE_BYTES);
    struct received data = {.frames = &frame, .frame_count = frame_take(house->files->frames, &frame, 1), .rest = rest};

    assert_non_null(rest);
    memset(arena_page(&house->arena, frame), 'x', PAGE_BYTES);
    memset(rest, 'y', PAGE_BYTES);
    memset(rest + PAGE_BYTES, 'z', PAGE_BYTES);
    assert_int_equal(file_write(house->files, file, &data, 3 * PAGE_BYTES, 0, WRITE_PLAIN), 3 * PAGE_BYTES);
    assert_string_equal(seen(house, file, 0, 9), "xyza");
    free(rest);
}

static void the_largest_size_is_kept(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 1, 'a');
    unsigned char page[PAGE_BYTES] = {0};
    struct received data = {.rest = page};
    uint64_t max = 10 * PAGE_BYTES + 100;

    house->arena.header->size_max = max;
    assert_int_equal(file_write(house->files, file, &data, PAGE_BYTES, max, WRITE_PLAIN), -EFBIG);
    assert_int_equal(file_write(house->files, file, &data, PAGE_BYTES, max - 50, WRITE_PLAIN), 50);
    assert_int_equal(file_truncate(house->files, file, max + 1), -EFBIG);
    assert_int_equal(file_truncate(house->files, file, max), 0);
    assert_int_equal(file_allocate(house->files, file, 0, max, 1), -EFBIG);
}

static void atomic_files_spill_when_frames_are_used_up(void **state)
{
    struct house *house = house_open(16, 5000, MIB);
    uint32_t file = make_file(house, "a", 1, 'a');
    char expected[41] = {0};

    (void)state;
    file_set_atomic(house->files, file, true);
    for (int i = 0; i < 40; i++) {
        put_page(house, file, i, expected[i] = 'A' + i);
        assert_string_equal(seen(house, file, i, 1), expected + i);
    }
    assert_string_equal(seen(house, file, 0, 40), expected);
    assert_string_equal(states(house, file), "R0-39");
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), expected);
    assert_int_equal(frame_free_count(house->files->frames), 16);
    assert_int_equal(house->files->frames->spill_free_count, house->arena.header->spilled);
    house_close(house);
}

/* ---- states ---- */

static void overwriting_goes_by_the_pages_state(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');
    const struct frame_index *committed;

    put_page(house, file, 1, 'b');
    put_page(house, file, 1, 'c'); /* received: replaced */
    assert_string_equal(counts(house, file), "1,0,0,0");
    assert_int_equal(frame_free_count(house->files->frames), 1023);
    assert_int_equal(commit_file(house, file), 0);
    committed = page_find(index_of(house, file), 1);
    put(house, file, PAGE_BYTES + 5, 1, 'd'); /* committed: a copy, the old one stays */
    assert_string_equal(counts(house, file), "1,0,1,0");
    assert_string_equal(states(house, file), "R1");
    assert_int_equal(*((unsigned char *)frame_memory(house->files->frames, committed) + 5), 'c');
    check_bytes(house, file, PAGE_BYTES + 4, "cdc");
}

static void the_kernels_pages_are_laid_over(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a'), count;
    const struct probe_run kernel[] = {{1, 2}, {6, 6}, {9, 12}, {30, 31}};
    struct mapshare_abi_run *runs;
    struct page_counts found;

    for (int i = 0; i < 12; i += 3) /* 0 3 6 9 */
        put_page(house, file, i, 'b');
    assert_int_equal(commit_file(house, file), 0);
    put_page(house, file, 2, 'c');
    put_page(house, file, 20, 'd');
    assert_int_equal(status_runs(house->files, file, 0, 0, kernel, 4, &runs, &count), 0);
    found = status_count(house->files, file, kernel, 4);
    assert_int_equal(found.of[MAPSHARE_ABI_KERNEL], 9);
    assert_int_equal(found.of[MAPSHARE_ABI_RECEIVED], 1);
    assert_int_equal(found.of[MAPSHARE_ABI_COMMITTED], 2);
    for (uint32_t i = 1; i < count; i++)
        assert_true(runs[i].first > runs[i - 1].last);
    free(runs);
}

static void info_counts_pages_once(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');
    struct mapshare_abi_info info;
    struct page_counts all;

    for (int i = 0; i < 5; i++)
        put_page(house, file, i, 'b');
    assert_int_equal(commit_file(house, file), 0);
    put_page(house, file, 0, 'c');
    put_page(house, file, 8, 'd');
    status_info(house->files, file, &info);
    assert_int_equal(info.version, MAPSHARE_ABI_VERSION);
    assert_int_equal(info.flags, MAPSHARE_ABI_ROLLS_BACK);
    assert_int_equal(info.received, 2);
    assert_int_equal(info.committed, 4);
    assert_int_equal(info.writeback + info.failed, 0);
    assert_int_equal(info.committed_size, 5 * PAGE_BYTES);
    status_frames(house->files, &all);
    assert_int_equal(all.of[MAPSHARE_ABI_RECEIVED], 2);
    assert_int_equal(all.of[MAPSHARE_ABI_COMMITTED], 5); /* page 0's older frame too */
    file_set_atomic(house->files, file, true);
    status_info(house->files, file, &info);
    assert_int_equal(info.flags, MAPSHARE_ABI_ROLLS_BACK | MAPSHARE_ABI_ATOMIC);
}

/* ---- reading ---- */

static void every_pattern_of_frames_and_gaps(void **state)
{
    struct house *house = *state;

    for (unsigned pattern = 0; pattern < 64; pattern++) {
        char name[8], expected[7] = "aaaaaa";
        uint32_t file;

        snprintf(name, sizeof name, "f%u", pattern);
        file = make_file(house, name, 6, 'a');
        for (int i = 0; i < 6; i++) {
            if (pattern >> i & 1)
                put_page(house, file, i, expected[i] = 'A' + i);
        }
        for (int from = 0; from < 6; from++) {
            for (int pages = 1; from + pages <= 6; pages++)
                assert_memory_equal(seen(house, file, from, pages), expected + from, pages);
        }
    }
}

static void reads_that_begin_and_end_within_pages(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');
    char bytes[3 * PAGE_BYTES];

    put_page(house, file, 0, 'x');
    put_page(house, file, 2, 'z');
    assert_int_equal(bytes_of(house, file, bytes, 2 * PAGE_BYTES + 20, PAGE_BYTES - 10), 2 * PAGE_BYTES + 20);
    for (int i = 0; i < 2 * (int)PAGE_BYTES + 20; i++) {
        char expected = i < 10 ? 'x' : i < 10 + (int)PAGE_BYTES ? 'a' : i < 10 + 2 * (int)PAGE_BYTES ? 'z' : 'a';

        assert_int_equal(bytes[i], expected);
    }
}

static void reads_beyond_the_stores_end(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 2, 'a');

    assert_int_equal(file_truncate(house->files, file, 6 * PAGE_BYTES + 10), 0);
    put_page(house, file, 4, 'b');
    assert_int_equal(stored_size(house, "a"), 2 * PAGE_BYTES);
    assert_string_equal(seen(house, file, 0, 100), "aa..b..");
    assert_string_equal(seen(house, file, 3, 100), ".b..");
    assert_string_equal(seen(house, file, 7, 100), "");
    assert_string_equal(seen(house, file, 100, 100), "");
}

static void files_that_are_not_written_are_read_from_the_store(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 2, 'a');
    char byte[4] = {0};

    assert_int_equal(file_read(house->files, inode_of(house, file), 0, byte, 2, 2 * PAGE_BYTES - 1), 1);
    assert_string_equal(byte, "a");
}

static struct house *checkpointed; /* right after the store's file is read */

ssize_t __real_pread(int fd, void *buffer, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *buffer, size_t size, off_t offset);

ssize_t __wrap_pread(int fd, void *buffer, size_t size, off_t offset)
{
    struct house *house = checkpointed;
    ssize_t n = __real_pread(fd, buffer, size, offset);

    checkpointed = NULL;
    if (house)
        assert_int_equal(checkpoint_all(house->files), 0);
    return n;
}

/* What was in a frame when the store's file was read, and is in the store's file when frames are looked at. */
static void a_checkpoint_in_the_middle_of_a_read(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    assert_int_equal(commit_file(house, file), 0);
    checkpointed = house;
    assert_string_equal(seen(house, file, 0, 4), "abaa");
    assert_null(checkpointed);
    assert_string_equal(states(house, file), "");
}

/* ---- cutting ---- */

static void a_cut_page_reads_zeros_when_the_file_grows(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    put_page(house, file, 2, 'c');
    put_page(house, file, 3, 'd');
    assert_int_equal(file_truncate(house->files, file, PAGE_BYTES + 10), 0);
    assert_string_equal(counts(house, file), "1,0,0,0");
    assert_int_equal(frame_free_count(house->files->frames), 1023);
    assert_int_equal(file_truncate(house->files, file, 4 * PAGE_BYTES), 0);
    check_bytes(house, file, PAGE_BYTES + 8, "bb..");
    assert_string_equal(seen(house, file, 2, 9), "..");
    assert_string_equal(states(house, file), "R1");
}

static void cut_store_bytes_stay_away(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    assert_int_equal(file_truncate(house->files, file, PAGE_BYTES + 10), 0);
    assert_int_equal(file_truncate(house->files, file, 3 * PAGE_BYTES), 0);
    assert_int_equal(file_truncate(house->files, file, 2 * PAGE_BYTES), 0);
    assert_int_equal(file_truncate(house->files, file, 4 * PAGE_BYTES), 0);
    check_bytes(house, file, PAGE_BYTES + 8, "aa..");
    assert_string_equal(seen(house, file, 0, 9), "a?..");
    put(house, file, 3 * PAGE_BYTES + 100, 5, 'x'); /* part of a page whose bytes in the store are void */
    check_bytes(house, file, 3 * PAGE_BYTES + 99, ".xxxxx.");
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(seen(house, file, 0, 9), "a?.?");
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(seen(house, file, 0, 9), "a?.?");
    assert_string_equal(stored(house, "a"), "a?.?");
    check_bytes(house, file, PAGE_BYTES + 8, "aa..");
}

static void committed_pages_are_hidden_by_a_cut(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    put_page(house, file, 3, 'c');
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(file_truncate(house->files, file, PAGE_BYTES + 10), 0);
    assert_string_equal(counts(house, file), "1,0,2,0"); /* their own commit still holds: a crash now shows it */
    assert_string_equal(states(house, file), "R1");
    assert_int_equal(file_truncate(house->files, file, 4 * PAGE_BYTES), 0);
    assert_string_equal(seen(house, file, 0, 9), "a?..");
    assert_int_equal(commit_file(house, file), 0);
    assert_string_equal(counts(house, file), "0,0,1,0"); /* now they are void */
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "a?..");
}

static void cut_to_nothing(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    assert_int_equal(file_truncate(house->files, file, 0), 0);
    assert_string_equal(seen(house, file, 0, 9), "");
    assert_string_equal(counts(house, file), "0,0,0,0");
    put(house, file, 0, 3, 'c');
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_int_equal(stored_size(house, "a"), 3);
    assert_string_equal(stored(house, "a"), "c");
}

static void discarding_goes_back_to_the_last_commit(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    put_page(house, file, 1, 'b');
    assert_int_equal(commit_file(house, file), 0);
    put_page(house, file, 2, 'c');
    put_page(house, file, 9, 'd');
    rollback_file(house->files, file);
    assert_string_equal(seen(house, file, 0, 9), "abaa");
    assert_string_equal(counts(house, file), "0,0,1,0");
    assert_false(index_of(house, file)->listed[LIST_CHANGED].on);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "abaa");
}

/* ---- holes ---- */

static void punched_ranges_read_zeros(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 8, 'a');
    int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

    put_page(house, file, 2, 'b');
    put_page(house, file, 9, 'c'); /* page 8 is a hole: nothing to punch there */
    assert_int_equal(file_allocate(house->files, file, punch, PAGE_BYTES + 10, 2 * PAGE_BYTES), 0);
    check_bytes(house, file, PAGE_BYTES + 8, "aa..");
    check_bytes(house, file, 3 * PAGE_BYTES + 8, "..aa");
    assert_string_equal(seen(house, file, 0, 10), "a?.?aaaa.c");
    assert_string_equal(states(house, file), "R1-3 R9");
    assert_int_equal(file_allocate(house->files, file, punch, 7 * PAGE_BYTES, 100 * PAGE_BYTES), 0);
    assert_string_equal(seen(house, file, 0, 10), "a?.?aaa...");
    assert_string_equal(states(house, file), "R1-3 R7 R9");
    put(house, file, 2 * PAGE_BYTES, 1, 'd'); /* a punched page may be written again */
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "a???aaa...");
}

static void what_reads_zeros_needs_no_frames(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    assert_int_equal(file_truncate(house->files, file, PAGE_BYTES), 0);
    assert_int_equal(file_truncate(house->files, file, 8 * PAGE_BYTES), 0); /* the store's bytes are void, or there are none */
    assert_int_equal(file_allocate(house->files, file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE_BYTES, 7 * PAGE_BYTES), 0);
    assert_string_equal(states(house, file), "");
    assert_string_equal(seen(house, file, 0, 10), "a.......");
}

static void zeroed_ranges_may_extend(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 4, 'a');

    assert_int_equal(file_allocate(house->files, file, FALLOC_FL_ZERO_RANGE, 2 * PAGE_BYTES, 4 * PAGE_BYTES), 0);
    assert_string_equal(seen(house, file, 0, 10), "aa....");
    assert_int_equal(file_allocate(house->files, file, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, PAGE_BYTES, 90 * PAGE_BYTES), 0);
    assert_string_equal(seen(house, file, 0, 10), "a.....");
    assert_int_equal(file_allocate(house->files, file, 0, 0, 7 * PAGE_BYTES), 0);
    assert_string_equal(seen(house, file, 0, 10), "a......");
    assert_int_equal(file_allocate(house->files, file, FALLOC_FL_COLLAPSE_RANGE, 0, PAGE_BYTES), -EOPNOTSUPP);
    assert_int_equal(stored_size(house, "a"), 4 * PAGE_BYTES); /* size is the commit's to change */
    assert_int_equal(commit_file(house, file), 0);
    assert_int_equal(checkpoint_all(house->files), 0);
    assert_string_equal(stored(house, "a"), "a......");
}

static off_t seek(struct house *house, uint32_t file, off_t offset, int whence)
{
    return file_seek(house->files, inode_of(house, file), file, offset, whence);
}

static void seeking_sees_frames_and_holes(void **state)
{
    struct house *house = *state;
    uint32_t file = make_file(house, "a", 2, 'a');

    put_page(house, file, 5, 'b');
    assert_int_equal(file_truncate(house->files, file, 10 * PAGE_BYTES), 0); /* data 0-1 in the store, 5 in a frame */
    assert_int_equal(seek(house, file, 0, SEEK_DATA), 0);
    assert_int_equal(seek(house, file, 0, SEEK_HOLE), 2 * PAGE_BYTES);
    assert_int_equal(seek(house, file, 2 * PAGE_BYTES + 7, SEEK_HOLE), 2 * PAGE_BYTES + 7);
    assert_int_equal(seek(house, file, 2 * PAGE_BYTES + 7, SEEK_DATA), 5 * PAGE_BYTES);
    assert_int_equal(seek(house, file, 5 * PAGE_BYTES + 9, SEEK_DATA), 5 * PAGE_BYTES + 9);
    assert_int_equal(seek(house, file, 5 * PAGE_BYTES, SEEK_HOLE), 6 * PAGE_BYTES);
    assert_int_equal(seek(house, file, 6 * PAGE_BYTES, SEEK_DATA), -ENXIO);
    assert_int_equal(seek(house, file, 10 * PAGE_BYTES, SEEK_HOLE), -ENXIO);
    put_page(house, file, 9, 'c');
    assert_int_equal(seek(house, file, 9 * PAGE_BYTES + 1, SEEK_HOLE), 10 * PAGE_BYTES); /* the end counts as one */
    assert_int_equal(file_allocate(house->files, file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE_BYTES), 0);
    assert_int_equal(seek(house, file, 0, SEEK_DATA), PAGE_BYTES);
    assert_int_equal(file_truncate(house->files, file, PAGE_BYTES), 0);
    assert_int_equal(file_truncate(house->files, file, 3 * PAGE_BYTES), 0);
    assert_int_equal(seek(house, file, 0, SEEK_DATA), -ENXIO); /* what the store has there is void */
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whole_pages_take_the_frames_they_came_in),
        TEST(parts_of_pages_keep_the_rest),
        TEST(writing_beyond_the_end_leaves_zeros),
        TEST(mapped_pages_do_not_extend),
        TEST(bytes_that_found_no_frame_are_copied),
        TEST(the_largest_size_is_kept),
        cmocka_unit_test(atomic_files_spill_when_frames_are_used_up),
        TEST(overwriting_goes_by_the_pages_state),
        TEST(the_kernels_pages_are_laid_over),
        TEST(info_counts_pages_once),
        TEST(every_pattern_of_frames_and_gaps),
        TEST(reads_that_begin_and_end_within_pages),
        TEST(reads_beyond_the_stores_end),
        TEST(files_that_are_not_written_are_read_from_the_store),
        TEST(a_checkpoint_in_the_middle_of_a_read),
        TEST(a_cut_page_reads_zeros_when_the_file_grows),
        TEST(cut_store_bytes_stay_away),
        TEST(committed_pages_are_hidden_by_a_cut),
        TEST(cut_to_nothing),
        TEST(discarding_goes_back_to_the_last_commit),
        TEST(punched_ranges_read_zeros),
        TEST(what_reads_zeros_needs_no_frames),
        TEST(zeroed_ranges_may_extend),
        TEST(seeking_sees_frames_and_holes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
