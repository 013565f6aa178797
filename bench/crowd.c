/* Several processes at once: commits of their own files, of one file, beside readers; how long each takes; and what else grows beside a commit. */
#include "config.h"

#include "measure.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_SIZE ((size_t)1 << 20)
#define PROCESSES_MAX 32
#define SAMPLES_MAX ((size_t)1 << 19) /* of one process */

/* Of one process, in memory that all share. */
struct member {
    uint64_t done;
    size_t count; /* of the latencies */
    double latencies[];
};

struct team {
    const struct settings *settings;
    int one_file; /* all have the same one */
    unsigned writers;
    char *members;
    size_t member_size;
    double begin, spent;
};

static struct member *member_of(const struct team *team, unsigned index)
{
    return (struct member *)(team->members + index * team->member_size);
}

static void gather_team(struct team *team, unsigned count, size_t samples)
{
    if (count > PROCESSES_MAX) {
        errx(1, "at most %d processes", PROCESSES_MAX);
    }
    team->member_size = (sizeof(struct member) + samples * sizeof(double) + PAGE - 1) / PAGE * PAGE;
    team->members = mmap(NULL, count * team->member_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (team->members == MAP_FAILED) {
        err(1, "memory");
    }
    for (unsigned i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "process-%u", i);
        close(open_data(team->settings, name, FILE_SIZE));
    }
}

static char *map_file_of(const struct team *team, unsigned index)
{
    char name[32];
    snprintf(name, sizeof(name), "process-%u", team->one_file ? 0 : index);
    int fd = open_data(team->settings, name, FILE_SIZE);
    char *memory = map_resident(fd, FILE_SIZE);
    close(fd);
    return memory;
}

static void commit_pages(const struct team *team, unsigned index, size_t pages, size_t samples)
{
    struct member *member = member_of(team, index);
    char *memory = map_file_of(team, index);
    unsigned seed = team->settings->seed + index;
    double end = now_microseconds() + team->settings->seconds * 1e6, before;
    do {
        for (size_t i = 0; i < pages; i++) {
            memory[(size_t)rand_r(&seed) % FILE_SIZE]++;
        }
        before = now_microseconds();
        sync_mapping(memory, FILE_SIZE);
        if (member->count < samples) {
            member->latencies[member->count++] = now_microseconds() - before;
        }
        member->done++;
    } while (now_microseconds() < end);
}

static void read_all_over(const struct team *team, unsigned index)
{
    const volatile char *memory = map_file_of(team, index);
    unsigned seed = team->settings->seed + index;
    double end = now_microseconds() + team->settings->seconds * 1e6;
    do {
        for (unsigned i = 0; i < 1000; i++) {
            (void)memory[(size_t)rand_r(&seed) % FILE_SIZE];
        }
        member_of(team, index)->done += 1000;
    } while (now_microseconds() < end);
}

static void take_part(unsigned index, void *argument)
{
    const struct team *team = argument;
    if (index < team->writers) {
        commit_pages(team, index, 1, 0);
    } else {
        read_all_over(team, index);
    }
}

static uint64_t sum(const struct team *team, unsigned first, unsigned end)
{
    uint64_t done = 0;
    for (unsigned i = first; i < end; i++) {
        done += member_of(team, i)->done;
    }
    return done;
}

static void run_team(struct team *team, unsigned count)
{
    gather_team(team, count, 0);
    double begin = now_microseconds();
    in_processes(count, take_part, team);
    team->spent = now_microseconds() - begin;
}

static void commits_of(const struct settings *settings, int one_file, const char *what)
{
    char metric[64];
    struct team team = {.settings = settings, .one_file = one_file, .writers = settings->processes};
    run_team(&team, settings->processes);
    snprintf(metric, sizeof(metric), "commits, %u process%s%s", settings->processes, settings->processes == 1 ? "" : "es", what);
    sample(metric, (double)sum(&team, 0, settings->processes) * 1e6 / team.spent, "1/s");
}

static void own_files(const struct settings *settings)
{
    commits_of(settings, 0, "");
}

static void one_file(const struct settings *settings)
{
    commits_of(settings, 1, " on one file");
}

/* As many readers as writers, all with the one file mapped. */
static void readers(const struct settings *settings)
{
    char metric[64];
    unsigned writers = settings->processes;
    struct team team = {.settings = settings, .one_file = 1, .writers = writers};
    run_team(&team, 2 * writers);
    snprintf(metric, sizeof(metric), "commits, %u writers beside %u readers", writers, writers);
    sample(metric, (double)sum(&team, 0, writers) * 1e6 / team.spent, "1/s");
    snprintf(metric, sizeof(metric), "loads of %u readers beside %u writers", writers, writers);
    sample(metric, (double)sum(&team, writers, 2 * writers) / team.spent, "1/us");
}

static void commit_timed(unsigned index, void *argument)
{
    const struct team *team = argument;
    commit_pages(team, index, team->settings->pages, SAMPLES_MAX);
}

static void sample_team(const struct team *team, const char *what)
{
    size_t count = 0;
    double *all = allocate(team->settings->processes * SAMPLES_MAX, sizeof(*all));
    for (unsigned i = 0; i < team->settings->processes; i++) {
        const struct member *member = member_of(team, i);
        for (size_t at = 0; at < member->count; at++) {
            all[count++] = member->latencies[at];
        }
    }
    sample_distribution(what, all, count);
    free(all);
}

