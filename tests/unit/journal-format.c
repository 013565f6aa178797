/* What is encoded is decoded as it was, and nothing else is. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "journal/chunk.h"
#include "journal-support.h"

#define HEADER_MAX (16 * FORMAT_BLOCK)

static const unsigned char uuid[FORMAT_UUID_SIZE] = "0123456789abcde";

static struct journal_file files[] = {
    {
        .identity = {.inode = 7, .birth = {1, 2}, .handle_type = 0x81, .handle_length = 5, .handle = "hand"},
        .path = "folder/file",
        .unnamed = true,
        .owner = 1000,
        .stream = 9,
        .size = 12345,
        .reserved = 1 << 20,
        .valid = 4096,
        .atime = {3, 4},
        .mtime = {5, 6},
        .ctime = {-7, 8},
    },
    {.identity.inode = 8, .size = INT64_MAX, .valid = UINT64_MAX},
};

struct encoded {
    struct journal_page pages[3];
    struct journal_chunk chunk;
    struct chunk_expected expected;
    struct chunk_view view;
    unsigned char *header;
};

static int make(void **state)
{
    struct encoded *encoded = calloc(1, sizeof(*encoded));
    assert_non_null(encoded);
    encoded->header = aligned_alloc(FORMAT_BLOCK, HEADER_MAX);
    encoded->pages[0] = data_page(1, 'A');
    encoded->pages[1] = (struct journal_page){.file = 1, .kind = JOURNAL_HOLE, .page = FORMAT_PAGE_MAX - 5, .count = 5};
    encoded->pages[2] = data_page(2, 'B');
    encoded->chunk = (struct journal_chunk){
        .type = JOURNAL_CHUNK_COMMIT,
        .files = files,
        .file_count = 2,
        .pages = encoded->pages,
        .page_count = 3,
        .position = 40960,
        .length = 3 * FORMAT_BLOCK,
        .number = 11,
        .epoch = 3,
        .sequence = 21,
        .time = {100, 200},
    };
    encoded->expected = (struct chunk_expected){.position = 40960, .end = 81920, .number = 11, .sequence = 20, .epoch = 3};
    memcpy(encoded->expected.uuid, uuid, FORMAT_UUID_SIZE);
    *state = encoded;
    return 0;
}

static int unmake(void **state)
{
    struct encoded *encoded = *state;
    chunk_view_free(&encoded->view);
    free(encoded->header);
    free(encoded);
    return 0;
}

static int decode(struct encoded *encoded)
{
    memset(encoded->header, 0xee, HEADER_MAX);
    chunk_encode(&encoded->chunk, 10, uuid, encoded->header);
    return chunk_decode(encoded->header, &encoded->expected, &encoded->view);
}

static void all_comes_back(void **state)
{
    struct encoded *encoded = *state;
    const struct chunk_view *view = &encoded->view;
    assert_int_equal(journal_chunk_length(&encoded->chunk), encoded->chunk.length);
    assert_int_equal(decode(encoded), 1);
    assert_int_equal(view->header_length, FORMAT_BLOCK);
    assert_int_equal(view->data_count, 2);
    assert_int_equal(view->chunk.type, JOURNAL_CHUNK_COMMIT);
    assert_int_equal(view->chunk.sequence, 21);
    assert_int_equal(view->chunk.epoch, 3);
    assert_int_equal(view->chunk.time.tv_nsec, 200);
    assert_int_equal(view->chunk.file_count, 2);
    assert_string_equal(view->chunk.files[0].path, "folder/file");
    assert_null(view->chunk.files[1].path);
    for (int i = 0; i < 2; i++) {
        struct journal_file file = view->chunk.files[i];
        file.path = files[i].path;
        struct identity identity = files[i].identity;
        identity.type = S_IFREG;
        assert_memory_equal(&file.identity, &identity, sizeof(file.identity));
        assert_int_equal(file.unnamed, files[i].unnamed);
        assert_int_equal(file.owner, files[i].owner);
        assert_int_equal(file.reserved, files[i].reserved);
        assert_int_equal(file.stream, files[i].stream);
        assert_int_equal(file.size, files[i].size);
        assert_int_equal(file.valid, files[i].valid);
        assert_int_equal(file.ctime.tv_sec, files[i].ctime.tv_sec);
        assert_int_equal(file.mtime.tv_nsec, files[i].mtime.tv_nsec);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(view->chunk.pages[i].page, encoded->pages[i].page);
        assert_int_equal(view->chunk.pages[i].count, encoded->pages[i].count);
        assert_int_equal(view->chunk.pages[i].kind, encoded->pages[i].kind);
        assert_int_equal(view->chunk.pages[i].file, encoded->pages[i].file);
    }
}

static void any_bit_that_changes_makes_it_invalid(void **state)
{
    struct encoded *encoded = *state;
    assert_int_equal(decode(encoded), 1);
    size_t used =
        sizeof(struct format_chunk) + 2 * sizeof(struct format_file) + 3 * sizeof(struct format_page) + strlen("folder/file");
    for (size_t bit = 0; bit < used * 8; bit++) {
        encoded->header[bit / 8] ^= 1 << bit % 8;
        assert_int_equal(chunk_decode(encoded->header, &encoded->expected, &encoded->view), 0);
        encoded->header[bit / 8] ^= 1 << bit % 8;
    }
    assert_int_equal(chunk_decode(encoded->header, &encoded->expected, &encoded->view), 1);
}

static void it_must_be_the_one_expected(void **state)
{
    struct encoded *encoded = *state;
    struct chunk_expected good = encoded->expected;
    assert_int_equal(decode(encoded), 1);
    encoded->expected.position += FORMAT_BLOCK;
    assert_int_equal(decode(encoded), 0);
    encoded->expected = good;
    encoded->expected.number = 12;
    assert_int_equal(decode(encoded), 0);
    encoded->expected = good;
    encoded->expected.sequence = 21;
    assert_int_equal(decode(encoded), 0);
    encoded->expected = good;
    encoded->expected.end = 40960 + 2 * FORMAT_BLOCK;
    assert_int_equal(decode(encoded), 0);
    encoded->expected = good;
    encoded->expected.uuid[3] ^= 1;
    assert_int_equal(decode(encoded), 0);
}

/* encode says that the epoch began with chunk 10, and this is chunk 11. */
static void an_epoch_begins_with_its_first_chunk(void **state)
{
    struct encoded *encoded = *state;
    encoded->expected.epoch = 4; /* ours is 3: lower */
    assert_int_equal(decode(encoded), 0);
    encoded->expected.epoch = 2; /* its predecessor is a leftover */
    assert_int_equal(decode(encoded), 0);
    encoded->expected.first = true;
    assert_int_equal(decode(encoded), 1);
    encoded->expected.first = false;
    encoded->chunk.number = encoded->expected.number = 10;
    assert_int_equal(decode(encoded), 1);
}

