#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "journal/log_copy.h"
#include "journal/scan.h"
#include "store/syscalls.h"

#define COPY_CAPACITY (UINT64_C(1) << 40)
#define PIECE_BYTES ((size_t)1 << 20)

/* The same log, of which nothing was ever given up: all that is copied is published. */
static int write_superblock(const struct log_copy *copy, struct store *store, uint64_t tail, uint64_t tail_number)
{
    struct superblock superblock;
    int result = superblock_read(copy->from, &superblock);
    if (result < 0)
        return result;
    if (ftruncate(copy->to, FORMAT_LOG_START + COPY_CAPACITY) < 0)
        return -errno;
    superblock.capacity = COPY_CAPACITY;
    superblock.tail = tail;
    superblock.tail_number = superblock.epoch_number = tail_number;
    superblock.epoch = 1;
    superblock.sequence = 0;
    superblock.generation = 0; /* a backup is nobody's */
    return superblock_write(store, copy->to, NULL, &superblock);
}

int log_copy_begin(struct log_copy *copy, struct store *store, int private_folder, int to, uint64_t tail, uint64_t tail_number)
{
    *copy = (struct log_copy){.from = -1, .to = to, .buffer = aligned_alloc(FORMAT_BLOCK, PIECE_BYTES)};
    int result = copy->buffer == NULL ? -ENOMEM : superblock_open_file(private_folder, O_RDONLY | O_DIRECT, &copy->from);
    if (result == 0)
        result = write_superblock(copy, store, tail, tail_number);
    if (result < 0)
        log_copy_end(copy);
    return result;
}

/* The log may have become longer: what it had before has the same places. A piece that goes over the end of the copy's file is written in two. */
int log_copy_add(struct log_copy *copy, uint64_t position, uint64_t end)
{
    struct superblock superblock;
    int result = superblock_read(copy->from, &superblock);
    if (end - position > COPY_CAPACITY)
        return -EFBIG;
    while (position < end && result == 0) {
        uint64_t to_end = COPY_CAPACITY - position % COPY_CAPACITY;
        size_t length = end - position < PIECE_BYTES ? (size_t)(end - position) : PIECE_BYTES;
        length = to_end < length ? (size_t)to_end : length;
        result = scan_read(copy->from, superblock.capacity, position, copy->buffer, length);
        if (result == 0)
            result = syscalls_write(&(struct store_write){.fd = copy->to,
                                                          .offset = (off_t)format_offset(position, COPY_CAPACITY),
                                                          .iov = &(struct iovec){copy->buffer, length},
                                                          .iovcnt = 1});
        position += length;
    }
    return result;
}

void log_copy_end(struct log_copy *copy)
{
    if (copy->from >= 0)
        close(copy->from);
    free(copy->buffer);
    *copy = (struct log_copy){.from = -1};
}
