/* The mount options: one table feeds parsing, --help and the test against the manual. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum atime_rule { ATIME_RELATIVE, ATIME_STRICT, ATIME_NONE };

#define OPTIONS_LIST_MAX 512

/* What can be changed while it is mounted. What holds is in the arena (arena_tuning()), for all processes of the mount. */
struct tuning {
    uint64_t cache_size;      /* bytes of memory for pages */
    uint64_t journal_max;     /* bytes that the journal may grow to */
    uint64_t journal_left;    /* bytes that a clean unmount leaves of the journal; 0: all */
    uint64_t commit_interval; /* seconds */
    uint64_t user_share;      /* percent */
    uint64_t user_handles;
    uint64_t user_waits;
    uint64_t user_removed; /* percent */
    uint64_t user_probes;
    uint64_t hang_timeout; /* seconds; 0: never */
    uint64_t max_restarts; /* in a minute */
    uint64_t atime;        /* enum atime_rule */
    uint64_t log_level;    /* enum log_level */
};

struct options {
    const char *store;
    const char *mountpoint;
    bool foreground;
    bool trace;
    bool help, version;
    int adopt;  /* descriptor of what the program that ran before hands over; 0: none */
    bool check; /* only whether it can be taken */

    struct tuning tuning;
    uint64_t cache_max;    /* bytes that cache_size may be raised to while it is mounted */
    uint64_t journal_size; /* bytes */
    uint64_t threads;
    uint64_t snapshot_size; /* bytes */
    uint64_t generation;    /* of several machines in turn; 0: there are no others */
    bool atomic;            /* all files are */
    bool allow_other;
    bool read_only;
    bool remount; /* change an existing mount's ro, suid, ... */
    bool no_tune;
    bool no_sandbox;
    bool trusted;                          /* what only root sets in inodes can be set */
    char arena[OPTIONS_LIST_MAX];          /* folder of its file; resolved: setup.c */
    char fault[OPTIONS_LIST_MAX];          /* see fault.h */
    char kernel_options[OPTIONS_LIST_MAX]; /* what is passed on to mount(2): nosuid, nodev, ... */
    char own_options[OPTIONS_LIST_MAX];    /* the same, but we set them: nosymfollow, ... */
    bool no_symlinks, no_folder_atime;     /* what they say */
    uint32_t given;                        /* a bit for each option of the table that was named */
    char complaint[512];                   /* what is wrong with them: names the option and what to do */
};

/* 0, or -EINVAL after a message on stderr. */
int options_parse(struct options *options, int argc, char **argv);
void options_help(FILE *to);

/* The table's options with the values that hold: as a list, and back. 0 or -errno. */
#define OPTIONS_TEXT_MAX 2048
void options_to_text(const struct options *options, char *text, size_t max);
int options_of_text(struct options *options, const char *text);
/* All of it, with what is the kernel's, as -o takes it. */
void options_to_list(const struct options *options, char *text, size_t max);
/* As a list, those that were given and are not so at present. -EINVAL: one of them cannot be changed while it is mounted; `complaint` tells. */
int options_changes(struct options *options, const struct options *present, char *text, size_t max);
/* Changes what the list names, which is then what was given. -EINVAL: nothing is changed, `complaint` tells why. */
int options_change(struct options *options, const char *list);
/* A cache must be so large, for its threads. */
uint64_t options_cache_least(const struct options *options);
/* Of a damaged arena: what can be no value of an option becomes its default. The first one's name; NULL: all can. */
const char *options_mend(struct tuning *tuning, uint64_t cache_max);

#endif
