#include "config.h"

#include "options.h"

#include <bsd/libutil.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "log.h"

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

enum kind { SIZE, NUMBER, FLAG, TEXT, ATIME, SANDBOX };

/* The table. A test compares it, through --help, with mapsharefs(8). */
static const struct option {
    const char *name;
    enum kind kind;
    size_t offset;
    uint64_t least, most; /* ATIME: the rule */
    const char *what;
} table[] = {
    {"cache_size", SIZE, offsetof(struct options, cache_size), 16 * MIB, 1024 * GIB,
     "memory for pages [an eighth of memory, at most 512M]"},
    {"journal_size", SIZE, offsetof(struct options, journal_size), 4 * MIB, 64 * GIB,
     "size of the journal in the store [256M, or a quarter of the free space; grows to 1G where large changes need it]"},
    {"snapshot_size", SIZE, offsetof(struct options, snapshot_size), 1 * MIB, 64 * GIB,
     "room in the store for what snapshots of files need when it changes [1G]"},
    {"commit_interval", NUMBER, offsetof(struct options, commit_interval), 1, 3600,
     "seconds after which changes of default files are committed [5]"},
    {"threads", NUMBER, offsetof(struct options, threads), 2, 64, "threads that serve requests [4]"},
    {"user_share", NUMBER, offsetof(struct options, user_share), 1, 100,
     "percent of the cache that uncommitted changes of one user's atomic files may take, and of snapshot_size that one user's "
     "snapshots may [50]"},
    {"user_handles", NUMBER, offsetof(struct options, user_handles), 16, 1000000, "open files of one user [500000]"},
    {"user_waits", NUMBER, offsetof(struct options, user_waits), 1, 1000000,
     "requests of one user that wait for a commit, or for the kernel's word on dirty pages [1024]"},
    {"user_removed", NUMBER, offsetof(struct options, user_removed), 1, 100,
     "percent of the descriptors for removed, open files that one user's files may keep [50]"},
    {"user_probes", NUMBER, offsetof(struct options, user_probes), 1, 4,
     "of the four questions that the kernel is asked at a time, so many may be for one user [1]"},
    {"hang_timeout", NUMBER, offsetof(struct options, hang_timeout), 0, 3600,
     "seconds after which a worker that gets on with nothing is replaced; 0: never [10]"},
    {"max_restarts", NUMBER, offsetof(struct options, max_restarts), 0, 1000000,
     "deaths of the worker in a minute after which it is not started again [20]"},
    {"atomic", FLAG, offsetof(struct options, atomic), 0, 0,
     "all files are atomic: only the program's own commits make changes durable"},
    {"strictatime", ATIME, offsetof(struct options, atime), ATIME_STRICT, 0, "mark atime at every read"},
    {"relatime", ATIME, offsetof(struct options, atime), ATIME_RELATIVE, 0,
     "mark atime when it is not later than mtime, or a day old [default]"},
    {"noatime", ATIME, offsetof(struct options, atime), ATIME_NONE, 0, "never mark atime"},
    {"allow_other", FLAG, offsetof(struct options, allow_other), 0, 0, "let other users in"},
    {"no_tune", FLAG, offsetof(struct options, no_tune), 0, 0, "leave the kernel's limits for this mount as they are"},
    {"sandbox", SANDBOX, offsetof(struct options, no_sandbox), 0, 0,
     "full: the daemon's processes give up what they do not need [default]; or none"},
    {"trusted", FLAG, offsetof(struct options, trusted), 0, 0,
     "root may set trusted and security attributes and chattr's i and a: the worker keeps capabilities for it"},
    {"fault", TEXT, offsetof(struct options, fault), 0, 0,
     "make the store fail, for tests: OPERATION/TARGET/KIND[/FIRST[/COUNT]]:..."},
};

/* Passed on to the kernel as they are. */
static const char *const kernel_names[] = {"ro",   "rw",     "suid", "nosuid", "dev",    "nodev",
                                           "exec", "noexec", "sync", "async",  "dirsync"};
/* These are set on the mount once it is made: libfuse may not know them. */
static const char *const own_names[] = {"nodiratime", "diratime", "nosymfollow", "symfollow"};
/* Of fstab(5), for others; and what mount(8) repeats of an existing mount when it remounts. */
static const char *const ignored_names[] = {
    "defaults", "auto",       "noauto",   "user",     "nouser",   "users",   "owner", "group",  "nofail",  "uhelper",
    "_netdev",  "user_id",    "group_id", "rootmode", "max_read", "blksize", "fd",    "fsname", "subtype", "default_permissions",
    "lazytime", "nolazytime", "silent",   "loud"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_among(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(names[i], name))
            return true;
    }
    return false;
}

static int complain(const char *format, ...)
{
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log_line(LOG_FATAL, "%s", line);
    return -EINVAL;
}

static void print_size(char *to, size_t max, uint64_t value, enum kind kind)
{
    const char *unit = "";

    if (kind == SIZE && value >= GIB && value % GIB == 0)
        value /= GIB, unit = "G";
    else if (kind == SIZE && value >= MIB && value % MIB == 0)
        value /= MIB, unit = "M";
    snprintf(to, max, "%llu%s", (unsigned long long)value, unit);
}

