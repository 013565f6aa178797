/* Processes append records to one file (O_APPEND) and sync it. At the end each record that was acknowledged is there once, whole,
 * those of a process in its order, and nothing else. */
#include "config.h"

#include "storm.h"

#define WRITERS 3

struct record {
    uint64_t writer, number, random;
    unsigned char text[77]; /* odd, so that records lie across pages */
} __attribute__((packed));

static void fill(struct record *record, int writer, uint64_t number)
{
    *record =
        (struct record){.writer = (uint64_t)writer, .number = number, .random = number * 6364136223846793005u + (uint64_t)writer};
    for (size_t i = 0; i < sizeof(record->text); i++)
        record->text[i] = (unsigned char)(record->random >> i % 8 * 8);
}

static void job(int number)
{
    int fd = open("appended", O_CREAT | O_WRONLY | O_APPEND, 0600);
    uint64_t random = job_seed(number);
    struct record record;

    CHECK(fd >= 0);
    while (!storm->stop) {
        fill(&record, number, storm->told[number]);
        CHECK(write(fd, &record, sizeof(record)) == sizeof(record), "record %lu", (unsigned long)storm->told[number]);
        storm->told[number]++;
        if (random_next(&random) % 4 != 0)
            CHECK(fsync(fd) == 0);
        breathe(&random, 6000);
    }
    CHECK(fsync(fd) == 0 && close(fd) == 0);
}

static void check(void)
{
    uint64_t next[WRITERS] = {0}, all = 0;
    struct record record, expected;
    FILE *file = fopen("appended", "r");

    CHECK(file);
    for (; fread(&record, sizeof(record), 1, file) == 1; all++) {
        CHECK(record.writer < WRITERS, "record %lu", (unsigned long)all);
        fill(&expected, (int)record.writer, next[record.writer]++);
        CHECK(memcmp(&record, &expected, sizeof(record)) == 0, "record %lu is %lu of process %lu, expected %lu", (unsigned long)all,
              (unsigned long)record.number, (unsigned long)record.writer, (unsigned long)expected.number);
    }
    CHECK(!ferror(file));
    fseek(file, 0, SEEK_END);
    CHECK((uint64_t)ftell(file) == all * sizeof(record), "%ld bytes", ftell(file));
    for (int i = 0; i < WRITERS; i++)
        CHECK(next[i] == storm->told[i], "process %d: %lu records, told %lu", i, (unsigned long)next[i],
              (unsigned long)storm->told[i]);
}

int main(int argc, char **argv)
{
    return storm_main(argc, argv, &(struct client){.jobs = WRITERS, .job = job, .check = check});
}
