/* The mount options: one table feeds parsing, --help and the test against the manual. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum atime_rule { ATIME_RELATIVE, ATIME_STRICT, ATIME_NONE };

struct options {
    const char *store;
    const char *mountpoint;
    bool foreground;
    bool trace;
    bool help, version;

    uint64_t cache_size;      /* bytes of memory for pages */
    uint64_t journal_size;    /* bytes */
    uint64_t commit_interval; /* seconds */
    uint64_t threads;
    uint64_t max_restarts; /* in ten seconds */
    bool atomic;           /* all files are */
    bool allow_other;
    bool read_only;
    bool remount; /* change an existing mount's ro, suid, ... */
    bool no_tune;
    enum atime_rule atime;
    const char *fault;        /* see fault.h */
    char kernel_options[512]; /* what is passed on to mount(2): nosuid, nodev, ... */
};

/* 0, or -EINVAL after a message on stderr that names the option and what to do. */
int options_parse(struct options *options, int argc, char **argv);
void options_help(FILE *to);

#endif
