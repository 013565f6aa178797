#include "config.h"

#include "process/sizes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "cache/damage.h"
#include "log.h"
#include "process/group.h"
#include "process/readonly.h"
#include "process/remains.h"
#include "request/current.h"
#include "store/unnamed.h"
#include "units.h"

#define CACHE_DEFAULT_MAX (512 * MIB)
#define CACHE_DEFAULT_MIN (32 * MIB)
#define JOURNAL_DEFAULT (16 * MIB)
#define JOURNAL_MIN (4 * MIB)
#define JOURNAL_AMPLE (256 * MIB) /* that it may grow to where a fourth of what is free is so much, */
#define JOURNAL_MAX (1024 * MIB)  /* and where a sixteenth is */
#define WORKER_SPACE (1024 * MIB)
#define THREAD_SPACE (80 * MIB)
#define OWN_MEMORY (128 * MIB) /* of the arena's other tables, in huge pages, and of the processes */
#define FILES_LEAST 64         /* what a worker needs for its threads it tells itself */
#define CACHE_GROWTH 4
#define SPILL_FACTOR 8 /* the spill file may grow to so many times the cache */

/* Of the caller's shell, and not meant for a daemon. */
void sizes_raise_limits(void)
{
    static const int raised[] = {RLIMIT_FSIZE, RLIMIT_AS, RLIMIT_DATA, RLIMIT_CPU, RLIMIT_NOFILE};

    for (size_t i = 0; i < sizeof raised / sizeof raised[0]; i++) {
        struct rlimit limit;

        if (setrlimit(raised[i], &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}) && !getrlimit(raised[i], &limit)) {
            limit.rlim_cur = limit.rlim_max;
            setrlimit(raised[i], &limit);
        }
    }
}

/* The limit if there is one that is less, else 0. */
static uint64_t limited(int resource, uint64_t needed)
{
    struct rlimit limit;

    return !getrlimit(resource, &limit) && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < needed ? limit.rlim_cur : 0;
}

/* `what`: the option by which it is told. 0, or -errno after a message. */
static int check_memory(const char *what, uint64_t bytes, uint64_t memory, uint64_t group)
{
    if (bytes > memory / 4 * 3) {
        log_line(LOG_FATAL, "%s=%" PRIu64 "M: more than three quarters of the memory that there is for us, %" PRIu64 "M; give less",
                 what, bytes / MIB, memory / MIB);
        return -ENOMEM;
    }
    if (group != UINT64_MAX && group < bytes + OWN_MEMORY) { /* the system would kill us again and again */
        log_line(LOG_FATAL,
                 "%s=%" PRIu64 "M: the control group's limit of memory is %" PRIu64
                 "M, and %d are needed beside the cache; raise it or give less",
                 what, bytes / MIB, group / MIB, (int)(OWN_MEMORY / MIB));
        return -ENOMEM;
    }
    return 0;
}

/* What it may be raised to takes no memory until then, but has a place in the arena. */
static uint64_t choose_cache_max(uint64_t cache, uint64_t memory, uint64_t group)
{
    uint64_t most = memory / 4 * 3;

    if (group != UINT64_MAX && group - OWN_MEMORY < most)
        most = group - OWN_MEMORY;
    if (cache * CACHE_GROWTH < most)
        most = cache * CACHE_GROWTH;
    return most < cache || limited(RLIMIT_AS, UINT64_MAX) || limited(RLIMIT_FSIZE, UINT64_MAX) ? cache : most / MIB * MIB;
}

static int choose_cache(struct options *options)
{
    uint64_t *cache = &options->tuning.cache_size, memory, group = group_memory();
    struct sysinfo system;
    int error;

    if (sysinfo(&system))
        return -errno;
    memory = (uint64_t)system.totalram * system.mem_unit;
    if (group < memory)
        memory = group;
    if (!*cache) {
        *cache = memory / 8 < CACHE_DEFAULT_MAX ? memory / 8 : CACHE_DEFAULT_MAX;
        if (*cache < CACHE_DEFAULT_MIN)
            *cache = CACHE_DEFAULT_MIN;
    }
    error = check_memory("cache_size", *cache, memory, group);
    if (!error && *cache < options_cache_least(options)) {
        log_line(LOG_FATAL, "cache_size=%" PRIu64 "M: too little for %" PRIu64 " threads; give at least 2M for each", *cache / MIB,
                 options->threads);
        return -EINVAL;
    }
    if (!error && options->cache_max && options->cache_max < *cache) {
        log_line(LOG_FATAL, "cache_max=%" PRIu64 "M: less than cache_size, %" PRIu64 "M; give more, or leave it out",
                 options->cache_max / MIB, *cache / MIB);
        return -EINVAL;
    }
    if (!error && !options->cache_max)
        options->cache_max = choose_cache_max(*cache, memory, group);
    return error ?: check_memory("cache_max", options->cache_max, memory, group);
}

static uint64_t between(uint64_t least, uint64_t value, uint64_t most)
{
    return value < least ? least : value > most ? most : value;
}

