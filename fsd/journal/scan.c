#include "config.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/scan.h"

#ifndef DATA_BYTES /* fuzzing has small ones */
#define DATA_BYTES ((size_t)1 << 20)
#endif

int scan_read(int fd, uint64_t capacity, uint64_t position, void *buffer, size_t length)
{
    uint64_t to_end = capacity - position % capacity;
    size_t first = length < to_end ? length : (size_t)to_end;
    int result = superblock_read_blocks(fd, buffer, first, format_offset(position, capacity));
    if (result == 0 && first < length)
        result = superblock_read_blocks(fd, (char *)buffer + first, length - first, FORMAT_LOG_START);
    return result;
}

int scan_open(struct scan *scan, int fd)
{
    *scan = (struct scan){.fd = fd};
    int result = superblock_read(fd, &scan->superblock);
    if (result < 0)
        return result;
    scan->header_capacity = FORMAT_BLOCK;
    scan->header = aligned_alloc(FORMAT_BLOCK, FORMAT_BLOCK);
    scan->data = aligned_alloc(FORMAT_BLOCK, DATA_BYTES);
    if (scan->header == NULL || scan->data == NULL) {
        scan_close(scan);
        return -ENOMEM;
    }
    const struct superblock *superblock = &scan->superblock;
    scan->expected = (struct chunk_expected){
        .position = superblock->tail,
        .end = superblock->tail + superblock->capacity,
        .number = superblock->tail_number,
        .sequence = superblock->sequence,
        .first = true,
        .least_epoch_from = superblock->epoch_number,
        .least_epoch = superblock->epoch,
    };
    memcpy(scan->expected.uuid, superblock->uuid, FORMAT_UUID_SIZE);
    return 0;
}

void scan_close(struct scan *scan)
{
    chunk_view_free(&scan->view);
    free(scan->header);
    free(scan->data);
    scan->header = NULL;
    scan->data = NULL;
}

static int read_first_block(struct scan *scan)
{
    if (scan->expected.end - scan->expected.position < FORMAT_BLOCK)
        return 0;
    int result = scan_read(scan->fd, scan->superblock.capacity, scan->expected.position, scan->header, FORMAT_BLOCK);
    return result < 0 ? result : 1;
}

/* A header's blocks are never all zeros, so that the file has them all, also where a copy made holes of zeros. (The last one may be
 * almost empty.) A header that only claims to be long ends here, before it costs anything. */
static bool has_blocks(const struct scan *scan, uint64_t position, uint64_t length)
{
    while (length > FORMAT_BLOCK) {
        uint64_t offset = format_offset(position, scan->superblock.capacity);
        off_t hole = lseek(scan->fd, (off_t)offset, SEEK_HOLE);
        if (hole < 0)
            return true; /* the file system does not tell */
        uint64_t data = (uint64_t)hole - offset;
        if (data >= length - FORMAT_BLOCK)
            return true;
        if ((uint64_t)hole < FORMAT_LOG_START + scan->superblock.capacity)
            return false;
        position += data; /* it goes on at the log's beginning */
        length -= data;
    }
    return true;
}

/* The checksum of a long header, piece by piece: memory is taken only for one that is whole. */
static int long_header_is_whole(struct scan *scan, uint64_t position, uint64_t length)
{
    const struct format_chunk *fixed = (const struct format_chunk *)scan->header;
    uint64_t left = chunk_used_length(fixed), skip = offsetof(struct format_chunk, type);
    XXH3_state_t *state = XXH3_createState();
    int result = state == NULL ? -ENOMEM : 0;
    if (state != NULL)
        XXH3_64bits_reset(state);
    for (uint64_t done = 0; result == 0 && done < length; done += DATA_BYTES) {
        size_t piece = length - done < DATA_BYTES ? (size_t)(length - done) : DATA_BYTES;
        result = scan_read(scan->fd, scan->superblock.capacity, position + done, scan->data, piece);
        size_t used = piece < left ? piece : (size_t)left;
        if (result == 0)
            XXH3_64bits_update(state, scan->data + skip, used - skip);
        left -= used;
        skip = 0;
    }
    if (result == 0)
        result = XXH3_64bits_digest(state) == le64toh(fixed->checksum);
    XXH3_freeState(state);
    return result;
}

