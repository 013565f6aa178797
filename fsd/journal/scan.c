#include "config.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "journal/scan.h"

#define DATA_BYTES ((size_t)1 << 20)

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

/* The rest of a header whose first block is in memory. The length was found to be less than the log's. */
static int read_header(struct scan *scan, uint64_t position, uint64_t length)
{
    if (length > scan->header_capacity) {
        unsigned char *larger = aligned_alloc(FORMAT_BLOCK, length);
        if (larger == NULL)
            return -ENOMEM;
        memcpy(larger, scan->header, FORMAT_BLOCK);
        free(scan->header);
        scan->header = larger;
        scan->header_capacity = length;
    }
    return scan_read(scan->fd, scan->superblock.capacity, position + FORMAT_BLOCK, scan->header + FORMAT_BLOCK,
                     length - FORMAT_BLOCK);
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
    if (result == 0)
        result = chunk_decode(scan->header, &scan->expected, &scan->view);
    if (result == 1)
        result = check_data(scan);
    if (result == 1) {
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

/* 1: a whole header of a COMMIT, behind all that was found, is at this position; its first block is `block`. */
static int is_later_commit(struct scan *scan, uint64_t position, const struct format_chunk *block)
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
    if (result == 0)
        result = chunk_decode(scan->header, &expected, &scan->view);
    return result == 1 ? scan->view.chunk.type == JOURNAL_CHUNK_COMMIT : result;
}

int scan_commits_behind(struct scan *scan, uint64_t *count)
{
    uint64_t position = scan->expected.position, found = 0;
    uint32_t epoch = 0;
    *count = 0;
    while (position < scan->expected.end) {
        uint64_t left = scan->expected.end - position;
        size_t loaded = left < DATA_BYTES ? (size_t)left : DATA_BYTES;
        int result = scan_read(scan->fd, scan->superblock.capacity, position, scan->data, loaded);
        if (result < 0)
            return result;
        for (size_t at = 0; at < loaded; at += FORMAT_BLOCK) {
            result = is_later_commit(scan, position + at, (const struct format_chunk *)(scan->data + at));
            if (result < 0)
                return result;
            if (result == 0)
                continue;
            found = scan->view.chunk.epoch == epoch ? found + 1 : 1;
            epoch = scan->view.chunk.epoch;
            if (scan->view.chunk.sequence > scan->newest_sequence)
                scan->newest_sequence = scan->view.chunk.sequence;
            if (found > *count)
                *count = found;
        }
        position += loaded;
    }
    /* The one that a crash leaves is the next after the last one found. */
    if (scan->committed && scan->newest_sequence > scan->expected.sequence + 1 &&
        scan->newest_sequence - scan->expected.sequence > *count)
        *count = scan->newest_sequence - scan->expected.sequence;
    return 0;
}