/* expand_number takes more than we promise: signs, blanks, octal, what follows a unit. */
static bool is_number(const struct option *option, const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits && (!text[digits] || (option->kind == SIZE && strchr("KMG", text[digits]) && !text[digits + 1]));
}

static int parse_number(const struct option *option, const char *text, uint64_t *out)
{
    char least[32], most[32];
    uint64_t value;

    print_size(least, sizeof least, option->least, option->kind);
    print_size(most, sizeof most, option->most, option->kind);
    while (*text == '0' && text[1] >= '0' && text[1] <= '9') /* not octal */
        text++;
    if (!is_number(option, text))
        return complain("%s=%s: not a number%s; give %s to %s", option->name, text, option->kind == SIZE ? " with K, M or G" : "",
                        least, most);
    if (expand_number(text, &value) || value < option->least || value > option->most)
        return complain("%s=%s: out of range; give %s to %s", option->name, text, least, most);
    *out = value;
    return 0;
}

static int parse_sandbox(const char *text, bool *none)
{
    *none = !strcmp(text, "none");
    return *none || !strcmp(text, "full") ? 0 : complain("sandbox=%s: unknown; give full or none", text);
}

static int set(struct options *options, const struct option *option, char *value)
{
    void *field = (char *)options + option->offset;

    options->given |= 1u << (option - table);
    if ((option->kind == FLAG || option->kind == ATIME) && value)
        return complain("%s takes no value", option->name);
    if (option->kind != FLAG && option->kind != ATIME && (!value || !*value))
        return complain("%s needs a value: %s=...", option->name, option->name);
    switch (option->kind) {
    case FLAG:
        *(bool *)field = true;
        return 0;
    case ATIME:
        *(enum atime_rule *)field = option->least;
        return 0;
    case TEXT:
        if (snprintf(field, OPTIONS_LIST_MAX, "%s", value) >= OPTIONS_LIST_MAX)
            return complain("%s: longer than %d bytes", option->name, OPTIONS_LIST_MAX - 1);
        return fault_check(value);
    case SANDBOX:
        return parse_sandbox(value, field);
    default:
        return parse_number(option, value, field);
    }
}

static int append(char list[OPTIONS_LIST_MAX], const char *name)
{
    size_t used = strlen(list);

    if (used + strlen(name) + 2 > OPTIONS_LIST_MAX)
        return complain("-o: too many options");
    snprintf(list + used, OPTIONS_LIST_MAX - used, "%s%s", used ? "," : "", name);
    return 0;
}

static int pass_on(struct options *options, const char *name)
{
    if (!strcmp(name, "ro") || !strcmp(name, "rw"))
        options->read_only = !strcmp(name, "ro");
    return append(options->kernel_options, name);
}

static int set_own(struct options *options, const char *name)
{
    bool no = !strncmp(name, "no", 2);

    *(strstr(name, "atime") ? &options->no_folder_atime : &options->no_symlinks) = no;
    return append(options->own_options, name);
}

/* Not in place: ps(1) shows what we were called with. */
static int parse_list(struct options *options, const char *given)
{
    char *save, *name, *list = strdup(given);
    int error = list ? 0 : -ENOMEM;

    for (name = list ? strtok_r(list, ",", &save) : NULL; name && !error; name = strtok_r(NULL, ",", &save)) {
        char *value = strchr(name, '=');
        size_t i;

        if (value)
            *value++ = 0;
        for (i = 0; i < COUNT(table) && strcmp(table[i].name, name); i++)
            ;
        if (!strcmp(name, "remount"))
            options->remount = true;
        else if (i < COUNT(table))
            error = set(options, &table[i], value);
        else if (!value && is_among(own_names, COUNT(own_names), name))
            error = set_own(options, name);
        else if (!value && is_among(kernel_names, COUNT(kernel_names), name))
            error = pass_on(options, name);
        else if (!is_among(ignored_names, COUNT(ignored_names), name) && strncmp(name, "x-", 2))
            error = complain("-o %s: unknown option; mapsharefs --help lists them", name);
    }
    free(list);
    return error;
}

static int parse_argument(struct options *options, const char *argument)
{
    if (!options->store)
        options->store = argument;
    else if (!options->mountpoint)
        options->mountpoint = argument;
    else
        return complain("%s: one argument too many; usage: mapsharefs [-f] [-d] [-o OPTIONS] STORE MOUNTPOINT", argument);
    return 0;
}

static const struct options options_default = {.commit_interval = 5,
                                               .threads = 4,
                                               .snapshot_size = GIB,
                                               .user_share = 50,
                                               .hang_timeout = 10,
                                               .user_handles = 500000,
                                               .user_waits = 1024,
                                               .user_removed = 50,
                                               .user_probes = 1,
                                               .max_restarts = 20};

