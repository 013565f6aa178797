#include "config.h"

#include "cache/arena.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"

#define INODE_MAX (8u << 20)
#define FILE_MAX (2u << 20)
#define HANDLE_MAX (1u << 20)
#define NAME_MAX_COUNT (4u << 20)

static size_t place(size_t *end, size_t bytes)
{
    size_t start = *end;

    *end += (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    return start;
}

int arena_create(struct arena *arena, uint64_t cache_bytes, uint64_t spill_bytes, int spill_descriptor)
{
    uint32_t frame_max = cache_bytes / PAGE_BYTES, spill_max = spill_descriptor < 0 ? 0 : spill_bytes / PAGE_BYTES;
    size_t bytes = 0, header, inodes, files, handles, names, frames, memory;
    unsigned char *base;
    int fd;

    header = place(&bytes, sizeof(struct arena_header));
    inodes = place(&bytes, (INODE_MAX + 1ul) * sizeof(struct inode));
    files = place(&bytes, (FILE_MAX + 1ul) * sizeof(struct file));
    handles = place(&bytes, (HANDLE_MAX + 1ul) * sizeof(struct handle));
    names = place(&bytes, (NAME_MAX_COUNT + 1ul) * sizeof(struct name));
    frames = place(&bytes, (frame_max + spill_max + 1ul) * sizeof(struct frame));
    memory = place(&bytes, (size_t)frame_max << PAGE_SHIFT);

    fd = memfd_create("mapshare arena", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, bytes)) {
        int error = -errno;

        close(fd);
        return error;
    }
    /* Sparse: a page of a table takes memory when its first record is used. */
    base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    close(fd);
    if (base == MAP_FAILED)
        return -errno;
    *arena = (struct arena){
        .header = (void *)(base + header),
        .inodes = (void *)(base + inodes),
        .files = (void *)(base + files),
        .handles = (void *)(base + handles),
        .names = (void *)(base + names),
        .frames = (void *)(base + frames),
        .memory = base + memory,
    };
    *arena->header = (struct arena_header){
        .magic = ARENA_MAGIC,
        .layout = ARENA_LAYOUT,
        .inode_max = INODE_MAX,
        .file_max = FILE_MAX,
        .frame_max = frame_max,
        .spill_max = spill_max,
        .handle_max = HANDLE_MAX,
        .name_max = NAME_MAX_COUNT,
    };
    if (spill_max) {
        arena->spill =
            mmap(NULL, (size_t)spill_max << PAGE_SHIFT, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, spill_descriptor, 0);
        if (arena->spill == MAP_FAILED) {
            int error = -errno;

            munmap(base, bytes);
            return error;
        }
    }
    return 0;
}
