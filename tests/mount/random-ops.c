/* Random operations on one file, each checked against a copy in plain memory: stores and loads through mappings, read, write,
 * O_DIRECT, truncate, allocate, punch, zero, copy_file_range, msync, fsync, dropping the kernel's pages. Arguments: a folder, a
 * name in it, seconds, and a file elsewhere in which the expected content is left in the end. */
#include "config.h"

#include "check.h"

#define LIMIT (512 * PAGE) /* bytes: the largest size of the file */

enum operation {
    STORE,
    LOAD,
    WRITE,
    READ,
    DIRECT_WRITE,
    DIRECT_READ,
    TRUNCATE,
    ALLOCATE,
    PUNCH,
    ZERO,
    COPY,
    MSYNC,
    FSYNC,
    DROP,
    PUSH,
    REOPEN,
    OPERATIONS
};

static const char *const names[] = {"store", "load", "write", "read",  "direct write", "direct read", "truncate", "allocate",
                                    "punch", "zero", "copy",  "msync", "fsync",        "drop",        "push",     "reopen"};

static uint64_t random_state;
static unsigned char *model, *map;
static off_t size;
static int fd, direct;
static const char *path;

/* The last operations, told when a check fails. */
static struct {
    enum operation operation;
    off_t at, length, size;
} history[32];
static unsigned done;

static void tell_history(void)
{
    for (unsigned i = done > 32 ? done - 32 : 0; i < done; i++)
        fprintf(stderr, "%u: %s at %ld (page %ld), %ld bytes, size then %ld\n", i, names[history[i % 32].operation],
                (long)history[i % 32].at, (long)history[i % 32].at / PAGE, (long)history[i % 32].length,
                (long)history[i % 32].size);
}

static void differ(const char *what, const unsigned char *seen, off_t at, off_t length)
{
    for (off_t i = 0; i < length; i++)
        if (seen[i] != model[at + i]) {
            tell_history();
            CHECK(false, "operation %u: %s at byte %ld (page %ld): expected %d, seen %d", done, what, (long)(at + i),
                  (long)(at + i) / PAGE, model[at + i], seen[i]);
        }
}

static off_t below(off_t limit)
{
    return limit > 0 ? (off_t)(random_next(&random_state) % (uint64_t)limit) : 0;
}

static void open_file(void)
{
    fd = open(path, O_RDWR | O_CREAT, 0600);
    direct = open(path, O_RDWR | O_DIRECT);
    CHECK(fd >= 0 && direct >= 0, "%s", path);
    map = map_shared(fd, LIMIT);
}

static void fill(unsigned char *buffer, off_t length)
{
    unsigned char first = (unsigned char)random_next(&random_state);

    for (off_t i = 0; i < length; i++)
        buffer[i] = (unsigned char)(first + i / 512 + 1);
}

static void grow(off_t end)
{
    if (end > size)
        size = end;
}

