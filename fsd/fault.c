#include "config.h"

#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

#define RULES_MAX 8

enum operation { WRITE, FLUSH, SYNC, TRUNCATE, PUNCH, TIMES, ANY_OPERATION };
enum target { JOURNAL, FILES, ANY_TARGET };

static const char *const operation_names[] = {"write", "flush", "sync", "truncate", "punch", "times", "any"};
static const char *const target_names[] = {"journal", "files", "any"};

struct rule {
    enum operation operation;
    enum target target;
    int error;
    bool death; /* the worker's */
    long delay_milliseconds;
    unsigned long first, count;
    _Atomic unsigned long seen;
};

struct faulty_store {
    struct store store;
    struct store *below;
    ino_t journal;
    int private_folder;
    size_t rule_count;
    struct rule rules[RULES_MAX];
};

static int find_name(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++) {
        if (!strcmp(names[i], name))
            return i;
    }
    return -1;
}

static int find_error(const char *name)
{
    for (int error = 1; error < 134; error++) {
        const char *candidate = strerrorname_np(error);

        if (candidate && !strcmp(candidate, name))
            return error;
    }
    return 0;
}

static bool parse_rule(struct rule *rule, char *text)
{
    char *save, *operation = strtok_r(text, "/", &save), *target = strtok_r(NULL, "/", &save), *kind = strtok_r(NULL, "/", &save);
    char *first = strtok_r(NULL, "/", &save), *count = strtok_r(NULL, "/", &save), *end = NULL;
    int which = operation ? find_name(operation_names, ANY_OPERATION + 1, operation) : -1;
    int where = target ? find_name(target_names, ANY_TARGET + 1, target) : -1;

    if (which < 0 || where < 0 || !kind)
        return false;
    *rule = (struct rule){
        .operation = which, .target = where, .error = find_error(kind), .death = !strcmp(kind, "death"), .first = 1, .count = ~0ul};
    if (!rule->error && !rule->death) {
        rule->delay_milliseconds = strtol(kind, &end, 10);
        if (strcmp(end, "ms") || rule->delay_milliseconds < 0)
            return false;
    }
    if (first)
        rule->first = strtoul(first, &end, 10);
    if (first && *end)
        return false;
    if (count)
        rule->count = strtoul(count, &end, 10);
    return !count || !*end;
}

static int parse(struct faulty_store *faulty, const char *spec)
{
    char *copy = strdup(spec), *save, *rule;
    int error = copy ? 0 : -ENOMEM;

    for (rule = copy ? strtok_r(copy, ":", &save) : NULL; rule && !error; rule = strtok_r(NULL, ":", &save)) {
        if (faulty->rule_count == RULES_MAX || !parse_rule(&faulty->rules[faulty->rule_count++], rule))
            error = -EINVAL;
    }
    free(copy);
    return error;
}

int fault_check(const char *spec)
{
    struct faulty_store faulty = {0};
    int error = parse(&faulty, spec);

    if (error)
        log_line(LOG_FATAL, "fault=%s: not understood; give OPERATION/TARGET/KIND[/FIRST[/COUNT]], as write/journal/EIO/3/1", spec);
    return error;
}

static bool is_journal(struct faulty_store *faulty, int fd)
{
    struct stat stat;

    if (!faulty->journal && !fstatat(faulty->private_folder, "journal", &stat, AT_SYMLINK_NOFOLLOW))
        faulty->journal = stat.st_ino;
    return !fstat(fd, &stat) && stat.st_ino == faulty->journal;
}

/* What the rules say of this call: 0 to go on, or -errno. */
static int meet(struct faulty_store *faulty, enum operation operation, int fd)
{
    enum target target = is_journal(faulty, fd) ? JOURNAL : FILES;

    for (size_t i = 0; i < faulty->rule_count; i++) {
        struct rule *rule = &faulty->rules[i];
        unsigned long call;

        if ((rule->operation != operation && rule->operation != ANY_OPERATION) ||
            (rule->target != target && rule->target != ANY_TARGET))
            continue;
        call = atomic_fetch_add(&rule->seen, 1) + 1;
        if (call < rule->first || call - rule->first >= rule->count)
            continue;
        if (rule->death)
            kill(getpid(), SIGKILL);
        if (rule->error)
            return -rule->error;
        usleep(rule->delay_milliseconds * 1000);
    }
    return 0;
}

static int faulty_write(struct store *store, struct store_write *writes, size_t count)
{
    struct faulty_store *faulty = (struct faulty_store *)store;
    int first = 0;

    for (size_t i = 0; i < count; i++) {
        writes[i].result = meet(faulty, WRITE, writes[i].fd);
        if (!writes[i].result)
            faulty->below->operations->write(faulty->below, &writes[i], 1);
        if (writes[i].result && !first)
            first = writes[i].result;
    }
    return first;
}

static int faulty_flush(struct store *store, int fd)
{
    struct faulty_store *faulty = (struct faulty_store *)store;
    int error = meet(faulty, FLUSH, fd);

    return error ? error : faulty->below->operations->flush(faulty->below, fd);
}

static int faulty_sync(struct store *store, int fd)
{
    struct faulty_store *faulty = (struct faulty_store *)store;
    int error = meet(faulty, SYNC, fd);

    return error ? error : faulty->below->operations->sync(faulty->below, fd);
}

static int faulty_truncate(struct store *store, int fd, off_t size)
{
    struct faulty_store *faulty = (struct faulty_store *)store;
    int error = meet(faulty, TRUNCATE, fd);

    return error ? error : faulty->below->operations->truncate(faulty->below, fd, size);
}

static int faulty_punch(struct store *store, int fd, off_t offset, off_t length)
{
    struct faulty_store *faulty = (struct faulty_store *)store;
    int error = meet(faulty, PUNCH, fd);

    return error ? error : faulty->below->operations->punch(faulty->below, fd, offset, length);
}

static int faulty_set_times(struct store *store, int fd, const struct timespec times[2])
{
    struct faulty_store *faulty = (struct faulty_store *)store;
    int error = meet(faulty, TIMES, fd);

    return error ? error : faulty->below->operations->set_times(faulty->below, fd, times);
}

static void faulty_close(struct store *store)
{
    store_close(((struct faulty_store *)store)->below);
    free(store);
}

static const struct store_operations faulty_operations = {
    .write = faulty_write,
    .flush = faulty_flush,
    .sync = faulty_sync,
    .truncate = faulty_truncate,
    .punch = faulty_punch,
    .set_times = faulty_set_times,
    .close = faulty_close,
};

int fault_wrap(struct store **store, const char *spec, int private_folder)
{
    struct faulty_store *faulty = calloc(1, sizeof *faulty);
    int error;

    if (!faulty)
        return -ENOMEM;
    faulty->store.operations = &faulty_operations;
    faulty->below = *store;
    faulty->private_folder = private_folder;
    error = parse(faulty, spec);
    if (error) {
        free(faulty);
        return error;
    }
    *store = &faulty->store;
    return 0;
}
