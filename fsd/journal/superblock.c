#include "config.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "journal/superblock.h"
#include "store/direct.h"
#include "store/trust.h"

#define TEMPORARY_NAME JOURNAL_NAME ".new"
#define FILL_BYTES ((size_t)4 << 20)

static int open_name(int folder, const char *name, int flags)
{
    flags |= O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    if (flags & O_DIRECT && !direct_is_seen(folder)) {
        log_line(LOG_NOTE, "the store's file system does not show what is written with O_DIRECT: all goes through the page cache");
        flags &= ~O_DIRECT;
    }
    int fd = openat(folder, name, flags, 0600);
    if (fd < 0 && errno == EINVAL && (flags & O_DIRECT)) {
        log_line(LOG_NOTE, "the store's file system has no O_DIRECT: the journal goes through the page cache");
        fd = openat(folder, name, flags & ~O_DIRECT, 0600);
    }
    return fd < 0 ? -errno : fd;
}

int superblock_open_file(int folder, int flags, int *fd_out)
{
    struct stat status;
    int fd = open_name(folder, JOURNAL_NAME, flags);
    if (fd < 0)
        return fd;
    int result = fstat(fd, &status) < 0 ? -errno : S_ISREG(status.st_mode) ? 0 : -ELOOP;
    if (result == 0 && trust_doubt(fd, S_IFREG) != NULL)
        result = -EPERM;
    if (result < 0)
        close(fd);
    else
        *fd_out = fd;
    return result;
}

int superblock_read_blocks(int fd, void *buffer, size_t length, uint64_t offset)
{
    while (length > 0) {
        ssize_t done = pread(fd, buffer, length, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? -errno : -EIO;
        buffer = (char *)buffer + done;
        length -= (size_t)done;
        offset += (uint64_t)done;
    }
    return 0;
}

static struct format_owner encode_owner(const struct identity *identity)
{
    return (struct format_owner){
        .inode = htole64(identity->inode),
        .birth_seconds = (int64_t)htole64((uint64_t)identity->birth.tv_sec),
        .birth_nanoseconds = htole32((uint32_t)identity->birth.tv_nsec),
    };
}

static struct identity decode_owner(const struct format_owner *owner)
{
    return (struct identity){
        .inode = le64toh(owner->inode),
        .birth = {.tv_sec = (time_t)le64toh((uint64_t)owner->birth_seconds), .tv_nsec = le32toh(owner->birth_nanoseconds)},
    };
}

static void encode(const struct superblock *superblock, struct format_superblock *out)
{
    *out = (struct format_superblock){
        .magic = htole64(FORMAT_SUPERBLOCK_MAGIC),
        .version = htole32(FORMAT_VERSION),
        .epoch = htole32(superblock->epoch),
        .counter = htole64(superblock->counter),
        .capacity = htole64(superblock->capacity),
        .tail = htole64(superblock->tail),
        .tail_number = htole64(superblock->tail_number),
        .epoch_number = htole64(superblock->epoch_number),
        .sequence = htole64(superblock->sequence),
        .journal = encode_owner(&superblock->journal),
        .root = encode_owner(&superblock->root),
    };
    out->journal.generation = htole32((uint32_t)superblock->generation);
    out->root.generation = htole32((uint32_t)(superblock->generation >> 32));
    memcpy(out->uuid, superblock->uuid, FORMAT_UUID_SIZE);
    out->checksum = htole64(format_checksum(out, offsetof(struct format_superblock, checksum)));
}

static bool is_known(const struct format_superblock *copy)
{
    return le32toh(copy->version) == FORMAT_VERSION || le32toh(copy->version) == FORMAT_VERSION_2;
}

/* Whole, and of this file, which may be longer: amid an extension (extend.c). */
static bool whole(const struct format_superblock *copy, uint64_t room)
{
    return le64toh(copy->magic) == FORMAT_SUPERBLOCK_MAGIC && is_known(copy) && le64toh(copy->capacity) > 0 &&
           le64toh(copy->capacity) <= room && le64toh(copy->capacity) % FORMAT_BLOCK == 0 &&
           le64toh(copy->checksum) == format_checksum(copy, offsetof(struct format_superblock, checksum));
}

/* Version 1 had its checksum after the sequence, and nothing more. Of its logs only empty ones are read, which hold no chunk. */
static bool whole_1(const struct format_superblock *copy, uint64_t capacity)
{
    uint64_t checksum;
    memcpy(&checksum, &copy->journal, sizeof(checksum));
    return le64toh(copy->magic) == FORMAT_SUPERBLOCK_MAGIC && le32toh(copy->version) == 1 && le64toh(copy->capacity) == capacity &&
           le64toh(checksum) == format_checksum(copy, offsetof(struct format_superblock, journal));
}

static bool sane(const struct superblock *superblock)
{
    return superblock->tail > 0 && superblock->tail < FORMAT_POSITION_MAX && superblock->tail % FORMAT_BLOCK == 0 &&
           superblock->tail_number > 0 && superblock->tail_number < FORMAT_POSITION_MAX &&
           superblock->sequence < FORMAT_POSITION_MAX && superblock->counter < UINT64_MAX && superblock->epoch < UINT32_MAX / 2;
}

/* The newer of the copies that are whole. Another version's cannot be told from a damaged one while one of ours is whole: who changes the
 * version writes both. */
static int choose(const unsigned char *blocks, uint64_t capacity, const struct format_superblock **newest)
{
    bool other_version = false;
    *newest = NULL;
    for (int i = 0; i < 2; i++) {
        const struct format_superblock *copy = (const struct format_superblock *)(blocks + i * FORMAT_BLOCK);
        other_version |= le64toh(copy->magic) == FORMAT_SUPERBLOCK_MAGIC && !is_known(copy);
        if ((whole(copy, capacity) || whole_1(copy, capacity)) &&
            (*newest == NULL || le64toh(copy->counter) > le64toh((*newest)->counter)))
            *newest = copy;
    }
    if (*newest == NULL)
        return other_version ? -EPROTONOSUPPORT : -EBADMSG;
    return le32toh((*newest)->version) == 1 && (*newest)->epoch != 0 ? -EPROTONOSUPPORT : 0;
}

/* Both copies, to be freed, and the room behind them. */
static int read_copies(int fd, unsigned char **blocks, uint64_t *room)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return -errno;
    if (status.st_size <= FORMAT_LOG_START || status.st_size % FORMAT_BLOCK != 0)
        return -EBADMSG;
    *room = (uint64_t)status.st_size - FORMAT_LOG_START;
    *blocks = aligned_alloc(FORMAT_BLOCK, FORMAT_LOG_START);
    if (*blocks == NULL)
        return -ENOMEM;
    int result = superblock_read_blocks(fd, *blocks, FORMAT_LOG_START, 0);
    if (result < 0)
        free(*blocks);
    return result;
}

