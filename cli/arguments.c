#include "config.h"

#include "command.h"
#include "message.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_entry {
    unsigned bit;
    char letter;
    const char *name;
    const char *argument;      /* NULL: takes none */
    unsigned long least, most; /* of a number; 0, 0: it is none */
    const char *help;
} options[] = {
    {OPTION_JSON, 'j', "json", NULL, 0, 0, "print JSON, for programs"},
    {OPTION_WIDTH, 'w', "width", "CELLS", 8, 4096, "cells in a row (default: as the terminal, else 64)"},
    {OPTION_FOLLOW, 'f', "follow", NULL, 0, 0, "draw again when pages change"},
    {OPTION_COLOUR, 'c', "color", "WHEN", 0, 0, "colours: always, never or auto (on a terminal)"},
    {OPTION_SVG, 's', "svg", "FILE", 0, 0, "write the picture to FILE, as SVG"},
    {OPTION_COMMITTED, 'd', "committed", NULL, 0, 0, "what the last commits left"},
    {OPTION_ONCE, 'o', "once", NULL, 0, 0, "once, as plain text, and leave"},
    {OPTION_TIMEOUT, 't', "timeout", "SECONDS", 1, 1000000, "wait at most so long for the daemon"},
    {OPTION_SINCE, 'n', "since", "NUMBER", 0, ULONG_MAX - 1, "begin after the commit of this number (default: now)"},
    {OPTION_TO, 'p', "to", "DESTINATION", 0, 0, "keep a copy there: FOLDER or HOST:FOLDER"},
    {OPTION_SHELL, 'e', "rsh", "COMMAND", 0, 0, "start the far side with this instead of ssh"},
    {OPTION_GIVE_UP, 'g', "give-up", NULL, 0, 0, "give up commits behind damage in the journal"},
    {OPTION_EARLIER, 'i', "incremental-from", "FOLDER", 0, 0, "share what an earlier backup has"},
    {OPTION_KEEP_OTHERS, 'k', "keep-others", NULL, 0, 0, "be content where the store stays mounted elsewhere"},
    {OPTION_HELP, 'h', "help", NULL, 0, 0, "print this help and leave"},
    {OPTION_VERSION, 'V', "version", NULL, 0, 0, "print the version and leave"},
};

#define OPTION_COUNT (sizeof options / sizeof options[0])

void options_print(unsigned allowed)
{
    puts("\nOptions:");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char left[40];

        if (!(options[i].bit & allowed))
            continue;
        snprintf(left, sizeof left, "-%c, --%s%s%s", options[i].letter, options[i].name, options[i].argument ? "=" : "",
                 options[i].argument ? options[i].argument : "");
        printf("  %-22s  %s\n", left, options[i].help);
    }
}

void version_print(void)
{
    puts("mapshare " PACKAGE_VERSION);
}

void command_print(const struct command *command)
{
    printf("Usage: mapshare %s [OPTION...] %s\n\n%s", command->name, command->operands, command->description);
    options_print(command->options);
}

static enum exit_status usage_error(const struct command *command, const char *what, const char *problem)
{
    message("%s: %s: %s; see 'mapshare %s --help'", command->name, quoted(what), problem, command->name);
    return STATUS_USAGE;
}

static int number_parse(const char *text, const struct option_entry *entry, unsigned long *out)
{
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (errno || strspn(text, "0123456789") != strlen(text) || end == text || value < entry->least || value > entry->most)
        return -EINVAL;
    *out = value;
    return 0;
}

static bool colour_parse(const char *word, enum colour_choice *out)
{
    static const char *const words[] = {[COLOUR_AUTO] = "auto", [COLOUR_ALWAYS] = "always", [COLOUR_NEVER] = "never"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(word, words[i]))
            continue;
        *out = (enum colour_choice)i;
        return true;
    }
    return false;
}

static const struct option_entry *option_find(int letter)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (options[i].letter == letter)
            return &options[i];
    return NULL;
}