static void from_some_number_on_epochs_are_not_lower(void **state)
{
    struct encoded *encoded = *state;
    encoded->expected.first = true;
    encoded->expected.least_epoch = 4;
    encoded->expected.least_epoch_from = 12;
    assert_int_equal(decode(encoded), 1);
    encoded->expected.least_epoch_from = 11;
    assert_int_equal(decode(encoded), 0);
    encoded->expected.least_epoch = 3;
    assert_int_equal(decode(encoded), 1);
}

/* Whole, checksum and all, but senseless. */
static void entries_must_make_sense(void **state)
{
    struct encoded *encoded = *state;
    struct journal_page good = encoded->pages[1];
    assert_int_equal(decode(encoded), 1);
    encoded->pages[1].file = 2;
    assert_int_equal(decode(encoded), 0);
    encoded->pages[1] = good;
    encoded->pages[1].count = 0;
    assert_int_equal(decode(encoded), 0);
    encoded->pages[1].count = 6;
    assert_int_equal(decode(encoded), 0);
    encoded->pages[1].count = UINT64_MAX;
    assert_int_equal(decode(encoded), 0);
    encoded->pages[1] = good;
    encoded->pages[1].kind = 2;
    assert_int_equal(decode(encoded), 0);
    encoded->pages[1] = good;
    encoded->pages[0].count = 2; /* of DATA there is one */
    assert_int_equal(decode(encoded), 0);
    encoded->pages[0].count = 1;
    encoded->chunk.type = 3;
    assert_int_equal(decode(encoded), 0);
    encoded->chunk.type = JOURNAL_CHUNK_DATA;
    assert_int_equal(decode(encoded), 1);
    encoded->chunk.type = JOURNAL_CHUNK_COMMIT;
    encoded->chunk.time.tv_nsec = 1000000000;
    assert_int_equal(decode(encoded), 0);
    encoded->chunk.time.tv_nsec = 0;
    files[1].size = (uint64_t)INT64_MAX + 1;
    assert_int_equal(decode(encoded), 0);
    files[1].size = INT64_MAX;
    encoded->chunk.length += FORMAT_BLOCK;
    assert_int_equal(decode(encoded), 0);
    encoded->chunk.length -= FORMAT_BLOCK;
    assert_int_equal(decode(encoded), 1);
}

static void a_path_too_long_is_left_out(void **state)
{
    static char path[5000];
    struct encoded *encoded = *state;
    memset(path, 'p', sizeof(path) - 1);
    files[1].path = path;
    assert_int_equal(decode(encoded), 1);
    assert_null(encoded->view.chunk.files[1].path);
    path[FORMAT_PATH_MAX] = 0;
    encoded->chunk.length = journal_chunk_length(&encoded->chunk);
    assert_int_equal(encoded->chunk.length, 4 * FORMAT_BLOCK);
    assert_int_equal(decode(encoded), 1);
    assert_string_equal(encoded->view.chunk.files[1].path, path);
    files[1].path = NULL;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(all_comes_back),
        CASE(any_bit_that_changes_makes_it_invalid),
        CASE(it_must_be_the_one_expected),
        CASE(an_epoch_begins_with_its_first_chunk),
        CASE(from_some_number_on_epochs_are_not_lower),
        CASE(entries_must_make_sense),
        CASE(a_path_too_long_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
