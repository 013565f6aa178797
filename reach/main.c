/* mapshare-standby: one of several machines that may serve a store which all of them can reach. */
#include "config.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "say.h"
#include "status.h"
#include "turn.h"

#define MOUNT_OPTIONS_MAX 2048
#define HOST_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-"

enum { KEY_CA = 256, KEY_CERTIFICATE, KEY_KEY, KEY_STATUS, KEY_SWITCH, KEY_JSON };

static const struct argp_option table[] = {
    {"etcd", 'e', "URL[,URL...]", 0, "where etcd answers, as http://10.0.0.1:2379", 1},
    {"name", 'n', "NAME", 0, "the store's name in etcd, the same on all machines", 1},
    {"ca", KEY_CA, "FILE", 0, "who signs etcd's certificates", 1},
    {"cert", KEY_CERTIFICATE, "FILE", 0, "our certificate for etcd", 1},
    {"key", KEY_KEY, "FILE", 0, "its key", 1},
    {"host", 'H', "HOST", 0, "this machine, as the hook knows it [the host's name]", 2},
    {"hook", 'f', "PROGRAM", 0, "fences: PROGRAM fence|verify|unfence HOST", 2},
    {"clients", 'c', "PROGRAM", 0, "starts and stops who uses the mount: PROGRAM start|stop MOUNTPOINT", 2},
    {"options", 'o', "OPTIONS", 0, "of mapsharefs", 2},
    {"lease", 'l', "SECONDS", 0, "the lease's time, 2 to 600 [3]", 2},
    {"patience", 'p', "SECONDS", 0, "for each run of a program, the store's lock, unmounting, 1 to 3600 [30]", 2},
    {"status", KEY_STATUS, NULL, 0, "print who has the store, and leave", 3},
    {"json", KEY_JSON, NULL, 0, "as JSON", 3},
    {"switch", KEY_SWITCH, "HOST", OPTION_ARG_OPTIONAL, "have the holder hand over, to HOST or any other; wait for it", 3},
    {"version", 'V', NULL, 0, "print the version, and leave", -1},
    {0},
};

struct call {
    struct standby_options options;
    bool status, json, switches;
    const char *to;
};

static int number(struct argp_state *state, const char *name, const char *text, int least, int most)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*end || end == text || value < least || value > most)
        argp_error(state, "--%s=%s: give %d to %d", name, text, least, most);
    return (int)value;
}

/* They are parts of keys, and go to programs as they are. */
static const char *plain(struct argp_state *state, const char *name, const char *text)
{
    if (!*text || *text == '-' || strlen(text) > RECORD_HOST || text[strspn(text, HOST_BYTES)])
        argp_error(state, "--%s=%s: give letters, digits, '.', ':', '_' and '-', %d at most", name, text, RECORD_HOST);
    return text;
}

static void check(struct argp_state *state, const struct call *call)
{
    const struct standby_options *options = &call->options;
    bool asks = call->status || call->switches;

    if (!options->etcd.endpoints || !options->name)
        argp_error(state, "--etcd and --name are missing");
    if (!asks && !options->hook)
        argp_error(state, "--hook is missing: without a fence two machines may write at once");
    if (!asks && (!options->mountpoint || *options->store != '/' || *options->mountpoint != '/'))
        argp_error(state, "give STORE and MOUNTPOINT, both from / on");
    if (!asks)
        plain(state, "host", options->host);
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct call *call = state->input;
    struct standby_options *options = &call->options;

    switch (key) {
    case 'e':
        options->etcd.endpoints = text;
        return 0;
    case 'n':
        options->name = plain(state, "name", text);
        return 0;
    case KEY_CA:
        options->etcd.ca = text;
        return 0;
    case KEY_CERTIFICATE:
        options->etcd.certificate = text;
        return 0;
    case KEY_KEY:
        options->etcd.key = text;
        return 0;
    case 'H':
        options->host = text;
        return 0;
    case 'f':
        options->hook = text;
        return 0;
    case 'c':
        options->clients = *text ? text : NULL;
        return 0;
    case 'o':
        if (strlen(text) > MOUNT_OPTIONS_MAX)
            argp_error(state, "--options: longer than %d bytes", MOUNT_OPTIONS_MAX);
        options->mount_options = *text ? text : NULL;
        return 0;
    case 'l':
        options->lease_seconds = number(state, "lease", text, 2, 600);
        return 0;
    case 'p':
        options->patience_seconds = number(state, "patience", text, 1, 3600);
        return 0;
    case KEY_STATUS:
        call->status = true;
        return 0;
    case KEY_JSON:
        call->json = true;
        return 0;
    case KEY_SWITCH:
        call->switches = true;
        call->to = text ? plain(state, "switch", text) : "";
        return 0;
    case 'V':
        puts("mapshare-standby " PACKAGE_VERSION);
        exit(STANDBY_DONE);
    case ARGP_KEY_ARG:
        if (state->arg_num > 1)
            argp_error(state, "%s: one argument too many", text);
        *(state->arg_num ? &options->mountpoint : &options->store) = text;
        return 0;
    case ARGP_KEY_END:
        check(state, call);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        .options = table,
        .parser = parse,
        .args_doc = "STORE MOUNTPOINT\n--status\n--switch[=HOST]",
        .doc = "Serves a store that several machines can reach, or stands by to: never two of them at once. "
               "See mapshare-standby(8), and mapshare-reach(7) for the whole.",
    };
    static char host[RECORD_HOST + 1];
    struct call call = {.options = {.host = host, .lease_seconds = 3, .patience_seconds = 30}};

    argp_err_exit_status = STANDBY_USAGE;
    if (gethostname(host, sizeof host - 1))
        host[0] = 0;
    if (argp_parse(&argp, argc, argv, 0, NULL, &call))
        return STANDBY_USAGE;
    unsetenv("NOTIFY_SOCKET"); /* the service is we, not the daemon */
    unsetenv("WATCHDOG_USEC");
    if (call.status)
        return status_print(&call.options, call.json);
    return call.switches ? status_switch(&call.options, call.to) : turn_run(&call.options);
}