/* The rest of a header whose first block is in memory. 1; 0: it is not whole; -errno. */
static int read_header(struct scan *scan, uint64_t position, uint64_t length)
{
    if (!has_blocks(scan, position, length))
        return 0;
    if (length > DATA_BYTES) {
        int whole = long_header_is_whole(scan, position, length);
        if (whole <= 0)
            return whole;
    }
    if (length > scan->header_capacity) {
        unsigned char *larger = aligned_alloc(FORMAT_BLOCK, length);
        if (larger == NULL)
            return -ENOMEM;
        memcpy(larger, scan->header, FORMAT_BLOCK);
        free(scan->header);
        scan->header = larger;
        scan->header_capacity = length;
    }
    int result =
        scan_read(scan->fd, scan->superblock.capacity, position + FORMAT_BLOCK, scan->header + FORMAT_BLOCK, length - FORMAT_BLOCK);
    return result < 0 ? result : 1;
}

static int check_data(struct scan *scan)
{
    uint64_t position = scan_data_position(scan);
    uint64_t left = (uint64_t)scan->view.data_count * FORMAT_BLOCK;
    size_t loaded = 0, used = 0;
    for (uint32_t i = 0; i < scan->view.chunk.page_count; i++) {
        if (scan->view.pages[i].kind != JOURNAL_DATA)
            continue;
        if (used == loaded) {
            loaded = left < DATA_BYTES ? (size_t)left : DATA_BYTES;
            used = 0;
            int result = scan_read(scan->fd, scan->superblock.capacity, position, scan->data, loaded);
            if (result < 0)
                return result;
            position += loaded;
            left -= loaded;
        }
        if (format_checksum(scan->data + used, FORMAT_BLOCK) != le64toh(scan->view.entries[i].checksum))
            return 0;
        used += FORMAT_BLOCK;
    }
    return 1;
}

int scan_next(struct scan *scan)
{
    uint64_t header_length;
    int result = read_first_block(scan);
    if (result <= 0)
        return result;
    if (!chunk_plausible((const struct format_chunk *)scan->header, &scan->expected, &header_length))
        return 0;
    result = read_header(scan, scan->expected.position, header_length);
    if (result == 1)
        result = chunk_decode(scan->header, &scan->expected, &scan->view);
    if (result == 1)
        result = check_data(scan);
    if (result == 1) {
        progress_made(scan->progress, "reading the journal", scan->expected.position - scan->superblock.tail,
                      scan->superblock.capacity);
        scan->expected.position += scan->view.chunk.length;
        scan->expected.number++;
        scan->expected.epoch = scan->view.chunk.epoch;
        scan->expected.first = false;
        if (scan->view.chunk.type == JOURNAL_CHUNK_COMMIT) {
            scan->expected.sequence = scan->view.chunk.sequence;
            scan->committed = true;
        }
    }
    return result;
}

int scan_finds_nothing(int fd)
{
    struct scan scan;
    int result = scan_open(&scan, fd);
    if (result < 0)
        return result;
    result = scan_next(&scan);
    scan_close(&scan);
    return result < 0 ? result : result == 0;
}

uint64_t scan_data_position(const struct scan *scan)
{
    return scan->view.chunk.position + scan->view.header_length;
}

uint64_t scan_torn_bytes(struct scan *scan)
{
    uint64_t header_length;
    const struct format_chunk *header = (const struct format_chunk *)scan->header;
    if (read_first_block(scan) <= 0 || !chunk_plausible(header, &scan->expected, &header_length))
        return 0;
    return le64toh(header->length);
}

