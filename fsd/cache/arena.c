#include "config.h"

#include "cache/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "log.h"

#define INODE_MAX (8u << 20)
#define FILE_MAX (2u << 20)
#define HANDLE_MAX (1u << 20)
#define NAME_MAX_COUNT (16u << 20)
#define AREA_MAX 65535u
#define FEED_SLOTS (MAPSHARE_ABI_FEED_RECORDS + MAPSHARE_ABI_HAPPENING_RECORDS)
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

/* A change of a record's size that nobody told as a change of the layout. */
static uint32_t sum_of_sizes(void)
{
    static const size_t sizes[] = {sizeof(struct arena_header),
                                   sizeof(struct inode),
                                   sizeof(struct file),
                                   sizeof(struct handle),
                                   sizeof(struct name),
                                   sizeof(struct effects),
                                   sizeof(struct arrival),
                                   sizeof(struct area),
                                   sizeof(struct frame),
                                   sizeof(struct feed_slot),
                                   FEED_SLOTS,
                                   EFFECTS_MAX,
                                   SERVING_MAX,
                                   AREA_BYTES,
                                   INODE_MAX,
                                   FILE_MAX,
                                   HANDLE_MAX,
                                   NAME_MAX_COUNT,
                                   AREA_MAX};
    uint32_t sum = 0;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        sum = sum * 31 + (uint32_t)sizes[i];
    return sum;
}

enum table { HEADER, INODES, FILES, HANDLES, NAMES, EFFECTS, ARRIVALS, AREAS, AREA_MEMORY, FEED, FRAMES, MEMORY, TABLES };

/* Where each table begins. Returns where all end. */
static size_t lay_out(uint32_t frame_max, uint32_t spill_max, size_t at[TABLES])
{
    const size_t sizes[TABLES] = {
        [HEADER] = sizeof(struct arena_header),
        [INODES] = (INODE_MAX + 1ul) * sizeof(struct inode),
        [FILES] = (FILE_MAX + 1ul) * sizeof(struct file),
        [HANDLES] = (HANDLE_MAX + 1ul) * sizeof(struct handle),
        [NAMES] = (NAME_MAX_COUNT + 1ul) * sizeof(struct name),
        [EFFECTS] = EFFECTS_MAX * sizeof(struct effects),
        [ARRIVALS] = SERVING_MAX * sizeof(struct arrival),
        [AREAS] = (AREA_MAX + 1ul) * sizeof(struct area),
        [AREA_MEMORY] = (AREA_MAX + 1ul) * AREA_BYTES,
        [FEED] = FEED_SLOTS * sizeof(struct feed_slot),
        [FRAMES] = (frame_max + spill_max + 1ul) * sizeof(struct frame),
        [MEMORY] = (size_t)frame_max << PAGE_SHIFT,
    };
    size_t end = 0;

    for (int table = 0; table < TABLES; table++) {
        at[table] = end;
        end += (sizes[table] + HUGE - 1) / HUGE * HUGE;
    }
    return end;
}

