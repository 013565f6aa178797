/* The worker dies at every point of an operation, each time on a new mount, and nobody notices.
 *
 * usage: sweep DAEMON FOLDER OPERATION...; in the environment:
 *   EFFORT  how many times as many points are tried as by default: then, of most operations, it is every tenth, from a random one on
 *   ROUNDS  after that, how many times a worker dies at a random point and the next one at another (default 0)
 *   POINT   only this one; SECOND: the point at which the next worker dies, too; ENDING: unmount or crash */
#include "config.h"

#include "trial.h"

#include "../mount/check.h"

#define STRIDE 10
#define WRONG_MAX 20 /* of an operation: then the next one */

static const char *daemon_path, *folder;
static uint64_t seed;
static unsigned tried, wrong_count;

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text ? strtoull(text, NULL, 0) : otherwise;
}

static void print_stack(const struct death *death)
{
    char command[PAGE];
    int length = snprintf(command, sizeof command, "addr2line -s -f -p -e '%s'", daemon_path);
    char line[256];
    FILE *lines;

    for (uint32_t i = 0; i < death->depth; i++)
        length += snprintf(command + length, sizeof command - (size_t)length, " %#llx", (unsigned long long)death->stack[i] - 1);
    lines = popen(command, "re");
    while (lines && fgets(line, sizeof line, lines)) {
        line[strcspn(line, "\n")] = '\0';
        printf(" < %s", line);
    }
    printf("\n");
    if (lines)
        pclose(lines);
}

static void report(const struct trial *trial, const struct outcome *outcome)
{
    printf("WRONG: %s: %s\n", trial->operation->name, outcome->why);
    for (uint32_t i = 0; i < outcome->deaths && i < DEATHS_MAX; i++) {
        printf("  death at point %llu, %s", (unsigned long long)outcome->died[i].point, outcome->died[i].what);
        if (outcome->died[i].offset >= 0)
            printf(" at %#llx", (unsigned long long)outcome->died[i].offset);
        print_stack(&outcome->died[i]);
    }
    printf("  again: POINT=%llu SECOND=%llu ENDING=%s %s\n", (unsigned long long)trial->die_at[0],
           (unsigned long long)trial->die_at[1], trial->ending == BY_CRASH ? "crash" : "unmount", trial->operation->name);
}

/* Whether the worker died where it should. */
static struct outcome try(const struct operation *operation, uint64_t first, uint64_t then, enum ending ending)
{
    struct trial trial = {.operation = operation, .die_at = {first, then}, .ending = operation->volatile_end ? BY_UNMOUNT : ending};
    struct outcome outcome;

    if (operation->at_unmount)
        trial.ending = BY_UNMOUNT;
    trial_run(&trial, daemon_path, folder, &outcome);
    tried++;
    if (!outcome.right) {
        wrong_count++;
        report(&trial, &outcome);
    }
    return outcome;
}

/* The fewer of two times: idle threads may pass some, too. */
static uint64_t count_points(const struct operation *operation)
{
    struct outcome first = try(operation, 0, 0, BY_UNMOUNT), again;

    if (!first.right)
        return 0;
    again = try(operation, 0, 0, BY_CRASH);
    return !again.right ? 0 : again.points < first.points ? again.points : first.points;
}

static void sweep(const struct operation *operation)
{
    uint64_t stride = (operation->stride ? operation->stride : STRIDE) / number_of("EFFORT", 1) ?: 1;
    uint64_t rounds = number_of("ROUNDS", 0), points;
    unsigned before = wrong_count, tried_before = tried, died = 0;

    points = count_points(operation);
    if (!points) {
        printf("%s: wrong without a death\n", operation->name);
        return;
    }
    for (uint64_t i = 1 + random_next(&seed) % stride, n = 0; i <= points && wrong_count - before < WRONG_MAX; i += stride, n++)
        died += try(operation, i, 0, n % 2 ? BY_CRASH : BY_UNMOUNT).deaths;
    for (uint64_t i = 0; i < rounds && wrong_count - before < WRONG_MAX; i++)
        died += try(operation, 1 + random_next(&seed) % points, 1 + random_next(&seed) % 300, i % 2 ? BY_CRASH : BY_UNMOUNT).deaths;
    printf("%s: %llu points, %u trials, %u deaths, %u wrong\n", operation->name, (unsigned long long)points, tried - tried_before,
           died, wrong_count - before);
    CHECK(died > 0, "%s: no worker died", operation->name);
}

static const struct operation *find(const char *name)
{
    for (const struct operation *operation = operations; operation->name; operation++) {
        if (strcmp(operation->name, name) == 0)
            return operation;
    }
    CHECK(false, "no operation %s", name);
    return NULL;
}

int main(int argc, char **argv)
{
    CHECK(argc > 3, "usage: sweep DAEMON FOLDER OPERATION...");
    daemon_path = argv[1];
    folder = argv[2];
    seed = random_seed();
    for (int i = 3; i < argc; i++) {
        const char *ending = getenv("ENDING");

        if (getenv("POINT"))
            try(find(argv[i]), number_of("POINT", 0), number_of("SECOND", 0),
                ending && !strcmp(ending, "crash") ? BY_CRASH : BY_UNMOUNT);
        else
            sweep(find(argv[i]));
    }
    printf("%u trials, %u wrong\n", tried, wrong_count);
    return wrong_count ? 1 : 0;
}