static void operate(enum operation operation)
{
    static unsigned char buffer[LIMIT] __attribute__((aligned(PAGE)));
    off_t at = below(size), length, other;

    length = below(random_next(&random_state) % 8 ? 4 * PAGE : 64 * PAGE) + 1;
    if (operation == WRITE || operation == ALLOCATE || operation == DIRECT_WRITE || operation == ZERO)
        at = below(LIMIT - length);
    if (operation == DIRECT_WRITE || operation == DIRECT_READ) {
        at = at / PAGE * PAGE;
        length = (length + PAGE - 1) / PAGE * PAGE;
        if (at + length > LIMIT)
            at = LIMIT - length;
    }
    if ((operation == STORE || operation == LOAD || operation == READ || operation == PUNCH) && at + length > size)
        length = size - at;
    history[done % 32].operation = operation;
    history[done % 32].at = at;
    history[done % 32].length = length;
    history[done++ % 32].size = size;
    switch (operation) {
    case STORE:
        fill(buffer, length);
        memcpy(map + at, buffer, (size_t)length);
        memcpy(model + at, buffer, (size_t)length);
        break;
    case LOAD:
        differ("load", map + at, at, length);
        break;
    case WRITE:
        fill(buffer, length);
        CHECK(pwrite(fd, buffer, (size_t)length, at) == length);
        memcpy(model + at, buffer, (size_t)length);
        grow(at + length);
        break;
    case READ:
        CHECK(pread(fd, buffer, (size_t)length, at) == length);
        differ("read", buffer, at, length);
        break;
    case DIRECT_WRITE:
        fill(buffer, length);
        CHECK(pwrite(direct, buffer, (size_t)length, at) == length);
        memcpy(model + at, buffer, (size_t)length);
        grow(at + length);
        break;
    case DIRECT_READ:
        other = pread(direct, buffer, (size_t)length, at);
        CHECK(other == (at >= size ? 0 : at + length > size ? size - at : length), "direct read of %ld", (long)other);
        differ("direct read", buffer, at, other);
        break;
    case TRUNCATE:
        other = below(LIMIT);
        CHECK(ftruncate(fd, other) == 0);
        if (other < size)
            memset(model + other, 0, (size_t)(size - other));
        size = other;
        break;
    case ALLOCATE:
        if (random_next(&random_state) % 2) {
            CHECK(fallocate(fd, 0, at, length) == 0);
            grow(at + length);
        } else {
            CHECK(fallocate(fd, FALLOC_FL_KEEP_SIZE, at, length) == 0);
        }
        break;
    case PUNCH:
        if (length > 0)
            CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, length) == 0);
        memset(model + at, 0, (size_t)length);
        break;
    case ZERO:
        if (fallocate(fd, FALLOC_FL_ZERO_RANGE, at, length) == 0) {
            memset(model + at, 0, (size_t)length);
            grow(at + length);
        } else {
            CHECK(errno == EOPNOTSUPP);
        }
        break;
    case COPY:
        other = below(LIMIT - length);
        if (at + length > size)
            length = size - at;
        if (length <= 0 || (other < at + length && at < other + length))
            break;
        CHECK(copy_file_range(fd, &(off_t){at}, fd, &(off_t){other}, (size_t)length, 0) == length);
        memcpy(model + other, model + at, (size_t)length);
        grow(other + length);
        break;
    case MSYNC:
        if (size > 0)
            CHECK(msync(map + at / PAGE * PAGE, (size_t)(size - at / PAGE * PAGE), MS_SYNC) == 0);
        break;
    case FSYNC:
        CHECK(fdatasync(fd) == 0);
        break;
    case DROP:
        CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
        break;
    case PUSH:
        CHECK(sync_file_range(fd, at, length, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0);
        break;
    default:
        munmap(map, LIMIT);
        close(direct);
        close(fd);
        open_file();
        break;
    }
}

static void check_all(void)
{
    struct stat status;

    CHECK(fstat(fd, &status) == 0);
    if (status.st_size != size)
        tell_history();
    CHECK(status.st_size == size, "operation %u: size %ld, expected %ld", done, (long)status.st_size, (long)size);
    differ("all", map, 0, size);
}

int main(int argc, char **argv)
{
    double end;
    int out;

    CHECK(argc == 5);
    random_state = random_seed();
    CHECK(chdir(argv[1]) == 0);
    path = argv[2];
    model = calloc(1, LIMIT);
    open_file();
    for (end = seconds_now() + atof(argv[3]); seconds_now() < end;) {
        operate((enum operation)(random_next(&random_state) % OPERATIONS));
        if (done % 64 == 0)
            check_all();
    }
    check_all();
    CHECK(fdatasync(fd) == 0); /* of an atomic file only what was committed outlives the mount */
    out = open(argv[4], O_CREAT | O_TRUNC | O_WRONLY, 0600);
    CHECK(out >= 0 && write(out, model, (size_t)size) == size);
    printf("%u operations\n", done);
    return 0;
}
