/* What tests of damaged records ask of a house. */
#ifndef UNIT_FSD_DAMAGE_H
#define UNIT_FSD_DAMAGE_H

#include "fsd-inodes.h"

#include "cache/seal.h"
#include "file/damage.h"

static inline bool has_error(struct house *house, uint32_t file)
{
    return house->arena.files[file].error == EUCLEAN && commit_file(house, file) == -EUCLEAN;
}

/* Nothing of it is read, written or changed. */
static inline void assert_refused(struct house *house, uint32_t file)
{
    struct received data = {.rest = (const unsigned char *)"x"};
    char byte;

    assert_true(has_error(house, file));
    assert_int_equal(file_read(house->files, inode_of(house, file), file, &byte, 1, 0), -EUCLEAN);
    assert_int_equal(file_write(house->files, file, &data, 1, 0, WRITE_PLAIN), -EUCLEAN);
    assert_int_equal(file_write(house->files, file, &data, 1, 0, WRITE_MAPPED), -EUCLEAN);
    assert_int_equal(file_truncate(house->files, file, 0), -EUCLEAN);
    assert_int_equal(file_allocate(house->files, file, 0, 0, 1), -EUCLEAN);
    assert_int_equal(file_seek(house->files, inode_of(house, file), file, 0, SEEK_DATA), -EUCLEAN);
}

static inline uint32_t make_handle(struct house *house, uint32_t file)
{
    uint32_t number = ++house->arena.header->handle_used;
    struct handle *handle = &house->arena.handles[number];

    *handle = (struct handle){.generation = 7, .flags = O_RDWR, .unique = 1000 + number, .user = 5};
    handle->inode = inode_of(house, file);
    handle->seal = handle_seal(handle, handle->inode);
    return number;
}

#endif
