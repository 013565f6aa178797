/* Which pages of a file differ from its store, and where they are: a picture, then the runs. Looking changes nothing. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mapshare.h>
#include <stdio.h>
#include <stdlib.h>

#define STATES 6

/* By enum mapshare_page_state; 0: clean. A later version of the library may know more. */
static const char letters[] = ".krcwf?";
static const char *const names[] = {"clean",         "in the kernel", "received",        "committed",
                                    "being written", "failed",        "in another state"};

static uint32_t state_of(const struct mapshare_range *run)
{
    return run->state < STATES ? run->state : STATES;
}

static void draw(const struct mapshare_range *runs, ssize_t count, uint64_t pages)
{
    ssize_t next = 0;

    for (uint64_t page = 0; page < pages; page++) {
        while (next < count && runs[next].last < page)
            next++;
        putchar(letters[next < count && runs[next].first <= page ? state_of(&runs[next]) : 0]);
        if (page % 64 == 63 || page == pages - 1)
            putchar('\n');
    }
}

int main(int argc, char **argv)
{
    struct mapshare_range *runs = NULL;
    struct mapshare_status status;
    ssize_t count = 0, room = 0;
    struct mapshare *ms;

    if (argc != 2) {
        fprintf(stderr,
                "usage: dirty-viewer FILE\nShows each page: . clean, k in the kernel, r received, c committed, w being written, "
                "f failed\n");
        return 2;
    }
    ms = mapshare_open(argv[1], O_RDONLY, 0, NULL);
    if (!ms || mapshare_stat(ms, &status, sizeof(status)))
        err(1, "%s", argv[1]);
    if (!status.on_mount)
        errx(3, "%s is not on a mapsharefs mount", argv[1]);
    do { /* until there is room for all: others may change pages between two questions */
        room = count + 16;
        runs = realloc(runs, (size_t)room * sizeof(*runs));
        if (!runs)
            err(1, "memory");
        count = mapshare_dirty(ms, runs, (size_t)room);
        if (count < 0)
            err(1, "%s", argv[1]);
    } while (count > room);

    draw(runs, count, (status.size + MAPSHARE_PAGE_SIZE - 1) / MAPSHARE_PAGE_SIZE);
    for (ssize_t i = 0; i < count; i++)
        printf("%" PRIu64 "-%" PRIu64 " %s\n", runs[i].first, runs[i].last, names[state_of(&runs[i])]);
    free(runs);
    return mapshare_close(ms) ? 1 : 0;
}
