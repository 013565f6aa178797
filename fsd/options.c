#include "config.h"

#include "options.h"

#include <bsd/libutil.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cache/arena.h"
#include "fault.h"
#include "log.h"
#include "option_table.h"
#include "units.h"

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

static int __attribute__((format(printf, 2, 3))) complain(struct options *options, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(options->complaint, sizeof options->complaint, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* expand_number takes more than we promise: signs, blanks, octal, what follows a unit. */
static bool is_number(const struct option *option, const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits && (!text[digits] || (option->kind == SIZE && strchr("KMG", text[digits]) && !text[digits + 1]));
}

static int parse_number(struct options *options, const struct option *option, const char *text, uint64_t *out)
{
    char least[32], most[32];
    uint64_t value;

    option_print_number(option, option->least, least, sizeof least);
    option_print_number(option, option->most, most, sizeof most);
    while (*text == '0' && text[1] >= '0' && text[1] <= '9') /* not octal */
        text++;
    if (!is_number(option, text))
        return complain(options, "%s=%s: not a number%s; give %s to %s", option->name, text,
                        option->kind == SIZE ? " with K, M or G" : "", least, most);
    if (expand_number(text, &value) || value < option->least || value > option->most)
        return complain(options, "%s=%s: out of range; give %s to %s", option->name, text, least, most);
    *out = value;
    return 0;
}

static int parse_sandbox(struct options *options, const char *text, bool *none)
{
    *none = !strcmp(text, "none");
    return *none || !strcmp(text, "full") ? 0 : complain(options, "sandbox=%s: unknown; give full or none", text);
}

static int parse_level(struct options *options, const char *text, uint64_t *level)
{
    for (*level = 0; *level < OPTION_LEVELS; ++*level) {
        if (!strcmp(text, option_levels[*level]))
            return 0;
    }
    return complain(options, "log_level=%s: unknown; give fatal, warn, note or trace", text);
}

static int set(struct options *options, const struct option *option, char *value)
{
    void *field = (char *)options + option->offset;

    options->given |= 1u << (option - option_table);
    if ((option->kind == FLAG || option->kind == ATIME) && value)
        return complain(options, "%s takes no value", option->name);
    if (option->kind != FLAG && option->kind != ATIME && (!value || !*value))
        return complain(options, "%s needs a value: %s=...", option->name, option->name);
    switch (option->kind) {
    case FLAG:
        *(bool *)field = true;
        return 0;
    case ATIME:
        *(uint64_t *)field = option->least;
        return 0;
    case TEXT:
    case FOLDER:
        if (snprintf(field, OPTIONS_LIST_MAX, "%s", value) >= OPTIONS_LIST_MAX)
            return complain(options, "%s: longer than %d bytes", option->name, OPTIONS_LIST_MAX - 1);
        return option->kind == TEXT ? fault_check(value) : 0;
    case LEVEL:
        return parse_level(options, value, field);
    case SANDBOX:
        return parse_sandbox(options, value, field);
    default:
        return parse_number(options, option, value, field);
    }
}

static int append(struct options *options, char list[OPTIONS_LIST_MAX], const char *name)
{
    size_t used = strlen(list);

    if (used + strlen(name) + 2 > OPTIONS_LIST_MAX)
        return complain(options, "-o: too many options");
    snprintf(list + used, OPTIONS_LIST_MAX - used, "%s%s", used ? "," : "", name);
    return 0;
}

static int pass_on(struct options *options, const char *name)
{
    if (!strcmp(name, "ro") || !strcmp(name, "rw"))
        options->read_only = !strcmp(name, "ro");
    return append(options, options->kernel_options, name);
}

static int set_own(struct options *options, const char *name)
{
    bool no = !strncmp(name, "no", 2);

    *(strstr(name, "atime") ? &options->no_folder_atime : &options->no_symlinks) = no;
    return append(options, options->own_options, name);
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
        for (i = 0; i < OPTION_COUNT && strcmp(option_table[i].name, name); i++)
            ;
        if (!strcmp(name, "remount"))
            options->remount = true;
        else if (i < OPTION_COUNT)
            error = set(options, &option_table[i], value);
        else if (!value && is_among(own_names, COUNT(own_names), name))
            error = set_own(options, name);
        else if (!value && is_among(kernel_names, COUNT(kernel_names), name))
            error = pass_on(options, name);
        else if (!is_among(ignored_names, COUNT(ignored_names), name) && strncmp(name, "x-", 2))
            error = complain(options, "-o %s: unknown option; mapsharefs --help lists them", name);
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
        return complain(options, "%s: one argument too many; usage: mapsharefs [-f] [-d] [-o OPTIONS] STORE MOUNTPOINT", argument);
    return 0;
}

static const struct options options_default = {.threads = 4,
                                               .snapshot_size = 1024 * MIB,
                                               .tuning = {.commit_interval = 5,
                                                          .user_share = 50,
                                                          .hang_timeout = 10,
                                                          .user_handles = 500000,
                                                          .user_waits = 1024,
                                                          .user_removed = 50,
                                                          .user_probes = 1,
                                                          .max_restarts = 20,
                                                          .log_level = LOG_NOTE}};

int options_parse(struct options *options, int argc, char **argv)
{
    int error = 0;

    *options = options_default;
    for (int i = 1; i < argc && !error; i++) {
        char *argument = argv[i];

        if (!strcmp(argument, "-f"))
            options->foreground = true;
        else if (!strcmp(argument, "-d"))
            options->foreground = options->trace = true, options->tuning.log_level = LOG_TRACE;
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
            error = i + 1 < argc ? parse_list(options, argv[++i]) : complain(options, "-o: needs a list of options");
        else if (argument[0] == '-' && argument[1])
            error = complain(options, "%s: unknown option; mapsharefs --help lists them", argument);
        else
            error = parse_argument(options, argument);
    }
    if (!error && !options->help && !options->version && !options->mountpoint)
        error = complain(options, "%s is missing; usage: mapsharefs [-f] [-d] [-o OPTIONS] STORE MOUNTPOINT",
                         options->store ? "MOUNTPOINT" : "STORE");
    if (error && options->complaint[0])
        log_line(LOG_FATAL, "%s", options->complaint);
    return error;
}

int options_of_text(struct options *options, const char *text)
{
    *options = options_default;
    return parse_list(options, text);
}

/* ---- while it is mounted ---- */

static bool is_given(const struct options *options, unsigned option)
{
    return options->given & 1u << option;
}

static int check_live(struct options *options, const struct options *present)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &option_table[i];

        if (is_given(options, i) && !option_is_live(option) && !option_is_same(option, options, present))
            return complain(options, "%s cannot be changed while it is mounted; unmount it, and mount it with what you want",
                            option->name);
    }
    return 0;
}

