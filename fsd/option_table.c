#include "config.h"

#include "option_table.h"

#include "log.h"
#include "units.h"

const struct option option_table[OPTION_COUNT] = {
    {"cache_size", SIZE, offsetof(struct options, tuning.cache_size), 16 * MIB, 1024 * GIB,
     "memory for pages [an eighth of memory, at most 512M]"},
    {"cache_max", SIZE, offsetof(struct options, cache_max), 16 * MIB, 4096 * GIB,
     "that cache_size may be raised to while it is mounted [four times cache_size, as far as memory goes]"},
    {"journal_size", SIZE, offsetof(struct options, journal_size), 4 * MIB, 64 * GIB,
     "size of the journal in the store [as it is; of a new one 16M, or a quarter of the free space]"},
    {"journal_max", SIZE, offsetof(struct options, tuning.journal_max), 4 * MIB, 64 * GIB,
     "that it grows to where large changes need it [journal_size if given, else 1G at most]"},
    {"journal_left", SIZE, offsetof(struct options, tuning.journal_left), 0, 64 * GIB,
     "that a clean unmount makes it, if it is larger; 0: leave it as it is [0]"},
    {"snapshot_size", SIZE, offsetof(struct options, snapshot_size), 1 * MIB, 64 * GIB,
     "room in the store for what snapshots of files need when it changes [1G]"},
    {"commit_interval", NUMBER, offsetof(struct options, tuning.commit_interval), 1, 3600,
     "seconds after which changes of default files are committed [5]"},
    {"threads", NUMBER, offsetof(struct options, threads), 2, 64, "threads that serve requests [4]"},
    {"user_share", NUMBER, offsetof(struct options, tuning.user_share), 1, 100,
     "percent of the cache that uncommitted changes of one user's atomic files may take, and of snapshot_size that one user's "
     "snapshots may [50]"},
    {"user_handles", NUMBER, offsetof(struct options, tuning.user_handles), 16, 1000000, "open files of one user [500000]"},
    {"user_waits", NUMBER, offsetof(struct options, tuning.user_waits), 1, 1000000,
     "requests of one user that wait for a commit, or for the kernel's word on dirty pages [1024]"},
    {"user_removed", NUMBER, offsetof(struct options, tuning.user_removed), 1, 100,
     "percent of the descriptors for removed, open files that one user's files may keep [50]"},
    {"user_probes", NUMBER, offsetof(struct options, tuning.user_probes), 1, 4,
     "of the four questions that the kernel is asked at a time, so many may be for one user [1]"},
    {"hang_timeout", NUMBER, offsetof(struct options, tuning.hang_timeout), 0, 3600,
     "seconds after which a worker that gets on with nothing is replaced; 0: never [10]"},
    {"max_restarts", NUMBER, offsetof(struct options, tuning.max_restarts), 0, 1000000,
     "deaths of the worker in a minute after which it is not started again [20]"},
    {"log_level", LEVEL, offsetof(struct options, tuning.log_level), 0, 0,
     "what is logged: fatal, warn, note [default], or trace, which is all that happens"},
    {"generation", NUMBER, offsetof(struct options, generation), 0, INT64_MAX,
     "which of several machines in turn this is, from mapshare-standby; 0: there are no others [0]"},
    {"atomic", FLAG, offsetof(struct options, atomic), 0, 0,
     "all files are atomic: only the program's own commits make changes durable"},
    {"strictatime", ATIME, offsetof(struct options, tuning.atime), ATIME_STRICT, 0, "mark atime at every read"},
    {"relatime", ATIME, offsetof(struct options, tuning.atime), ATIME_RELATIVE, 0,
     "mark atime when it is not later than mtime, or a day old [default]"},
    {"noatime", ATIME, offsetof(struct options, tuning.atime), ATIME_NONE, 0, "never mark atime"},
    {"allow_other", FLAG, offsetof(struct options, allow_other), 0, 0, "let other users in"},
    {"no_tune", FLAG, offsetof(struct options, no_tune), 0, 0, "leave the kernel's limits for this mount as they are"},
    {"sandbox", SANDBOX, offsetof(struct options, no_sandbox), 0, 0,
     "full: the daemon's processes give up what they do not need [default]; or none"},
    {"trusted", FLAG, offsetof(struct options, trusted), 0, 0,
     "root may set trusted and security attributes and chattr's i and a: the worker keeps capabilities for it"},
    {"arena", FOLDER, offsetof(struct options, arena), 0, 0,
     "folder on a tmpfs or hugetlbfs: what was received is taken up there by the next mount if all processes die at once"},
    {"fault", TEXT, offsetof(struct options, fault), 0, 0,
     "make the store fail, for tests: OPERATION/TARGET/KIND[/FIRST[/COUNT]]:..."},
};

const char *const option_levels[OPTION_LEVELS] = {
    [LOG_FATAL] = "fatal", [LOG_WARN] = "warn", [LOG_NOTE] = "note", [LOG_TRACE] = "trace"};