/* getopt's tables, with the options of this command only. */
static void getopt_tables(unsigned allowed, char *letters, struct option *names)
{
    *letters++ = ':';
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (!(options[i].bit & allowed))
            continue;
        *letters++ = options[i].letter;
        if (options[i].argument)
            *letters++ = ':';
        *names++ = (struct option){options[i].name, options[i].argument ? required_argument : no_argument, NULL, options[i].letter};
    }
    *letters = '\0';
    *names = (struct option){NULL, 0, NULL, 0};
}

static enum exit_status bad_number(const struct command *command, const struct option_entry *entry)
{
    message("%s: --%s=%s: give a whole number from %lu to %lu", command->name, entry->name, quoted(optarg), entry->least,
            entry->most);
    return STATUS_USAGE;
}

/* False after a message: its value, optarg, makes no sense. */
static bool option_set(const struct command *command, const struct option_entry *entry, unsigned long number, struct arguments *out)
{
    switch (entry->bit) {
    case OPTION_JSON:
        out->json = true;
        break;
    case OPTION_WIDTH:
        out->width = (unsigned)number;
        break;
    case OPTION_FOLLOW:
        out->follow = true;
        break;
    case OPTION_COLOUR:
        if (colour_parse(optarg, &out->colour))
            break;
        message("%s: --color=%s: give always, never or auto", command->name, quoted(optarg));
        return false;
    case OPTION_SVG:
        out->svg = optarg;
        break;
    case OPTION_COMMITTED:
        out->committed = true;
        break;
    case OPTION_EARLIER:
        out->earlier = optarg;
        break;
    case OPTION_TO:
        out->to = optarg;
        break;
    case OPTION_SHELL:
        out->shell = optarg;
        break;
    case OPTION_ONCE:
        out->once = true;
        break;
    case OPTION_GIVE_UP:
        out->give_up = true;
        break;
    case OPTION_KEEP_OTHERS:
        out->keep_others = true;
        break;
    case OPTION_TIMEOUT:
        out->timeout = (unsigned)number;
        break;
    case OPTION_SINCE:
        out->since = number;
        break;
    }
    return true;
}

enum exit_status arguments_parse(const struct command *command, int argc, char **argv, struct arguments *out, bool *done)
{
    char letters[2 * OPTION_COUNT + 2];
    struct option names[OPTION_COUNT + 1];
    int letter;

    *out = (struct arguments){.since = UINT64_MAX};
    *done = false;
    getopt_tables(command->options, letters, names);
    opterr = 0;
    while ((letter = getopt_long(argc, argv, letters, names, NULL)) != -1) {
        const struct option_entry *entry = option_find(letter);
        unsigned long number = 0;

        if (letter == ':')
            return usage_error(command, argv[optind - 1], "the option needs a value");
        if (!entry) {
            /* getopt tells of a short option only its letter: it may stand in a cluster. */
            if (optopt && !option_find(optopt)) {
                char word[3] = {'-', (char)optopt, '\0'};

                return usage_error(command, word, "no such option");
            }
            return usage_error(command, argv[optind - 1],
                               optopt && strchr(argv[optind - 1], '=') ? "the option takes no value" : "no such option");
        }
        if (entry->most && number_parse(optarg, entry, &number))
            return bad_number(command, entry);
        if (entry->bit == OPTION_HELP)
            command_print(command);
        else if (entry->bit == OPTION_VERSION)
            version_print();
        else if (option_set(command, entry, number, out))
            continue;
        else
            return STATUS_USAGE;
        *done = true;
        return STATUS_OK;
    }
    out->operands = argv + optind;
    out->operand_count = argc - optind;
    if (out->operand_count == 0 && !command->operands_optional)
        return usage_error(command, command->operands, "missing");
    if (command->operands_most != OPERANDS_UNLIMITED && out->operand_count > command->operands_most)
        return usage_error(command, out->operands[command->operands_most], "one operand too many");
    for (int i = 0; i < out->operand_count; i++)
        if (!*out->operands[i])
            return usage_error(command, command->operands, "an empty name was given");
    return STATUS_OK;
}