int superblock_whole(int fd, bool copies[2])
{
    unsigned char *blocks;
    uint64_t room;
    int result = read_copies(fd, &blocks, &room);
    if (result < 0)
        return result;
    for (int i = 0; i < 2; i++) {
        const struct format_superblock *copy = (const struct format_superblock *)(blocks + i * FORMAT_BLOCK);
        copies[i] = whole(copy, room) || whole_1(copy, room);
    }
    free(blocks);
    return 0;
}

int superblock_read(int fd, struct superblock *out)
{
    const struct format_superblock *newest;
    unsigned char *blocks;
    uint64_t room;
    int result = read_copies(fd, &blocks, &room);
    if (result < 0)
        return result;
    result = choose(blocks, room, &newest);
    if (result < 0)
        goto done;
    *out = (struct superblock){
        .counter = le64toh(newest->counter),
        .capacity = le64toh(newest->capacity),
        .tail = le64toh(newest->tail),
        .tail_number = le64toh(newest->tail_number),
        .epoch_number = le64toh(newest->epoch_number),
        .sequence = le64toh(newest->sequence),
        .epoch = le32toh(newest->epoch),
    };
    memcpy(out->uuid, newest->uuid, FORMAT_UUID_SIZE);
    if (is_known(newest)) {
        out->journal = decode_owner(&newest->journal);
        out->root = decode_owner(&newest->root);
        out->generation = (uint64_t)le32toh(newest->root.generation) << 32 | le32toh(newest->journal.generation);
    }
    result = sane(out) ? 0 : -EBADMSG;
done:
    free(blocks);
    return result;
}

static bool same_log(const struct superblock *a, const struct superblock *b)
{
    return a->generation == b->generation && memcmp(a->uuid, b->uuid, FORMAT_UUID_SIZE) == 0;
}

/* O_DIRECT passes the page cache; where the file system has none, what is clean of the file is dropped. */
static int check_ours(int fd, const struct superblock *before, const struct superblock *next)
{
    struct superblock now;
    posix_fadvise(fd, 0, FORMAT_LOG_START, POSIX_FADV_DONTNEED);
    int result = superblock_read(fd, &now);
    if (result < 0)
        return result == -EBADMSG ? 0 : result; /* damaged: nobody's */
    return same_log(&now, before) || same_log(&now, next) ? 0 : -ESTALE;
}

int superblock_write(struct store *store, int fd, const struct superblock *before, struct superblock *superblock)
{
    int result = before == NULL ? 0 : check_ours(fd, before, superblock);
    if (result < 0)
        return result;
    unsigned char *block = aligned_alloc(FORMAT_BLOCK, FORMAT_BLOCK);
    if (block == NULL)
        return -ENOMEM;
    memset(block, 0, FORMAT_BLOCK);
    superblock->counter++;
    encode(superblock, (struct format_superblock *)block);
    struct iovec iov = {.iov_base = block, .iov_len = FORMAT_BLOCK};
    struct store_write write = {.fd = fd, .offset = superblock->counter % 2 * FORMAT_BLOCK, .iov = &iov, .iovcnt = 1};
    result = store->operations->write(store, &write, 1);
    if (result == 0)
        result = store->operations->flush(store, fd);
    if (result < 0)
        superblock->counter--;
    free(block);
    return result;
}

