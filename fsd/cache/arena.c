#include "config.h"

#include "cache/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "log.h"

#define INODE_MAX (8u << 20)
#define FILE_MAX (2u << 20)
#define HANDLE_MAX (1u << 20)
#define NAME_MAX_COUNT (16u << 20)
#define AREA_MAX 65535u
#define HUGE ((size_t)2 << 20)

/* Where shared memory may be huge: tables and pages then cost the kernel's copies one look-up for 2 MiB instead of one for 4 KiB. A tmpfs
 * of our own, mounted nowhere, which only root may make; else a memfd, which the system may keep small. */
static int open_memory(void)
{
    int context = fsopen("tmpfs", FSOPEN_CLOEXEC), mount = -1, fd = -1;

    if (context >= 0 && !fsconfig(context, FSCONFIG_SET_STRING, "huge", "within_size", 0) &&
        !fsconfig(context, FSCONFIG_SET_STRING, "size", "0", 0) && !fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
        mount = fsmount(context, FSMOUNT_CLOEXEC, 0);
    if (mount >= 0)
        fd = openat(mount, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (mount >= 0)
        close(mount);
    if (context >= 0)
        close(context);
    return fd >= 0 ? fd : memfd_create("mapshare arena", MFD_CLOEXEC);
}

/* Addresses must be aligned like the file for its memory to be mapped huge. */
static void *map_aligned(int fd, size_t bytes)
{
    unsigned char *space = mmap(NULL, bytes + HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    unsigned char *start;

    if (space == MAP_FAILED)
        return MAP_FAILED;
    start = (unsigned char *)(((uintptr_t)space + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
    start = mmap(start, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0);
    if (start != MAP_FAILED)
        madvise(start, bytes, MADV_DONTDUMP); /* clients would wait for the next worker while gigabytes of core are written */
    return start;
}

static size_t place(size_t *end, size_t bytes)
{
    size_t start = *end;

    *end += (bytes + HUGE - 1) / HUGE * HUGE;
    return start;
}

int arena_create(struct arena *arena, uint64_t cache_bytes, uint64_t spill_bytes, int spill_descriptor)
{
    uint32_t frame_max = cache_bytes / PAGE_BYTES, spill_max = spill_descriptor < 0 ? 0 : spill_bytes / PAGE_BYTES;
    size_t bytes = 0, header, inodes, files, handles, names, effects, arrivals, areas, area_bytes, frames, memory;
    unsigned char *base;
    int fd;

    header = place(&bytes, sizeof(struct arena_header));
    inodes = place(&bytes, (INODE_MAX + 1ul) * sizeof(struct inode));
    files = place(&bytes, (FILE_MAX + 1ul) * sizeof(struct file));
    handles = place(&bytes, (HANDLE_MAX + 1ul) * sizeof(struct handle));
    names = place(&bytes, (NAME_MAX_COUNT + 1ul) * sizeof(struct name));
    effects = place(&bytes, EFFECTS_MAX * sizeof(struct effects));
    arrivals = place(&bytes, SERVING_MAX * sizeof(struct arrival));
    areas = place(&bytes, (AREA_MAX + 1ul) * sizeof(struct area));
    area_bytes = place(&bytes, (AREA_MAX + 1ul) * AREA_BYTES);
    frames = place(&bytes, (frame_max + spill_max + 1ul) * sizeof(struct frame));
    memory = place(&bytes, (size_t)frame_max << PAGE_SHIFT);

    fd = open_memory();
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, bytes)) {
        int error = -errno;

        close(fd);
        return error;
    }
    /* Sparse: a page of a table takes memory when its first record is used. */
    base = map_aligned(fd, bytes);
    close(fd);
    if (base == MAP_FAILED)
        return -errno;
    *arena = (struct arena){
        .header = (void *)(base + header),
        .inodes = (void *)(base + inodes),
        .files = (void *)(base + files),
        .handles = (void *)(base + handles),
        .names = (void *)(base + names),
        .effects = (void *)(base + effects),
        .arrivals = (void *)(base + arrivals),
        .areas = (void *)(base + areas),
        .area_bytes = base + area_bytes,
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
        .area_max = AREA_MAX,
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

void arena_unmap(struct arena *arena)
{
    size_t memory = (size_t)arena->header->frame_max << PAGE_SHIFT, spill = (size_t)arena->header->spill_max << PAGE_SHIFT;
    unsigned char *base = (unsigned char *)arena->header; /* the first table; the pages are the last */

    if (arena->spill)
        munmap(arena->spill, spill);
    munmap(base, arena->memory + memory - base);
    *arena = (struct arena){0};
}
