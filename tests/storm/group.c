/* Three atomic files carry one number on all their pages, and go on to the next in one commit (mapshare_commit). At the end all
 * have the last number that was acknowledged. */
#include "config.h"

#include <mapshare.h>

#include "storm.h"

#define GROUPS 2
#define FILES 3
#define PAGES 12

static char *file_name(int group, int file)
{
    static char name[40];

    snprintf(name, sizeof(name), "group-%d-%d", group, file);
    return name;
}

static void job(int number)
{
    struct mapshare_options options = {.size = PAGES * PAGE, .flags = MAPSHARE_OPEN_ATOMIC};
    struct mapshare_receipt receipt, last = {0};
    uint64_t random = job_seed(number), generation = 0;
    struct mapshare *files[FILES];

    for (int i = 0; i < FILES; i++)
        CHECK((files[i] = mapshare_open(file_name(number, i), O_RDWR | O_CREAT | O_EXCL, 0644, &options)));
    while (!storm->stop) {
        generation++;
        for (int i = 0; i < FILES; i++)
            for (int page = 0; page < PAGES; page++)
                stamp_page((char *)mapshare_addr(files[i]) + page * PAGE, (uint64_t)(i * PAGES + page), generation);
        CHECK(mapshare_commit(files, FILES, &receipt) == 0, "generation %lu", (unsigned long)generation);
        CHECK(receipt.sequence > last.sequence, "commit %lu after %lu", (unsigned long)receipt.sequence,
              (unsigned long)last.sequence);
        last = receipt;
        storm->told[number] = generation;
        breathe(&random, 6000);
    }
    for (int i = 0; i < FILES; i++)
        CHECK(mapshare_close(files[i]) == 0);
}

static void check(void)
{
    char page[PAGE];

    for (int group = 0; group < GROUPS; group++)
        for (int file = 0; file < FILES; file++) {
            int fd = open(file_name(group, file), O_RDONLY);

            CHECK(fd >= 0, "%s", file_name(group, file));
            for (int i = 0; i < PAGES; i++) {
                CHECK(pread(fd, page, PAGE, i * PAGE) == PAGE);
                CHECK(stamp_of(page, (uint64_t)(file * PAGES + i)) == (int64_t)storm->told[group],
                      "%s, page %d: %ld, committed %lu", file_name(group, file), i,
                      (long)stamp_of(page, (uint64_t)(file * PAGES + i)), (unsigned long)storm->told[group]);
            }
            close(fd);
        }
}

int main(int argc, char **argv)
{
    return storm_main(argc, argv, &(struct client){.jobs = GROUPS, .job = job, .check = check});
}
