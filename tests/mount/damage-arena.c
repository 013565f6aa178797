/* Damages one record in the memory of a mount's daemon, by way of its keeper or, if that has one, of its file: as a fault of the machine or of ours would. */
#include "config.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/arena.h"

#define HUGE ((size_t)2 << 20)

static void *map(const char *folder, const char *name)
{
    unsigned long start, end;
    char path[4096];
    void *memory;
    int fd;

    if (sscanf(name, "%lx-%lx", &start, &end) != 2)
        return NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    memory = mmap(NULL, end - start, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory == MAP_FAILED)
        return NULL;
    if (end - start > sizeof(struct arena_header) && *(uint64_t *)memory == ARENA_MAGIC)
        return memory;
    munmap(memory, end - start);
    return NULL;
}

static struct arena_header *find_file(const char *path)
{
    struct stat status;
    void *memory = MAP_FAILED;
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd >= 0 && !fstat(fd, &status))
        memory = mmap(NULL, status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        err(1, "%s", path);
    close(fd);
    return memory;
}

static struct arena_header *find(const char *keeper)
{
    struct arena_header *header = NULL;
    struct dirent *entry;
    char folder[64];
    DIR *maps;

    snprintf(folder, sizeof folder, "/proc/%s/map_files", keeper);
    maps = opendir(folder);
    while (maps && !header && (entry = readdir(maps)))
        header = map(folder, entry->d_name);
    if (maps)
        closedir(maps);
    if (!header)
        errx(1, "%s: no arena there", folder);
    return header;
}

/* As arena_create() places them. */
static void *next(unsigned char **at, size_t bytes)
{
    void *table = *at;

    *at += (bytes + HUGE - 1) / HUGE * HUGE;
    return table;
}

static struct arena lay_out(struct arena_header *header)
{
    unsigned char *at = (unsigned char *)header;
    struct arena arena;

    arena.header = next(&at, sizeof *header);
    arena.inodes = next(&at, (header->inode_max + 1ul) * sizeof(struct inode));
    arena.files = next(&at, (header->file_max + 1ul) * sizeof(struct file));
    arena.handles = next(&at, (header->handle_max + 1ul) * sizeof(struct handle));
    arena.names = next(&at, (header->name_max + 1ul) * sizeof(struct name));
    arena.effects = next(&at, EFFECTS_MAX * sizeof(struct effects));
    arena.arrivals = next(&at, SERVING_MAX * sizeof(struct arrival));
    arena.areas = next(&at, (header->area_max + 1ul) * sizeof(struct area));
    arena.area_bytes = next(&at, (header->area_max + 1ul) * AREA_BYTES);
    arena.feed_slots = next(&at, (MAPSHARE_ABI_FEED_RECORDS + MAPSHARE_ABI_HAPPENING_RECORDS) * sizeof(struct feed_slot));
    arena.frames = next(&at, ((size_t)header->frame_max + header->spill_max + 1) * sizeof(struct frame));
    return arena;
}

static uint32_t slot_of(const struct arena *arena, uint64_t number)
{
    for (uint32_t slot = arena->header->inode_used; slot; slot--) {
        if (arena->inodes[slot].number == number)
            return slot;
    }
    errx(1, "no inode %llu there", (unsigned long long)number);
}

static struct frame *frame_of(const struct arena *arena, uint32_t file)
{
    for (uint32_t i = arena->header->frame_max; i; i--) {
        if (file && arena->frames[i].file == file)
            return &arena->frames[i];
    }
    errx(1, "no page of it there");
}

static struct handle *handle_of(const struct arena *arena, uint32_t slot)
{
    for (uint32_t i = arena->header->handle_used; i; i--) {
        if (arena->handles[i].inode == slot)
            return &arena->handles[i];
    }
    errx(1, "nobody has it open");
}

int main(int argc, char **argv)
{
    struct arena arena;
    const char *what;
    uint32_t slot;

    if (argc != 4)
        errx(2, "usage: damage-arena KEEPER|FILE header|inode|file|stale|frame|handle|name INODE");
    arena = lay_out(argv[1][0] == '/' ? find_file(argv[1]) : find(argv[1]));
    what = argv[2];
    slot = slot_of(&arena, strtoull(argv[3], NULL, 10));
    if (!strcmp(what, "header"))
        arena.header->frame_max ^= 1 << 7;
    else if (!strcmp(what, "inode"))
        arena.inodes[slot].birth.tv_nsec ^= 1;
    else if (!strcmp(what, "file"))
        arena.files[arena.inodes[slot].file].flags ^= 1 << 5;
    else if (!strcmp(what, "stale")) /* sound, but the kernel's pages of the file are not */
        arena.files[arena.inodes[slot].file].flags |= FILE_STALE;
    else if (!strcmp(what, "frame"))
        frame_of(&arena, arena.inodes[slot].file)->page ^= 1;
    else if (!strcmp(what, "handle"))
        handle_of(&arena, slot)->user ^= 1;
    else if (!strcmp(what, "name"))
        arena.names[(uint32_t)arena.inodes[slot].place].text[0] = '/';
    else
        errx(2, "%s: unknown", what);
    return 0;
}