/* A whole header of a COMMIT, behind all that was found, is at this position: how long it is. 0: there is none. Its first block is `block`. */
static int64_t later_commit(struct scan *scan, uint64_t position, const struct format_chunk *block)
{
    struct chunk_expected expected = scan->expected;
    uint64_t header_length;
    expected.position = position;
    expected.number = le64toh(block->number);
    expected.first = true; /* nothing is known of its predecessor */
    if (expected.number <= scan->expected.number || le32toh(block->epoch) < scan->expected.epoch ||
        !chunk_plausible(block, &expected, &header_length))
        return 0;
    memcpy(scan->header, block, FORMAT_BLOCK);
    int result = read_header(scan, position, header_length);
    if (result == 1)
        result = chunk_decode(scan->header, &expected, &scan->view);
    if (result == 0)
        scan->wasted += header_length - FORMAT_BLOCK;
    if (scan->wasted > scan->superblock.capacity)
        return -EBADMSG;
    if (result <= 0)
        return result;
    return scan->view.chunk.type == JOURNAL_CHUNK_COMMIT ? (int64_t)header_length : 0;
}

/* Where the file has bytes, from this position on. */
static uint64_t pass_hole(const struct scan *scan, uint64_t position)
{
    uint64_t capacity = scan->superblock.capacity, offset = format_offset(position, capacity);
    off_t data = lseek(scan->fd, (off_t)offset, SEEK_DATA);
    if (data < 0)
        return errno == ENXIO ? position + capacity - position % capacity : position;
    return position + ((uint64_t)data - offset) / FORMAT_BLOCK * FORMAT_BLOCK;
}

/* Of commits in one epoch, how many follow each other. */
struct behind {
    uint32_t epoch;
    uint64_t found, most;
    uint64_t true_sequence; /* the last one that was true, as others tell */
    bool one_was_true;      /* of those found */
};

static void count_commit(struct scan *scan, struct behind *behind)
{
    const struct journal_chunk *chunk = &scan->view.chunk;
    uint64_t true_sequence = chunk->sequence - 1 - chunk->under_way;
    behind->found = chunk->epoch == behind->epoch ? behind->found + 1 : 1;
    behind->epoch = chunk->epoch;
    behind->one_was_true |= behind->found > 1u + chunk->under_way;
    if (chunk->sequence > scan->newest_sequence)
        scan->newest_sequence = chunk->sequence;
    if (true_sequence > behind->true_sequence)
        behind->true_sequence = true_sequence;
    if (behind->found > behind->most)
        behind->most = behind->found;
}

int scan_commits_behind(struct scan *scan, uint64_t *count)
{
    unsigned char *blocks = aligned_alloc(FORMAT_BLOCK, DATA_BYTES); /* reading a header uses the scan's own */
    uint64_t position = scan->expected.position, end = scan->expected.end;
    struct behind behind = {0};
    int64_t result = blocks == NULL ? -ENOMEM : 0;
    *count = 0;
    while (result >= 0 && (position = pass_hole(scan, position)) < end) {
        size_t loaded = end - position < DATA_BYTES ? (size_t)(end - position) : DATA_BYTES, at = 0;
        result = scan_read(scan->fd, scan->superblock.capacity, position, blocks, loaded);
        while (result >= 0 && at < loaded) {
            result = later_commit(scan, position + at, (const struct format_chunk *)(blocks + at));
            if (result > 0)
                count_commit(scan, &behind);
            at += result > 0 ? (size_t)result : FORMAT_BLOCK;
        }
        position += at;
        progress_made(scan->progress, "searching the journal for damage", position - scan->superblock.tail,
                      scan->superblock.capacity);
    }
    free(blocks);
    if (scan->committed && behind.true_sequence > scan->expected.sequence) {
        behind.one_was_true = true;
        if (scan->newest_sequence - scan->expected.sequence > behind.most)
            behind.most = scan->newest_sequence - scan->expected.sequence;
    }
    *count = behind.one_was_true ? behind.most : 0;
    return result < 0 ? (int)result : 0;
}
