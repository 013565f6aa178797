#include "config.h"

#include "command.h"

#include <stddef.h>

#define OPTIONS_ALWAYS (OPTION_HELP | OPTION_VERSION)

const struct command commands[] = {
    {
        .name = "unmount",
        .operands = "MOUNTPOINT",
        .operands_most = 1,
        .options = OPTION_TIMEOUT | OPTION_KEEP_OTHERS | OPTIONS_ALWAYS,
        .summary = "unmount and wait until the store is complete",
        .description = "Unmounts MOUNTPOINT and returns when its daemon has written everything to the\n"
                       "store and has left: from then on the store can be read, copied or mounted.\n"
                       "fusermount3(1) returns earlier, and so does umount(8) without its helper\n"
                       "umount.fuse.mapsharefs in /sbin, or with -i.\n",
        .run = command_unmount,
    },
    {
        .name = "upgrade",
        .operands = "MOUNT",
        .operands_most = 1,
        .options = OPTION_TIMEOUT | OPTIONS_ALWAYS,
        .summary = "replace the running daemon by the program on disk",
        .description = "Has the daemon of MOUNT execute the mapsharefs that is now where it was started\n"
                       "from, and returns when that serves the mount. No client sees it. If the new\n"
                       "program cannot go on with the mount, the one that runs does.\n",
        .run = command_upgrade,
    },
    {
        .name = "revive",
        .operands = "MOUNT",
        .operands_most = 1,
        .options = OPTION_TIMEOUT | OPTIONS_ALWAYS,
        .summary = "serve again a mount whose worker died too often",
        .description = "A worker that dies too often is not started again: clients of MOUNT get EIO.\n"
                       "This starts one, with all that the last one had received, and returns when it\n"
                       "serves. Of a mount that is served nothing is changed.\n",
        .run = command_revive,
    },
    {
        .name = "stat",
        .operands = "FILE...",
        .operands_most = OPERANDS_UNLIMITED,
        .options = OPTION_JSON | OPTIONS_ALWAYS,
        .summary = "show a file's size, times, page counts and last commit",
        .description = "Shows what is known of each FILE: its size now and as of the last commit, times,\n"
                       "how many pages are in each state, and the error kept for it, if any.\n"
                       "Of a directory it tells whether new files in it become atomic ones.\n",
        .run = command_stat,
    },
    {
        .name = "dirty",
        .operands = "FILE",
        .operands_most = 1,
        .options = OPTION_JSON | OPTIONS_ALWAYS,
        .summary = "list the pages that differ from the store",
        .description = "Prints one line a run of pages, FIRST-LAST STATE, page numbers from 0, sorted.\n"
                       "Nothing is printed for a file whose pages are all in the store.\n"
                       "\n"
                       "States: kernel (stored to, still in the page cache), received (in the daemon,\n"
                       "not committed), committed (durable in the journal), writeback (being written\n"
                       "to the store now), failed (kept after a write error).\n",
        .run = command_dirty,
    },
    {
        .name = "map",
        .operands = "FILE",
        .operands_most = 1,
        .options = OPTION_JSON | OPTION_WIDTH | OPTION_FOLLOW | OPTION_COLOUR | OPTION_SVG | OPTIONS_ALWAYS,
        .summary = "draw a picture of a file's pages and their states",
        .description = "Draws FILE as a grid, one cell a page or a block of pages. A block shows the\n"
                       "state that most needs attention: failed, kernel, received, writeback, committed.\n"
                       "Coloured on a terminal unless NO_COLOR is set, or as --color says.\n"
                       "With --follow it is drawn again whenever it has changed, until interrupted.\n",
        .run = command_map,
    },
    {
        .name = "files",
        .operands = "[MOUNT]",
        .operands_most = 1,
        .operands_optional = true,
        .options = OPTION_JSON | OPTIONS_ALWAYS,
        .summary = "list the files that are not all in the store",
        .description = "Lists the files of MOUNT that have dirty pages (received, not committed),\n"
                       "committed ones that are not in the store yet, pages that failed, or an error;\n"
                       "what is most uncommitted first. A folder or a file below a mount lists what is\n"
                       "there. Nothing is printed when all is in the store.\n"
                       "For root and the mount's owner. MOUNT may be left out where there is only one.\n",
        .run = command_files,
    },
    {
        .name = "follow",
        .operands = "FILE...",
        .operands_most = OPERANDS_UNLIMITED,
        .options = OPTION_JSON | OPTION_SINCE | OPTION_TO | OPTION_SHELL | OPTION_ONCE | OPTIONS_ALWAYS,
        .summary = "print commits as they become durable, or keep a copy",
        .description = "Prints each commit of FILE when it is durable: its number, its time, the file,\n"
                       "its size, and which pages it changed, until interrupted. Where FILE is a\n"
                       "mount's root, those of all its files. One line for each file of a commit; with\n"
                       "--json, an object a line for each commit. Where more was committed than could\n"
                       "be read, a line says \"lost\", and what follows goes on from then.\n"
                       "A file for who may read it; all of a mount for root and the mount's owner.\n\n"
                       "With --to, the FILEs, or all of the mount, are copied to DESTINATION, a folder\n"
                       "of another mount, here or on another machine, and the copy kept up to date:\n"
                       "each commit is there whole or not at all. A line for each batch of commits tells\n"
                       "up to which one the copy is, and how far behind; with --json, an object. With\n"
                       "--once it ends when the copy has what there was. The copy is for reading; no\n"
                       "fail-over. For root and the mount's owner.\n",
        .run = command_follow,
    },
    {
        .name = "receive",
        .operands = "FOLDER",
        .operands_most = 1,
        .options = OPTIONS_ALWAYS,
        .summary = "the far side of follow --to, which starts it",
        .description = "Makes FOLDER, of a mount of mapsharefs, the copy that standard input tells of: a\n"
                       "follower's other end. A FOLDER that is no copy yet must be empty.\n",
        .run = command_receive,
    },
    {
        .name = "trace",
        .operands = "[MOUNT]",
        .operands_most = 1,
        .operands_optional = true,
        .options = OPTION_JSON | OPTIONS_ALWAYS,
        .summary = "print what a mount's daemon does, as it happens",
        .description = "Prints a line for each commit, round of a checkpoint, death and takeover of the\n"
                       "worker, growth of the journal or the spill file, rollback and backup of MOUNT,\n"
                       "until interrupted.\n"
                       "For root and the mount's owner. MOUNT may be left out where there is only one.\n",
        .run = command_trace,
    },
    {
        .name = "sync",
        .operands = "FILE...",
        .operands_most = OPERANDS_UNLIMITED,
        .options = OPTION_JSON | OPTIONS_ALWAYS,
        .summary = "commit all the files at once, all or none",
        .description = "Makes all FILEs durable in one atomic commit and prints its sequence number.\n"
                       "After a crash either all of them are as they are now, or none is.\n"
                       "The files must be on one mount and writable by the caller.\n",
        .run = command_sync,
    },
    {
        .name = "rollback",
        .operands = "FILE...",
        .operands_most = OPERANDS_UNLIMITED,
        .options = OPTION_JSON | OPTIONS_ALWAYS,
        .summary = "take back what the files' last commits do not have",
        .description = "All changes of the FILEs since their last commits are gone, in every mapping of\n"
                       "every process, size and times included. Prints the latest of these commits.\n"
                       "The files must be on one mount and writable by the caller.\n",
        .run = command_rollback,
    },
    {
        .name = "cat",
        .operands = "FILE...",
        .operands_most = OPERANDS_UNLIMITED,
        .options = OPTION_COMMITTED | OPTIONS_ALWAYS,
        .summary = "print what is in files, or what is committed of them",
        .description = "Prints the FILEs one after the other, as they are. With --committed as their\n"
                       "last commits left them, all at the same moment, while others go on writing:\n"
                       "a commit of several of them is there whole or not at all.\n",
        .run = command_cat,
    },
    {
        .name = "top",
        .operands = "[MOUNT]",
        .operands_most = 1,
        .operands_optional = true,
        .options = OPTION_JSON | OPTION_ONCE | OPTIONS_ALWAYS,
        .summary = "watch a mount at work, refreshed every second",
        .description = "Shows commits and pages a second, how long commits took, the last minute of\n"
                       "these, frames by state, the journal, the users who hold most, the worker's\n"
                       "restarts, and, for root and the mount's owner, the files that are not all in\n"
                       "the store. Keys: q leaves, space refreshes at once; u, c, f, s, a and n put\n"
                       "first what is uncommitted, committed, failed, often committed, long without a\n"
                       "commit, or by name; / lists only names with what is typed then; the arrows\n"
                       "choose a file, Enter draws its pages.\n"
                       "With --once or --json it prints one sample and needs no terminal.\n"
                       "MOUNT may be left out where there is only one.\n",
        .run = command_top,
    },
    {
        .name = "recover",
        .operands = "STORE",
        .operands_most = 1,
        .options = OPTION_JSON | OPTION_GIVE_UP | OPTIONS_ALWAYS,
        .summary = "replay a store's journal without mounting it",
        .description = "Brings the files of STORE to their last commits and empties the journal, as a\n"
                       "mount does. May be interrupted and repeated. STORE must not be mounted.\n"
                       "A journal that is damaged in the middle is refused, unless what is behind the\n"
                       "damage is given up.\n",
        .run = command_recover,
    },
    {
        .name = "journal",
        .operands = "STORE",
        .operands_most = 1,
        .options = OPTION_JSON | OPTIONS_ALWAYS,
        .summary = "show what is in a store's journal",
        .description = "Prints each record from the journal's tail to its last whole one: its place,\n"
                       "its commit, the files and the pages. Nothing is changed.\n",
        .run = command_journal,
    },
    {
        .name = "backup",
        .operands = "SOURCE... DESTINATION",
        .operands_most = OPERANDS_UNLIMITED,
        .options = OPTION_JSON | OPTION_EARLIER | OPTIONS_ALWAYS,
        .summary = "copy the store as of one commit, while in use",
        .description = "Copies SOURCE, a mount, or files and folders of one, to DESTINATION, a new or\n"
                       "empty folder: all files as of one commit and all names as of one moment, with\n"
                       "owners, modes, times, links, attributes and holes, while programs go on. What\n"
                       "they have not committed yet is not in it. DESTINATION is a plain folder, and\n"
                       "may be mounted as a store, unless it shares files with an earlier backup.\n"
                       "One that is interrupted is marked as incomplete, and is to be removed.\n"
                       "For root and the mount's owner.\n",
        .run = command_backup,
    },
    {
        .name = "metrics",
        .operands = "MOUNT",
        .operands_most = 1,
        .options = OPTION_JSON | OPTIONS_ALWAYS,
        .summary = "print a mount's counters in Prometheus' text format",
        .description = "Prints the counters of MOUNT's daemon, and histograms of how long requests,\n"
                       "commits and waits for room took, in the text format that Prometheus and\n"
                       "compatible collectors read, for instance through a textfile collector.\n",
        .run = command_metrics,
    },
    {
        .name = "verify",
        .operands = "MOUNT|STORE",
        .operands_most = 1,
        .options = OPTION_JSON | OPTIONS_ALWAYS,
        .summary = "check a daemon's memory, or a store and its journal",
        .description = "Of a MOUNT: has the daemon look at each record in its memory, while it serves,\n"
                       "and prints how many there are of each kind, how many are damaged, and the inode\n"
                       "numbers of the files that these belong to. Such a file is not written to the\n"
                       "store any more, and every sync of it fails. For root and the mount's owner.\n"
                       "Of a STORE, mounted or not: reads its journal, and prints what does not hold and\n"
                       "what a recovery would do. Nothing is changed.\n"
                       "Returns 0 only if all holds.\n",
        .run = command_verify,
    },
    {
        .name = "options",
        .operands = "[MOUNT]",
        .operands_most = 1,
        .operands_optional = true,
        .options = OPTION_JSON | OPTIONS_ALWAYS,
        .summary = "list the options that hold for a mount",
        .description = "Prints one option a line: all of the daemon's, with the values that it chose\n"
                       "where none was given, and what the kernel was told. MOUNT may be left out\n"
                       "where there is only one. For root and the mount's owner.\n",
        .run = command_options,
    },
    {
        .name = "set",
        .operands = "MOUNT OPTION...",
        .operands_most = OPERANDS_UNLIMITED,
        .options = OPTIONS_ALWAYS,
        .summary = "change options of a mount while it is used",
        .description = "Changes mount options of MOUNT's daemon: all that are named, as NAME=VALUE, or\n"
                       "none. 'mapsharefs --help' marks those that can be changed so. Prints those\n"
                       "that had another value before. They hold until the mount ends.\n"
                       "For root and the mount's owner.\n",
        .run = command_set,
    },
    {
        .name = "help",
        .operands = "[COMMAND]",
        .operands_most = 1,
        .operands_optional = true,
        .options = OPTIONS_ALWAYS,
        .summary = "print this help, or a command's",
        .description = "The same as --help.\n",
        .run = NULL, /* it tells of this table: mapshare.c */
    },
    {.name = NULL},
};