static int choose_journal(struct options *options, const struct daemon *daemon)
{
    uint64_t *size = &options->journal_size, *max = &options->tuning.journal_max, room, ample;
    struct statvfs disk;
    struct stat journal;

    if (fstatvfs(daemon->owned[OWNED_STORE], &disk))
        return -errno;
    room = disk.f_bavail * disk.f_frsize / 4;
    if (*size) {
        *max = *max ?: *size;
        return 0;
    }
    if (!fstatat(daemon->owned[OWNED_PRIVATE_FOLDER], "journal", &journal, AT_SYMLINK_NOFOLLOW))
        *size = journal.st_size;
    else
        *size = readonly_applies(daemon) ? JOURNAL_MIN : between(JOURNAL_MIN, room / MIB * MIB, JOURNAL_DEFAULT);
    ample = between(JOURNAL_MIN, room / MIB * MIB, JOURNAL_AMPLE);
    *max = *max ?: between(ample, room / 4 / MIB * MIB, JOURNAL_MAX);
    return 0;
}

int sizes_choose(struct options *options, const struct daemon *daemon)
{
    uint64_t limit;
    int error = choose_cache(options);

    if (!error)
        error = choose_journal(options, daemon);
    if (error)
        return error;
    limit = limited(RLIMIT_NOFILE, FILES_LEAST);
    if (limit) {
        log_line(LOG_FATAL, "the limit of open files is %" PRIu64 " (ulimit -n); raise it to %d at least", limit, FILES_LEAST);
        return -EMFILE;
    }
    limit = limited(RLIMIT_FSIZE, options->journal_size);
    if (limit) {
        log_line(LOG_FATAL,
                 "journal_size=%" PRIu64 "M: the limit of file sizes is %" PRIu64 " KiB (ulimit -f); raise it or give less",
                 options->journal_size / MIB, limit / 1024);
        return -EFBIG;
    }
    return 0;
}

/* Without a name from the start: it goes with the last process that has it open. But where the arena outlives all of them, it must, too. */
static int open_spill(const struct daemon *daemon)
{
    int folder = daemon->owned[OWNED_PRIVATE_FOLDER], fd = -1;

    unlinkat(folder, SPILL_NAME, 0);
    if (daemon->options->arena[0])
        return openat(folder, SPILL_NAME, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    unnamed_open(folder, SPILL_NAME, &fd);
    return fd;
}

/* The largest file that the store takes: nothing tells but trying. */
static uint64_t find_size_max(int fd)
{
    uint64_t works = 0, fails = (uint64_t)INT64_MAX + 1;

    if (!ftruncate(fd, INT64_MAX))
        works = INT64_MAX;
    while (fails - works > 1) {
        uint64_t middle = works + (fails - works) / 2;

        if (ftruncate(fd, middle))
            fails = middle;
        else
            works = middle;
    }
    return works;
}

/* A worker's tables, stacks and heaps come on top of the arena: better told now than by a worker that cannot start. */
static int try_space(uint64_t bytes)
{
    void *space = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (space == MAP_FAILED)
        return -errno;
    munmap(space, bytes);
    return 0;
}

/* Shared memory counts as a file, too. */
static void tell_no_memory(const struct options *options, int error)
{
    bool file = error == -EFBIG;
    uint64_t limit = limited(file ? RLIMIT_FSIZE : RLIMIT_AS, UINT64_MAX);

    if (limit)
        log_line(LOG_FATAL, "cache_size=%" PRIu64 "M: the limit of %s is %" PRIu64 " KiB (ulimit -%c); raise it or give less",
                 options->tuning.cache_size / MIB, file ? "file sizes" : "address space", limit / 1024, file ? 'f' : 'v');
    else
        log_line(LOG_FATAL, "cache_size=%" PRIu64 "M: no memory%s%s: %s", options->tuning.cache_size / MIB,
                 options->arena[0] ? " in arena=" : "", options->arena, strerror(-error));
}

int sizes_make_arena(struct daemon *daemon)
{
    const struct options *options = daemon->options;
    uint64_t spill = options->tuning.cache_size * SPILL_FACTOR, size_max = INT64_MAX;
    int folder, error;

    daemon->owned[OWNED_SPILL] = open_spill(daemon);
    if (daemon->owned[OWNED_SPILL] >= 0)
        size_max = find_size_max(daemon->owned[OWNED_SPILL]);
    if (daemon->owned[OWNED_SPILL] >= 0 && ftruncate(daemon->owned[OWNED_SPILL], spill)) {
        close(daemon->owned[OWNED_SPILL]);
        daemon->owned[OWNED_SPILL] = -1;
    }
    if (daemon->owned[OWNED_SPILL] < 0)
        log_line(LOG_NOTE, "no spill file: %s; changes are limited to cache_size", strerror(errno));
    folder = remains_open_folder(options);
    error = arena_create(&daemon->arena, folder, &options->tuning, options->cache_max, spill, daemon->owned[OWNED_SPILL]);
    if (folder >= 0)
        close(folder);
    if (!error)
        daemon->owned[OWNED_ARENA] = daemon->arena.fd;
    if (!error)
        error = try_space(WORKER_SPACE + options->threads * THREAD_SPACE);
    if (!error) {
        daemon->arena.header->size_max = size_max;
        remains_sign(daemon);
        arena_seal(&daemon->arena);
    } else {
        tell_no_memory(options, error);
    }
    return error;
}
