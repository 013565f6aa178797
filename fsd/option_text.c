/* The options told: as a list, one by one, as help. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "option_table.h"
#include "units.h"

void option_print_number(const struct option *option, uint64_t value, char *to, size_t max)
{
    const char *unit = "";

    if (option->kind == SIZE && value >= GIB && value % GIB == 0)
        value /= GIB, unit = "G";
    else if (option->kind == SIZE && value >= MIB && value % MIB == 0)
        value /= MIB, unit = "M";
    snprintf(to, max, "%llu%s", (unsigned long long)value, unit);
}

int option_print(const struct option *option, const struct options *options, char *to, size_t max)
{
    const void *field = (const char *)options + option->offset;
    char number[32];

    *to = 0;
    switch (option->kind) {
    case TEXT:
    case FOLDER:
        return *(const char *)field ? snprintf(to, max, "%s=%s", option->name, (const char *)field) : 0;
    case SANDBOX:
        return snprintf(to, max, "%s=%s", option->name, *(const bool *)field ? "none" : "full");
    case LEVEL:
        return snprintf(to, max, "%s=%s", option->name, option_levels[*(const uint64_t *)field % OPTION_LEVELS]);
    case FLAG:
        return *(const bool *)field ? snprintf(to, max, "%s", option->name) : 0;
    case ATIME:
        return *(const uint64_t *)field == option->least ? snprintf(to, max, "%s", option->name) : 0;
    default:
        option_print_number(option, *(const uint64_t *)field, number, sizeof number);
        return snprintf(to, max, "%s=%s", option->name, number);
    }
}

bool option_is_same(const struct option *option, const struct options *a, const struct options *b)
{
    const void *x = (const char *)a + option->offset, *y = (const char *)b + option->offset;

    switch (option->kind) {
    case FLAG:
    case SANDBOX:
        return *(const bool *)x == *(const bool *)y;
    case TEXT:
    case FOLDER:
        return !strcmp(x, y);
    default:
        return *(const uint64_t *)x == *(const uint64_t *)y;
    }
}

void options_to_text(const struct options *options, char *text, size_t max)
{
    size_t used = 0;

    *text = 0;
    for (size_t i = 0; i < OPTION_COUNT && used + 1 < max; i++) {
        int length = option_print(&option_table[i], options, text + used + (used > 0), max - used - (used > 0));

        if (length && used)
            text[used++] = ',';
        used += length;
    }
    text[used < max ? used : max - 1] = 0;
}

void options_to_list(const struct options *options, char *text, size_t max)
{
    size_t used;

    options_to_text(options, text, max);
    used = strlen(text);
    snprintf(text + used, max - used, "%s%s%s%s", options->kernel_options[0] ? "," : "", options->kernel_options,
             options->own_options[0] ? "," : "", options->own_options);
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
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        static const char *const values[] = {[SIZE] = "=SIZE", [NUMBER] = "=NUMBER", [FLAG] = "",        [TEXT] = "=SPEC",
                                             [ATIME] = "",     [SANDBOX] = "=WHAT",  [LEVEL] = "=LEVEL", [FOLDER] = "=FOLDER"};
        char name[64];

        snprintf(name, sizeof name, "%s%s", option_table[i].name, values[option_table[i].kind]);
        fprintf(to, "    %-24s %s%s\n", name, option_table[i].what, option_is_live(&option_table[i]) ? " *" : "");
    }
    fprintf(to, "\nSizes take K, M or G. What ends in * can be changed while it is mounted: mapshare set MOUNTPOINT OPTION...\n"
                "Also ro, rw, suid, nosuid, dev, nodev, exec, noexec, sync, async, nodiratime, diratime, nosymfollow, symfollow, "
                "dirsync, for the kernel.\n"
                "Unmount with mapshare unmount MOUNTPOINT, which waits until the store is complete. See mapsharefs(8).\n");
}
