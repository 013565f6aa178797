/* mapshare: looks after mounts of mapsharefs. The commands are in commands.c, each in a file of its own. */
#include "config.h"

#include "command.h"
#include "message.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

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
        return status != STATUS_OK || done ? status : command->run(&arguments);
    }
    message("%s: no such %s; see 'mapshare --help'", quoted(argv[1]), argv[1][0] == '-' ? "option" : "command");
    return STATUS_USAGE;
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    return output_close(run(argc, argv));
}
