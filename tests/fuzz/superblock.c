/* Two copies of a superblock of any bytes: what is read is one of those that are whole, and makes sense.
 *
 * Input: a byte that says which copies get a right magic, version and checksum, then the bytes of both. */
#include "config.h"

#include <endian.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "journal/format.h"
#include "journal/superblock.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static int file;

static void repair(unsigned char *copy, uint64_t length)
{
    struct format_superblock *superblock = (void *)copy;

    superblock->magic = htole64(FORMAT_SUPERBLOCK_MAGIC);
    superblock->version = htole32(FORMAT_VERSION);
    if (le64toh(superblock->capacity) % 3 == 0) /* else the input's own */
        superblock->capacity = htole64(length - FORMAT_LOG_START);
    superblock->tail |= htole64(superblock->tail ? 0 : FORMAT_BLOCK);
    superblock->tail_number |= htole64(superblock->tail_number ? 0 : 1);
    superblock->checksum = htole64(format_checksum(superblock, offsetof(struct format_superblock, checksum)));
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static unsigned char bytes[2 * FORMAT_BLOCK] __attribute__((aligned(FORMAT_BLOCK)));
    uint64_t length = JOURNAL_SIZE_MIN;
    struct superblock superblock;
    size_t half;

    if (size < 1 || size - 1 > sizeof bytes)
        return 0;
    memset(bytes, 0, sizeof bytes);
    half = (size - 1) / 2;
    memcpy(bytes, input + 1, half);
    memcpy(bytes + FORMAT_BLOCK, input + 1 + half, half);
    if (input[0] & 1)
        repair(bytes, length);
    if (input[0] & 2)
        repair(bytes + FORMAT_BLOCK, length);
    if (ftruncate(file, length) || pwrite(file, bytes, sizeof bytes, 0) != sizeof bytes)
        abort();
    if (superblock_read(file, &superblock))
        return 0;
    if (superblock.capacity > length - FORMAT_LOG_START || !superblock.capacity || superblock.capacity % FORMAT_BLOCK)
        abort(); /* a log that its file has no room for */
    if (!superblock.tail || superblock.tail % FORMAT_BLOCK || !superblock.tail_number)
        abort(); /* no place in a log */
    return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    file = memfd_create("superblock", MFD_CLOEXEC);
    return file < 0 ? 1 : 0;
}