/* Sparse: a page of a table takes memory when its first record is used. */
static int map_all(struct arena *arena, int fd, uint32_t frame_max, uint32_t spill_max, int spill_descriptor)
{
    size_t at[TABLES], bytes = lay_out(frame_max, spill_max, at);
    unsigned char *base = map_aligned(fd, bytes);

    if (base == MAP_FAILED)
        return -errno;
    *arena = (struct arena){
        .fd = fd,
        .header = (void *)(base + at[HEADER]),
        .inodes = (void *)(base + at[INODES]),
        .files = (void *)(base + at[FILES]),
        .handles = (void *)(base + at[HANDLES]),
        .names = (void *)(base + at[NAMES]),
        .effects = (void *)(base + at[EFFECTS]),
        .arrivals = (void *)(base + at[ARRIVALS]),
        .areas = (void *)(base + at[AREAS]),
        .area_bytes = base + at[AREA_MEMORY],
        .feed_slots = (void *)(base + at[FEED]),
        .frames = (void *)(base + at[FRAMES]),
        .memory = base + at[MEMORY],
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

void arena_tune(struct arena_header *header, const struct tuning *tuning)
{
    header->tunings[(header->tuned + 1) % 2] = *tuning;
    atomic_fetch_add(&header->tuned, 1);
}

void arena_use_frames(struct arena_header *header, uint32_t used)
{
    if (used <= arena_frame_used(header))
        return;
    header->frame_used = used;
    header->frame_used_not = ~used;
}

/* Pages that a file system has no room for would end who stores to them. */
static int take_room(int fd, size_t from, size_t end)
{
    struct statfs status;

    if (fstatfs(fd, &status))
        return -errno;
    if (status.f_type == TMPFS_MAGIC && !status.f_blocks) /* no limit but memory's */
        return 0;
    return fallocate(fd, 0, (off_t)from, (off_t)(end - from)) ? -errno : 0;
}

int arena_create(struct arena *arena, int folder, const struct tuning *tuning, uint64_t cache_max, uint64_t spill_bytes,
                 int spill_descriptor)
{
    uint32_t frame_max = cache_max / PAGE_BYTES, spill_max = spill_descriptor < 0 ? 0 : spill_bytes / PAGE_BYTES;
    size_t at[TABLES], end = lay_out(frame_max, spill_max, at);
    int fd = folder < 0 ? open_memory() : openat(folder, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600), error;

    if (fd < 0)
        return -errno;
    error = ftruncate(fd, (off_t)end) ? -errno : 0;
    if (!error && folder >= 0)
        error = take_room(fd, at[FRAMES], end);
    if (!error)
        error = map_all(arena, fd, frame_max, spill_max, spill_descriptor);
    if (error) {
        close(fd);
        return error;
    }
    *arena->header = (struct arena_header){
        .magic = ARENA_MAGIC,
        .layout = ARENA_LAYOUT,
        .sizes = sum_of_sizes(),
        .inode_max = INODE_MAX,
        .file_max = FILE_MAX,
        .frame_max = frame_max,
        .spill_max = spill_max,
        .handle_max = HANDLE_MAX,
        .name_max = NAME_MAX_COUNT,
        .area_max = AREA_MAX,
        .frame_used_not = ~0u,
        .tunings = {*tuning},
    };
    arena_use_frames(arena->header, tuning->cache_size / PAGE_BYTES);
    return 0;
}

int arena_adopt(struct arena *arena, int fd, int spill_descriptor)
{
    struct arena_header head;
    struct stat stat;
    size_t at[TABLES];
    ssize_t n = pread(fd, &head, sizeof head, 0);

    if (n < 0 || fstat(fd, &stat))
        return -errno;
    if (n != sizeof head || head.magic != ARENA_MAGIC || head.layout != ARENA_LAYOUT || head.sizes != sum_of_sizes())
        return -EPROTO;
    if ((uint64_t)stat.st_size != lay_out(head.frame_max, head.spill_max, at) || (head.spill_max && spill_descriptor < 0))
        return -EPROTO;
    return map_all(arena, fd, head.frame_max, head.spill_max, spill_descriptor);
}

void arena_forget_clients(const struct arena *arena)
{
    static const enum table theirs[] = {HANDLES, EFFECTS, ARRIVALS, AREAS, AREA_MEMORY};
    struct arena_header *header = arena->header;
    size_t at[TABLES];

    lay_out(header->frame_max, header->spill_max, at);
    for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++)
        madvise((unsigned char *)header + at[theirs[i]], at[theirs[i] + 1] - at[theirs[i]], MADV_REMOVE);
    header->handle_used = header->area_used = header->init_length = 0;
    header->redo.slot = 0;
    header->journal.hold = 0;
    for (uint32_t i = 1; i <= header->inode_used; i++) {
        arena->inodes[i].lookups = 0;
        arena->inodes[i].pinned = -1;
    }
}

void arena_unmap(struct arena *arena)
{
    size_t memory = (size_t)arena->header->frame_max << PAGE_SHIFT, spill = (size_t)arena->header->spill_max << PAGE_SHIFT;
    unsigned char *base = (unsigned char *)arena->header; /* the first table; the pages are the last */

    if (arena->spill)
        munmap(arena->spill, spill);
    munmap(base, arena->memory + memory - base);
    close(arena->fd);
    *arena = (struct arena){0};
}