int options_changes(struct options *options, const struct options *present, char *text, size_t max)
{
    size_t used = 0;

    *text = 0;
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        if (!is_given(options, i) || option_is_same(&option_table[i], options, present) || used + 1 >= max)
            continue;
        if (used)
            text[used++] = ',';
        used += option_print(&option_table[i], options, text + used, max - used);
    }
    return check_live(options, present);
}

uint64_t options_cache_least(const struct options *options)
{
    return options->threads * 2 * WRITE_MAX;
}

static int check_sizes(struct options *options)
{
    uint64_t cache = options->tuning.cache_size, least = options_cache_least(options);

    if (cache > options->cache_max)
        return complain(
            options,
            "cache_size=%lluM: this mount has room for %lluM (cache_max); give less, or unmount it, and mount it with a "
            "larger cache_max",
            (unsigned long long)(cache / MIB), (unsigned long long)(options->cache_max / MIB));
    if (cache < least)
        return complain(options, "cache_size=%lluM: too little for %llu threads; give %lluM at least",
                        (unsigned long long)(cache / MIB), (unsigned long long)options->threads, (unsigned long long)(least / MIB));
    return 0;
}

int options_change(struct options *options, const char *list)
{
    struct options wanted = *options;
    int error;

    wanted.given = 0;
    wanted.kernel_options[0] = wanted.own_options[0] = wanted.complaint[0] = 0;
    error = parse_list(&wanted, list);
    if (!error && (wanted.kernel_options[0] || wanted.own_options[0]))
        error = complain(&wanted, "%.200s%.200s: for the kernel; change it with mount -o remount,...", wanted.kernel_options,
                         wanted.own_options);
    if (!error)
        error = check_live(&wanted, options);
    if (!error)
        error = check_sizes(&wanted);
    memcpy(options->complaint, wanted.complaint, sizeof options->complaint);
    if (!error) {
        options->tuning = wanted.tuning;
        options->given = wanted.given;
    }
    return error;
}

const char *options_mend(struct tuning *tuning, uint64_t cache_max)
{
    struct options damaged = {.tuning = *tuning}, sound = options_default;
    const char *first = NULL;

    sound.tuning.cache_size = cache_max;
    sound.tuning.journal_max = 1024 * MIB;
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &option_table[i];
        uint64_t *value = (uint64_t *)((char *)&damaged + option->offset);
        uint64_t most = option->kind == ATIME ? ATIME_NONE : option->kind == LEVEL ? OPTION_LEVELS - 1 : option->most;

        if (!option_is_live(option) || (*value <= most && (option->kind == ATIME || *value >= option->least)))
            continue;
        *value = *(const uint64_t *)((const char *)&sound + option->offset);
        first = first ?: option->name;
    }
    if (damaged.tuning.cache_size > cache_max)
        damaged.tuning.cache_size = cache_max, first = first ?: "cache_size";
    *tuning = damaged.tuning;
    return first;
}
