/* Three atomic files carry a number each on all their pages, of which each number has its own count. A commit gives the next number to two of them, in turn,
 * so that one is behind by one; beside them names come, move and go.
 *   follow write FOLDER SHARED             until it is told to end (SIGTERM)
 *   follow read FOLDER STATE SHARED         a copy: the numbers are never mixed, and never go back; until SIGTERM
 * SHARED tells the test how far each is: a line of so many bytes. */
#include "config.h"

#include <limits.h>
#include <mapshare.h>

#include "check.h"

#define FILES 3
#define PAGES 24

static volatile sig_atomic_t ends;

static void end(int signal)
{
    (void)signal;
    ends = 1;
}

/* Which file is left out by the commit that gives this number. */
static int left_out(uint64_t generation)
{
    return generation == 1 ? -1 : (int)((generation + 2) % FILES);
}

static uint64_t pages_of(uint64_t generation)
{
    return PAGES - generation % 7;
}

static void open_all(const char *folder, int oflags, uint32_t flags, struct mapshare *files[], int count)
{
    struct mapshare_options options = {.struct_size = sizeof options, .flags = flags, .reserve = (uint64_t)PAGES * PAGE};
    char name[PATH_MAX];

    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s/group-%d", folder, i);
        while (!(files[i] = mapshare_open(name, oflags, 0640, &options)) && errno == ENOENT)
            usleep(1000); /* not copied yet */
        CHECK(files[i], "%s", name);
    }
}

static void close_all(struct mapshare *files[], int count)
{
    for (int i = 0; i < count; i++)
        CHECK(mapshare_close(files[i]) == 0);
}

static void tell(const char *shared, uint64_t number)
{
    char text[32];
    int fd = open(shared, O_WRONLY | O_CREAT, 0644);

    snprintf(text, sizeof text, "%020lu\n", (unsigned long)number);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

/* Each number has a file of its own for a while, which is moved in between, and one that is replaced. */
static void change_names(const char *folder, uint64_t generation)
{
    char old[PATH_MAX], new[PATH_MAX - 32];
    int fd;

    snprintf(old, sizeof old, "%s/d%lu", folder, (unsigned long)generation % 5);
    mkdir(old, 0750);
    snprintf(old, sizeof old, "%s/d%lu/n%lu", folder, (unsigned long)generation % 5, (unsigned long)generation);
    fd = open(old, O_WRONLY | O_CREAT | O_EXCL, 0600);
    CHECK(fd >= 0 && write(fd, &generation, sizeof generation) == sizeof generation && fsync(fd) == 0, "%s", old);
    close(fd);
    if (generation % 3 == 0) {
        snprintf(new, sizeof new, "%s/replaced", folder);
        CHECK(rename(old, new) == 0, "%s", new);
    } else if (generation % 3 == 1) {
        snprintf(new, sizeof new, "%s/d%lu/moved", folder, (unsigned long)(generation + 1) % 5);
        if (rename(old, new))
            CHECK(errno == ENOENT, "%s", new);
    } else if (generation > 20) {
        snprintf(new, sizeof new, "%s/d%lu", folder, (unsigned long)(generation + 2) % 5);
        snprintf(old, sizeof old, "%s/moved-folder", new);
        CHECK(mkdir(old, 0700) == 0 || errno == EEXIST || errno == ENOENT);
        CHECK(chmod(new, generation % 2 ? 0755 : 0700) == 0 || errno == ENOENT);
    }
}

static void write_all(const char *folder, const char *shared)
{
    struct mapshare *files[FILES];

    open_all(folder, O_RDWR | O_CREAT, MAPSHARE_OPEN_ATOMIC, files, FILES);
    for (uint64_t generation = 1; !ends; generation++) {
        struct mapshare *list[FILES];
        size_t count = 0;

        for (int i = 0; i < FILES; i++) {
            if (i == left_out(generation))
                continue;
            list[count++] = files[i];
            CHECK(ftruncate(mapshare_fd(files[i]), (off_t)(pages_of(generation) * PAGE)) == 0);
            for (uint64_t page = 0; page < pages_of(generation); page++)
                stamp_page((char *)mapshare_addr(files[i]) + page * PAGE, page, generation);
        }
        CHECK(mapshare_commit(list, count, NULL) == 0, "generation %lu", (unsigned long)generation);
        tell(shared, generation);
        if (generation % 4 == 0)
            change_names(folder, generation / 4);
        usleep(5000);
    }
    close_all(files, FILES);
}

/* All of a file's pages in the snapshot have one number, and are as many as that has. */
static int64_t generation_of(struct mapshare_view *view, size_t file)
{
    char page[PAGE];
    uint64_t size;
    int64_t generation = -1;

    if (mapshare_snapshot_size(view, file, &size))
        return -ESTALE;
    for (uint64_t at = 0; at < size; at += PAGE) {
        int64_t here;

        if (mapshare_snapshot_read(view, file, page, PAGE, at) < 0) {
            CHECK(errno == ESTALE);
            return -ESTALE;
        }
        here = stamp_of(page, at / PAGE);
        CHECK(here > 0 && (at == 0 || here == generation), "file %zu: page %lu has number %ld, others have %ld", file,
              (unsigned long)(at / PAGE), (long)here, (long)generation);
        generation = here;
    }
    CHECK(size == pages_of((uint64_t)generation) * PAGE, "file %zu: number %ld has %lu bytes", file, (long)generation,
          (unsigned long)size);
    return generation;
}

static void read_all(const char *folder, const char *state, const char *shared)
{
    struct mapshare *files[FILES + 1] = {0};
    uint64_t seen = 0;
    int64_t last = 0;

    open_all(folder, O_RDONLY, 0, files, FILES);
    files[FILES] = mapshare_open(state, O_RDONLY, 0, NULL);
    CHECK(files[FILES], "%s", state);
    while (!ends) {
        struct mapshare_view *view = mapshare_snapshot(files, FILES + 1, 0);
        char text[512] = "";
        int64_t here[FILES] = {0}, most = 0;

        CHECK(view || errno == ESTALE);
        if (!view)
            continue;
        for (size_t i = 0; i < FILES && most >= 0; i++) {
            here[i] = generation_of(view, i);
            most = here[i] < 0 || here[i] > most ? here[i] : most;
        }
        for (int i = 0; i < FILES && most > 0; i++)
            CHECK(here[i] == most - (i == left_out((uint64_t)most)), "the numbers are %ld, %ld, %ld", (long)here[0], (long)here[1],
                  (long)here[2]);
        if (most > 0 && mapshare_snapshot_read(view, FILES, text, sizeof text - 1, 0) > 0) {
            CHECK(strstr(text, "\ncomplete=1\n"), "%s", text);
            CHECK(most >= last, "number %ld after %ld", (long)most, (long)last);
            seen += most != last;
            last = most;
            tell(shared, seen);
        }
        mapshare_snapshot_close(view);
        usleep(1000);
    }
    close_all(files, FILES + 1);
    printf("%lu numbers were seen, the last is %ld\n", (unsigned long)seen, (long)last);
}

int main(int argc, char **argv)
{
    signal(SIGTERM, end);
    CHECK(argc >= 4);
    if (!strcmp(argv[1], "write"))
        write_all(argv[2], argv[3]);
    else
        read_all(argv[2], argv[3], argv[4]);
    return 0;
}
