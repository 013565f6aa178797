#include "config.h"

#include "content.h"

#include "../mount/check.h"

void fill(unsigned char *bytes, size_t size, unsigned salt)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)((i + i / PAGE * 7 + salt) % 251 + 1);
}

void put(int file, off_t offset, size_t size, unsigned salt)
{
    unsigned char *bytes = malloc(size);

    CHECK(bytes);
    fill(bytes, size, salt);
    CHECK(pwrite(file, bytes, size, offset) == (ssize_t)size);
    free(bytes);
}

void expect(int file, off_t offset, size_t size, unsigned salt)
{
    unsigned char *bytes = malloc(size), *seen = malloc(size);

    CHECK(bytes && seen);
    fill(bytes, size, salt);
    CHECK(pread(file, seen, size, offset) == (ssize_t)size);
    CHECK(memcmp(bytes, seen, size) == 0, "other bytes are read than were written");
    free(bytes);
    free(seen);
}

int make(const char *path, size_t size, unsigned salt)
{
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

    CHECK(file >= 0, "%s", path);
    if (size)
        put(file, 0, size, salt);
    return file;
}

void sync_and_close(int file)
{
    CHECK(fsync(file) == 0 && close(file) == 0);
}

void make_synced(const char *path, size_t size, unsigned salt)
{
    sync_and_close(make(path, size, salt));
}

void make_bystanders(const char *folder)
{
    char path[PAGE];
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), file;

    CHECK(at >= 0);
    for (unsigned i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "bystander-%u", i);
        file = openat(at, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600 + i);
        CHECK(file >= 0);
        if (i)
            put(file, 0, i * 10000 + i, 100 + i);
        CHECK(close(file) == 0);
    }
    CHECK(mkdirat(at, "bystanders", 0755) == 0);
    file = openat(at, "bystanders/same", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(file >= 0);
    put(file, 0, 3 * PAGE, 110);
    CHECK(close(file) == 0 && close(at) == 0);
}
