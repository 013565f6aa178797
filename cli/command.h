/* One table of commands and one of options: they feed the parser, --help and the tests against the manual. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

enum exit_status {
    STATUS_OK = 0,
    STATUS_FAILURE = 1,
    STATUS_USAGE = 2,
};

/* Which of the options a command takes: a set of these. */
enum option_bit {
    OPTION_JSON = 1 << 0,
    OPTION_WIDTH = 1 << 1,
    OPTION_ONCE = 1 << 2,
    OPTION_TIMEOUT = 1 << 3,
    OPTION_HELP = 1 << 4,
    OPTION_VERSION = 1 << 5,
    OPTION_GIVE_UP = 1 << 6,
    OPTION_KEEP_OTHERS = 1 << 7,
    OPTION_FOLLOW = 1 << 8,
    OPTION_COLOUR = 1 << 9,
    OPTION_SVG = 1 << 10,
    OPTION_COMMITTED = 1 << 11,
    OPTION_EARLIER = 1 << 12,
    OPTION_SINCE = 1 << 15,
    OPTION_TO = 1 << 16,
    OPTION_SHELL = 1 << 17,
};

enum colour_choice { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

struct arguments {
    bool json;
    bool once;
    bool give_up;
    bool keep_others;
    bool follow;
    bool committed;
    enum colour_choice colour;
    const char *svg;     /* file; NULL: none */
    const char *earlier; /* folder of a backup; NULL: none */
    const char *to;      /* where a copy is to be; NULL: none */
    const char *shell;   /* a command, to start programs elsewhere; NULL: the usual one */
    unsigned width;      /* cells; 0: as wide as the terminal */
    unsigned timeout;    /* seconds; 0: none */
    uint64_t since;      /* a commit's number; UINT64_MAX: none was given */
    char **operands;
    int operand_count;
};

struct command {
    const char *name;
    const char *operands; /* as in the usage line: "FILE", "FILE..." */
    int operands_most;
    bool operands_optional; /* else at least one is needed */
    unsigned options;
    const char *summary;
    const char *description;                                    /* lines of at most 78 columns */
    enum exit_status (*run)(const struct arguments *arguments); /* NULL: help */
};

#define OPERANDS_UNLIMITED (-1)

extern const struct command commands[]; /* ends with a name of NULL */

enum exit_status command_options(const struct arguments *arguments);
enum exit_status command_set(const struct arguments *arguments);
enum exit_status command_unmount(const struct arguments *arguments);
enum exit_status command_stat(const struct arguments *arguments);
enum exit_status command_dirty(const struct arguments *arguments);
enum exit_status command_map(const struct arguments *arguments);
enum exit_status command_sync(const struct arguments *arguments);
enum exit_status command_rollback(const struct arguments *arguments);
enum exit_status command_cat(const struct arguments *arguments);
enum exit_status command_top(const struct arguments *arguments);
enum exit_status command_recover(const struct arguments *arguments);
enum exit_status command_journal(const struct arguments *arguments);
enum exit_status command_revive(const struct arguments *arguments);
enum exit_status command_upgrade(const struct arguments *arguments);
enum exit_status command_metrics(const struct arguments *arguments);
enum exit_status command_files(const struct arguments *arguments);
enum exit_status command_follow(const struct arguments *arguments);
enum exit_status command_receive(const struct arguments *arguments);
enum exit_status command_trace(const struct arguments *arguments);
enum exit_status command_backup(const struct arguments *arguments);
enum exit_status command_verify(const struct arguments *arguments);

/* Fills `out` from the words after the command's name. STATUS_USAGE after a message. `done` is set when --help or --version was
 * answered and there is nothing left to run. */
enum exit_status arguments_parse(const struct command *command, int argc, char **argv, struct arguments *out, bool *done);

/* What --help says of a command; and of the options that `allowed` has. */
void command_print(const struct command *command);
void options_print(unsigned allowed);
void version_print(void);

#endif
