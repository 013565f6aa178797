/* mapshare: looks after mounts of mapsharefs. The commands are in commands.c, each in a file of its own. */
#include "config.h"

#include "command.h"
#include "message.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

static void help_print(void)
{
    puts("Usage: mapshare COMMAND [OPTION...] OPERAND...\n\n"
         "Looks after mounts of mapsharefs(8): shared memory that lasts.\n\n"
         "Commands:");
    for (const struct command *command = commands; command->name; command++) {
        char left[40];

        snprintf(left, sizeof left, "%s %s", command->name, command->operands);
        printf("  %-18s  %s\n", left, command->summary);
    }
    options_print(OPTION_HELP | OPTION_VERSION);
    puts("\n'mapshare COMMAND --help' tells more.\nExit status: 0 success, 1 failure, 2 wrong usage.");
}

static enum exit_status help(const struct arguments *arguments)
{
    const struct command *command = commands;

    if (!arguments->operand_count) {
        help_print();
        return STATUS_OK;
    }
    while (command->name && strcmp(command->name, arguments->operands[0]))
        command++;
    if (!command->name) {
        message("help: %s: no such command; see 'mapshare help'", quoted(arguments->operands[0]));
        return STATUS_USAGE;
    }
    command_print(command);
    return STATUS_OK;
}

/* A full disk or a closed pipe must not look like success. */
static enum exit_status output_close(enum exit_status status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    message("standard output: %s; give it a place with room", strerror(errno));
    return STATUS_FAILURE;
}

static enum exit_status run(int argc, char **argv)
{
    struct arguments arguments;
    enum exit_status status;
    bool done;

    if (argc < 2) {
        message("COMMAND: missing; see 'mapshare --help'");
        return STATUS_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        help_print();
        return STATUS_OK;
    }
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
        version_print();
        return STATUS_OK;
    }
    for (const struct command *command = commands; command->name; command++) {
        if (strcmp(argv[1], command->name))
            continue;
        status = arguments_parse(command, argc - 1, argv + 1, &arguments, &done);
        if (status != STATUS_OK || done)
            return status;
        return command->run ? command->run(&arguments) : help(&arguments);
    }
    message("%s: no such %s; see 'mapshare --help'", quoted(argv[1]), argv[1][0] == '-' ? "option" : "command");
    return STATUS_USAGE;
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    return output_close(run(argc, argv));
}
