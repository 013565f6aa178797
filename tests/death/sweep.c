/* The worker dies at every point of an operation, each time on a new mount, and nobody notices.
 *
 * usage: sweep DAEMON FOLDER OPERATION...; in the environment:
 *   EFFORT  how many times as many points are tried as by default: then, of most operations, it is every tenth, from a random one on
 *   ROUNDS  after that, how many times a worker dies at a random point and the next one at another (default 0)
 *   POINT   only this one; SECOND: the point at which the next worker dies, too; ENDING: unmount or crash; HANDLES: yes or no */
#include "config.h"

#include "trial.h"

#include "../mount/check.h"

#define STRIDE 10
#define SECOND_POINTS 300 /* of the next worker: it passes about so many before it serves */
#define WRONG_MAX 20      /* of an operation: then the next one */

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

static struct outcome try(struct trial trial)
{
    struct outcome outcome;

    if (trial.operation->volatile_end || trial.operation->at_unmount)
        trial.ending = BY_UNMOUNT;
    trial_run(&trial, daemon_path, folder, &outcome);
    tried++;
    if (!outcome.right) {
        wrong_count++;
        report(&trial, &outcome);
    }
    return outcome;
}

/* The fewer of two times: idle threads may pass some, too. 0: it is wrong without a death. */
static uint64_t count_points(struct trial trial)
{
    struct outcome first = try(trial), again;

    if (!first.right)
        return 0;
    trial.ending = BY_CRASH;
    again = try(trial);
    return !again.right ? 0 : again.points < first.points ? again.points : first.points;
}

static unsigned sweep_points(struct trial trial, uint64_t points, uint64_t stride, unsigned wrong_max)
{
    unsigned died = 0;

    for (trial.die_at[0] = 1 + random_next(&seed) % stride; trial.die_at[0] <= points; trial.die_at[0] += stride) {
        trial.ending = !trial.ending;
        died += try(trial).deaths;
        if (wrong_count >= wrong_max)
            break;
    }
    return died;
}

static unsigned die_twice(struct trial trial, uint64_t points, uint64_t rounds, unsigned wrong_max)
{
    unsigned died = 0;

    for (uint64_t i = 0; i < rounds && wrong_count < wrong_max; i++) {
        trial.ending = !trial.ending;
        trial.die_at[0] = 1 + random_next(&seed) % points;
        trial.die_at[1] = 1 + random_next(&seed) % SECOND_POINTS;
        died += try(trial).deaths;
    }
    return died;
}

static void sweep(const struct operation *operation)
{
    uint64_t stride = (operation->stride ? operation->stride : STRIDE) / number_of("EFFORT", 1) ?: 1,
             rounds = number_of("ROUNDS", 0);

    for (int without_handles = 0; without_handles < 2; without_handles++) {
        struct trial trial = {.operation = operation, .without_handles = without_handles};
        unsigned tried_before = tried, wrong_before = wrong_count, died;
        uint64_t points = count_points(trial);

        CHECK(points > 0, "%s is wrong without a death", operation->name);
        died = sweep_points(trial, points, stride * 2, wrong_before + WRONG_MAX);
        died += die_twice(trial, points, rounds / 2, wrong_before + WRONG_MAX);
        printf("%s%s: %llu points, %u trials, %u deaths, %u wrong\n", operation->name, without_handles ? " without handles" : "",
               (unsigned long long)points, tried - tried_before, died, wrong_count - wrong_before);
        CHECK(died > 0, "%s: no worker died", operation->name);
    }
}

static bool is(const char *variable, const char *value)
{
    const char *given = getenv(variable);

    return given && strcmp(given, value) == 0;
}

static void try_again(const struct operation *operation)
{
    try((struct trial){
        .operation = operation,
        .die_at = {number_of("POINT", 0), number_of("SECOND", 0)},
        .ending = is("ENDING", "crash") ? BY_CRASH : BY_UNMOUNT,
        .without_handles = is("HANDLES", "no"),
    });
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
        if (getenv("POINT"))
            try_again(find(argv[i]));
        else
            sweep(find(argv[i]));
    }
    printf("%u trials, %u wrong\n", tried, wrong_count);
    return wrong_count ? 1 : 0;
}
