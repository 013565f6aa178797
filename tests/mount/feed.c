/* feed FILE ROUNDS SEED: commits ROUNDS times what it stores at random; prints "SEQUENCE RUNS" of each commit; then asks what these commits changed,
 * and fails if it is told anything else. */
#include "config.h"

#include <inttypes.h>

#include "check.h"
#include "mapshare.h"

#define PAGES 256
#define ROOM 40 /* of one answer: several are needed */

static struct mapshare *ms;
static bool changed[PAGES];

/* Some runs of pages, in any order; all of them have other bytes then. */
static void store(void)
{
    unsigned char *bytes = mapshare_addr(ms);

    memset(changed, 0, sizeof changed);
    for (int runs = 1 + random() % 12; runs; runs--) {
        unsigned first = random() % PAGES, last = first + random() % 4;

        for (unsigned page = first; page <= last && page < PAGES; page++) {
            bytes[page * PAGE + random() % PAGE]++;
            changed[page] = true;
        }
    }
}

/* The next run from *page on. */
static bool next_run(const bool *pages, unsigned *page, unsigned *last)
{
    while (*page < PAGES && !pages[*page])
        ++*page;
    for (*last = *page; *last + 1 < PAGES && pages[*last + 1];)
        ++*last;
    return *page < PAGES;
}

static void print(uint64_t sequence)
{
    printf("%" PRIu64, sequence);
    for (unsigned first = 0, last; next_run(changed, &first, &last); first = last + 1)
        printf(" %u-%u", first, last);
    putchar('\n');
}

static uint64_t commit(void)
{
    struct mapshare_receipt receipt;

    CHECK(mapshare_commit(&ms, 1, &receipt) == 0);
    return receipt.sequence;
}

struct round {
    uint64_t sequence;
    bool changed[PAGES];
};

static void check_run(const struct mapshare_change *change, const struct round *round, unsigned first, unsigned last)
{
    CHECK(change->sequence == round->sequence && change->kind == MAPSHARE_CHANGE_STORED);
    CHECK(change->first == first && change->last == last);
    CHECK(change->size == (uint64_t)PAGES * PAGE);
}

static void check_changes(uint64_t since, const struct round *rounds, unsigned count)
{
    struct mapshare_change changes[ROOM];
    uint64_t upto = since;
    ssize_t told = mapshare_changes(ms, since, changes, ROOM, &upto), at = 0;

    for (unsigned i = 0; i < count; i++) {
        for (unsigned first = 0, last; next_run(rounds[i].changed, &first, &last); first = last + 1) {
            if (at == told)
                told = mapshare_changes(ms, upto, changes, ROOM, &upto), at = 0;
            CHECK(told > 0);
            check_run(&changes[at++], &rounds[i], first, last);
        }
    }
    CHECK(at == told && mapshare_changes(ms, upto, changes, ROOM, &upto) == 0);
    CHECK(mapshare_changes(ms, upto, changes, ROOM, &upto) == 0);
    CHECK(mapshare_changes(ms, since, changes, 0, &upto) == -1 && errno == ENOBUFS);
    CHECK(mapshare_changes(ms, upto + 1000000, changes, ROOM, &upto) == -1 && errno == ERANGE);
    CHECK(mapshare_changes(ms, upto, NULL, ROOM, &upto) == -1 && errno == EINVAL);
    CHECK(mapshare_changes(ms, upto, changes, ROOM, NULL) == -1 && errno == EINVAL);
}

int main(int argc, char **argv)
{
    struct mapshare_options options = {.struct_size = sizeof options, .size = PAGES * PAGE, .flags = MAPSHARE_OPEN_ATOMIC};
    unsigned count = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
    struct round *rounds = calloc(count, sizeof *rounds);
    uint64_t since;

    CHECK(count && rounds);
    srandom(strtoul(argv[3], NULL, 10));
    ms = mapshare_open(argv[1], O_RDWR | O_CREAT, 0644, &options);
    CHECK(ms);
    since = commit();
    for (unsigned i = 0; i < count; i++) {
        store();
        rounds[i].sequence = commit();
        memcpy(rounds[i].changed, changed, sizeof changed);
        print(rounds[i].sequence);
    }
    check_changes(since, rounds, count);
    free(rounds);
    return mapshare_close(ms) ? 1 : 0;
}