/* Each commit's time, for long enough that checkpoints run beside. */
static void tail(const struct settings *settings)
{
    char what[64];
    struct team team = {.settings = settings};
    gather_team(&team, settings->processes, SAMPLES_MAX);
    in_processes(settings->processes, commit_timed, &team);
    snprintf(what, sizeof(what), "%zu pages, %u client%s", settings->pages, settings->processes,
             settings->processes == 1 ? "" : "s");
    sample_team(&team, what);
}

/* Until standard input ends. */
static void commit_until_told(unsigned index, void *argument)
{
    const struct team *team = argument;
    volatile uint64_t *told = &member_of(team, team->writers)->done;
    struct member *member = member_of(team, index);
    char name[32], page[PAGE] = "";
    unsigned seed = team->settings->seed + index;
    if (index == team->writers) {
        while (read(STDIN_FILENO, page, sizeof(page)) > 0) {
        }
        *told = 1;
        return;
    }
    snprintf(name, sizeof(name), "process-%u", index);
    int fd = open_data(team->settings, name, FILE_SIZE);
    while (!*told && member->count < SAMPLES_MAX) {
        off_t at = (off_t)((size_t)rand_r(&seed) % (FILE_SIZE / PAGE) * PAGE);
        double before = now_microseconds();
        if (pwrite(fd, page, PAGE, at) != (ssize_t)PAGE || fsync(fd) != 0) {
            err(1, "%s", name);
        }
        member->latencies[member->count++] = now_microseconds() - before;
    }
    close(fd);
}

/* Writes and syncs while something else goes on, which begins at the line "on". */
static void until_told(const struct settings *settings)
{
    char what[64];
    struct team team = {.settings = settings, .writers = settings->processes};
    gather_team(&team, settings->processes + 1, SAMPLES_MAX);
    puts("on");
    fflush(stdout);
    in_processes(settings->processes + 1, commit_until_told, &team);
    snprintf(what, sizeof(what), "%u writers", settings->processes);
    sample_team(&team, what);
}

/* ---- what else there is ---- */

struct place {
    int fd;
    char *memory;
    size_t size; /* stores go all over it */
    unsigned seed;
};

static double commit_one(struct place *place)
{
    size_t page =
        (size_t)(((uint64_t)(unsigned)rand_r(&place->seed) << 20 ^ (unsigned)rand_r(&place->seed)) % (place->size / PAGE));
    place->memory[page * PAGE]++;
    double begin = now_microseconds();
    if (fsync(place->fd) != 0) {
        err(1, "fsync");
    }
    return now_microseconds() - begin;
}

/* In turn with the plain one, so that a slow moment is both's. */
static void compare(const struct settings *settings, const char *metric, struct place *plain, struct place *other)
{
    commit_one(other);
    for (unsigned i = 0; i < settings->repeats; i++) {
        sample("commit of 1 page", commit_one(plain), "us");
        sample(metric, commit_one(other), "us");
    }
}

static struct place make_sparse(const struct settings *settings, const char *name, size_t size)
{
    struct place place = {.fd = open_data(settings, name, PAGE), .size = size, .seed = settings->seed};
    if (ftruncate(place.fd, (off_t)size) != 0) {
        err(1, "%s: ftruncate", name);
    }
    place.memory = map_shared(place.fd, size, PROT_READ | PROT_WRITE);
    return place;
}

static void scaling(const struct settings *settings)
{
    char metric[64];
    struct place plain = make_sparse(settings, "plain", FILE_SIZE), large = make_sparse(settings, "large", (size_t)1 << 40);
    compare(settings, "commit of 1 page of 1 TiB sparse", &plain, &large);
    unmap(large.memory, large.size);
    close(large.fd);

    struct place mapped = make_sparse(settings, "mapped", FILE_SIZE);
    char **more = allocate(settings->mappings, sizeof(*more));
    for (unsigned i = 0; i < settings->mappings; i++) {
        more[i] = map_resident(mapped.fd, FILE_SIZE);
    }
    snprintf(metric, sizeof(metric), "commit of 1 page, %u mappings", settings->mappings);
    compare(settings, metric, &plain, &mapped);
    for (unsigned i = 0; i < settings->mappings; i++) {
        unmap(more[i], FILE_SIZE);
    }
    free(more);
    close(mapped.fd);
    close(plain.fd);
}

static void plain(const struct settings *settings)
{
    char metric[64];
    struct place place = make_sparse(settings, "plain", FILE_SIZE);
    snprintf(metric, sizeof(metric), settings->inodes ? "commit of 1 page, %zu files in the store" : "commit of 1 page",
             settings->inodes);
    commit_one(&place);
    for (unsigned i = 0; i < settings->repeats; i++) {
        sample(metric, commit_one(&place), "us");
    }
    unmap(place.memory, place.size);
    close(place.fd);
}

int main(int argc, char **argv)
{
    static const struct measure_case cases[] = {
        {"own-files", own_files}, {"one-file", one_file}, {"readers", readers},       {"tail", tail},
        {"scaling", scaling},     {"plain", plain},       {"until-told", until_told},
    };
    return measure_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
