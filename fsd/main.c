#include "config.h"

#include <stdio.h>

#include "options.h"
#include "process/daemon.h"

int main(int argc, char **argv)
{
    struct options options;

    if (options_parse(&options, argc, argv))
        return 2;
    if (options.help) {
        options_help(stdout);
        return 0;
    }
    if (options.version) {
        puts("mapsharefs " PACKAGE_VERSION);
        return 0;
    }
    return options.adopt ? adopt_run(&options) : start_run(&options);
}
