/* What tests of inodes, places and descriptors ask of a house. */
#ifndef UNIT_FSD_INODES_H
#define UNIT_FSD_INODES_H

#include "fsd-support.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static inline struct inode_table *table_of(struct house *house)
{
    return &house->worker->inodes;
}

static inline struct descriptor_cache *cache_of(struct house *house)
{
    return &house->worker->descriptors;
}

static inline struct inode *truth_of(struct house *house, uint32_t slot)
{
    return &house->arena.inodes[slot];
}

static inline void make_empty(struct house *house, const char *name)
{
    int fd = openat(house->root, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_return_code(fd, errno);
    close(fd);
}

static inline uint32_t look_up(struct house *house, uint32_t parent, int folder, const char *name)
{
    struct statx status;
    uint32_t slot;

    assert_int_equal(inode_lookup(table_of(house), parent, folder, name, &status, &slot, effects_of(house)), 0);
    return slot;
}

static inline uint32_t look_up_in_root(struct house *house, const char *name)
{
    return look_up(house, INODE_ROOT, house->root, name);
}

/* All of it. */
static inline void forget(struct house *house, uint32_t slot)
{
    inode_forget(table_of(house), slot, truth_of(house, slot)->lookups, &house->arena.arrivals[0].forgotten, 0);
}

static inline ino_t number_behind(int fd)
{
    struct stat status;

    assert_return_code(fstat(fd, &status), errno);
    return status.st_ino;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, house_setup, house_teardown)

#endif