static int take_owners(int fd, int folder, struct identity *journal, struct identity *root)
{
    int result = identity_take(fd, "", false, journal);
    return result < 0 ? result : identity_take(folder, "..", false, root);
}

int superblock_own(struct superblock *superblock, int fd, int folder)
{
    return take_owners(fd, folder, &superblock->journal, &superblock->root);
}

static bool same(const struct identity *a, const struct identity *b)
{
    return a->inode == b->inode && a->birth.tv_sec == b->birth.tv_sec && a->birth.tv_nsec == b->birth.tv_nsec;
}

int superblock_is_own(const struct superblock *superblock, int fd, int folder)
{
    struct identity journal, root;
    int result = take_owners(fd, folder, &journal, &root);
    return result < 0 ? result : same(&superblock->journal, &journal) && same(&superblock->root, &root);
}

int superblock_renew(struct superblock *superblock)
{
    superblock->epoch = 0;
    superblock->epoch_number = superblock->tail_number;
    ssize_t got;
    do
        got = getrandom(superblock->uuid, FORMAT_UUID_SIZE, 0);
    while (got < 0 && errno == EINTR);
    return got == FORMAT_UUID_SIZE ? 0 : -EIO;
}

/* On btrfs, writes then stay where they are and a flush has no metadata to write. It must be said before the first byte. */
static void turn_off_copy_on_write(int fd)
{
    int flags;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
        return;
    flags |= FS_NOCOW_FL;
    if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0)
        return; /* elsewhere there is nothing to turn off */
}

int superblock_fill(int fd, uint64_t from, uint64_t to)
{
    unsigned char *zeros = aligned_alloc(FORMAT_BLOCK, FILL_BYTES);
    int result = zeros == NULL ? -ENOMEM : 0;
    if (result == 0)
        memset(zeros, 0, FILL_BYTES);
    while (result == 0 && from < to) {
        size_t length = to - from < FILL_BYTES ? (size_t)(to - from) : FILL_BYTES;
        ssize_t done = pwrite(fd, zeros, length, (off_t)from);
        if (done > 0)
            from += (uint64_t)done;
        else if (done == 0 || errno != EINTR)
            result = done == 0 ? -EIO : -errno;
    }
    if (result == 0 && fsync(fd) < 0)
        result = -errno;
    free(zeros);
    return result;
}

/* The first blocks of a log that holds nothing: it is found by either copy. */
static int write_first(int fd, const struct superblock *superblock)
{
    struct superblock copy = *superblock;
    unsigned char *blocks = aligned_alloc(FORMAT_BLOCK, FORMAT_LOG_START);
    if (blocks == NULL)
        return -ENOMEM;
    memset(blocks, 0, FORMAT_LOG_START);
    for (; copy.counter < superblock->counter + 2; copy.counter++)
        encode(&copy, (struct format_superblock *)(blocks + copy.counter % 2 * FORMAT_BLOCK));
    ssize_t done = pwrite(fd, blocks, FORMAT_LOG_START, 0);
    int result = done == FORMAT_LOG_START ? 0 : done < 0 ? -errno : -EIO;
    free(blocks);
    return result;
}

void superblock_remove_half_made(int folder)
{
    unlinkat(folder, TEMPORARY_NAME, 0);
}

int superblock_create_file(int folder, uint64_t size, uint64_t sequence, uint64_t generation)
{
    size = format_round_up(size < JOURNAL_SIZE_MIN ? JOURNAL_SIZE_MIN : size);
    struct superblock superblock = {
        .capacity = size - FORMAT_LOG_START,
        .tail = size - FORMAT_LOG_START, /* the log's first byte, and not 0 */
        .tail_number = 1,
        .sequence = sequence,
        .generation = generation,
    };
    int result = superblock_renew(&superblock);
    if (result < 0)
        return result;
    superblock_remove_half_made(folder);
    int fd = open_name(folder, TEMPORARY_NAME, O_RDWR | O_CREAT | O_EXCL | O_DIRECT);
    if (fd < 0)
        return fd;
    turn_off_copy_on_write(fd);
    result = superblock_own(&superblock, fd, folder);
    if (result == 0 && fallocate(fd, 0, 0, (off_t)size) < 0 && errno == ENOSPC) /* elsewhere writing allocates as well */
        result = -ENOSPC;
    if (result == 0)
        result = write_first(fd, &superblock);
    if (result == 0)
        result = superblock_fill(fd, FORMAT_LOG_START, size);
    if (result == 0 && renameat(folder, TEMPORARY_NAME, folder, JOURNAL_NAME) < 0)
        result = -errno;
    if (result < 0)
        unlinkat(folder, TEMPORARY_NAME, 0);
    else if (fsync(folder) < 0)
        result = -errno;
    close(fd);
    return result;
}