int options_parse(struct options *options, int argc, char **argv)
{
    int error = 0;

    *options = options_default;
    for (int i = 1; i < argc && !error; i++) {
        char *argument = argv[i];

        if (!strcmp(argument, "-f"))
            options->foreground = true;
        else if (!strcmp(argument, "-d"))
            options->foreground = options->trace = true;
        else if (sscanf(argument, "--adopt=%d", &options->adopt) == 1)
            ;
        else if (!strcmp(argument, "--check"))
            options->check = true;
        else if (!strcmp(argument, "-h") || !strcmp(argument, "--help"))
            options->help = true;
        else if (!strcmp(argument, "-V") || !strcmp(argument, "--version"))
            options->version = true;
        else if (!strncmp(argument, "-o", 2) && argument[2])
            error = parse_list(options, argument + 2);
        else if (!strcmp(argument, "-o"))
            error = i + 1 < argc ? parse_list(options, argv[++i]) : complain("-o: needs a list of options");
        else if (argument[0] == '-' && argument[1])
            error = complain("%s: unknown option; mapsharefs --help lists them", argument);
        else
            error = parse_argument(options, argument);
    }
    if (!error && !options->help && !options->version && !options->mountpoint)
        error = complain("%s is missing; usage: mapsharefs [-f] [-d] [-o OPTIONS] STORE MOUNTPOINT",
                         options->store ? "MOUNTPOINT" : "STORE");
    return error;
}

void options_to_text(const struct options *options, char *text, size_t max)
{
    size_t used = 0;

    *text = 0;
    for (size_t i = 0; i < COUNT(table) && used < max; i++) {
        const void *field = (const char *)options + table[i].offset;
        const char *name = table[i].name, *comma = used ? "," : "";

        if (table[i].kind == TEXT && *(const char *)field)
            used += snprintf(text + used, max - used, "%s%s=%s", comma, name, (const char *)field);
        else if (table[i].kind == SANDBOX)
            used += snprintf(text + used, max - used, "%s%s=%s", comma, name, *(const bool *)field ? "none" : "full");
        else if (table[i].kind == SIZE || table[i].kind == NUMBER) {
            char number[32];

            print_size(number, sizeof number, *(const uint64_t *)field, table[i].kind);
            used += snprintf(text + used, max - used, "%s%s=%s", comma, name, number);
        } else if ((table[i].kind == FLAG && *(const bool *)field) ||
                   (table[i].kind == ATIME && *(const enum atime_rule *)field == table[i].least))
            used += snprintf(text + used, max - used, "%s%s", comma, name);
    }
}

void options_to_list(const struct options *options, char *text, size_t max)
{
    size_t used;

    options_to_text(options, text, max);
    used = strlen(text);
    snprintf(text + used, max - used, "%s%s%s%s", options->kernel_options[0] ? "," : "", options->kernel_options,
             options->own_options[0] ? "," : "", options->own_options);
}

int options_of_text(struct options *options, const char *text)
{
    *options = options_default;
    return parse_list(options, text);
}

static bool is_same(const struct option *option, const struct options *a, const struct options *b)
{
    const void *x = (const char *)a + option->offset, *y = (const char *)b + option->offset;

    switch (option->kind) {
    case FLAG:
    case SANDBOX:
        return *(const bool *)x == *(const bool *)y;
    case ATIME:
        return *(const enum atime_rule *)x == *(const enum atime_rule *)y;
    case TEXT:
        return !strcmp(x, y);
    default:
        return *(const uint64_t *)x == *(const uint64_t *)y;
    }
}

const char *options_differ(const struct options *options, const struct options *present)
{
    for (size_t i = 0; i < COUNT(table); i++) {
        if (options->given & 1u << i && !is_same(&table[i], options, present))
            return table[i].name;
    }
    return NULL;
}

void options_help(FILE *to)
{
    fprintf(to, "usage: mapsharefs [-f] [-d] [-o OPTIONS] STORE MOUNTPOINT\n"
                "Mounts the folder STORE on MOUNTPOINT: shared memory in its files is durable.\n\n"
                "  -f             stay in the foreground\n"
                "  -d             the same, and say what happens\n"
                "  -h, --help     this text\n"
                "  -V, --version  the version\n"
                "  -o OPTION[,OPTION...]\n");
    for (size_t i = 0; i < COUNT(table); i++) {
        static const char *const values[] = {
            [SIZE] = "=SIZE", [NUMBER] = "=NUMBER", [FLAG] = "", [TEXT] = "=SPEC", [ATIME] = "", [SANDBOX] = "=WHAT"};
        char name[64];

        snprintf(name, sizeof name, "%s%s", table[i].name, values[table[i].kind]);
        fprintf(to, "    %-24s %s\n", name, table[i].what);
    }
    fprintf(to, "\nSizes take K, M or G.\n"
                "Also ro, rw, suid, nosuid, dev, nodev, exec, noexec, sync, async, nodiratime, diratime, nosymfollow, symfollow, "
                "dirsync, for the kernel.\n"
                "Unmount with mapshare unmount MOUNTPOINT, which waits until the store is complete. See mapsharefs(8).\n");
}
