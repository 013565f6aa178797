/* A regular file as clients see it: frames over the store's bytes. This floor alone knows both cache and journal; its invariants are
 * DESIGN.md's.
 *
 * Locking: ahead_lock, then a file's lock (never two at once), then any of the leaves; DESIGN.md has them all. Whoever works on a file
 * has a reference to its record (record.h).
 */
#ifndef FILE_FILE_H
#define FILE_FILE_H

#include <pthread.h>
#include <sys/stat.h>

#include "cache/descriptor.h"
#include "cache/frame.h"
#include "file/kept.h"
#include "file/share.h"
#include "file/tail.h"
#include "file/times.h"
#include "file/wishes.h"
#include "options.h"
#include "store/store.h"

/* The pages that are in frames: page.c's. */
struct file_view {
    struct frame_tree tree;                /* as readers see them */
    struct frame_list lists[FRAME_STATES]; /* by state, in the order in which they got there */
    _Atomic uint32_t counts[FRAME_STATES]; /* flusher and checkpointer glance at these */
    uint32_t hidden[FRAME_STATES];         /* so many of these no reader sees */
    uint32_t failed;                       /* of all these */
    uint32_t moved;                        /* times that a checkpoint freed frames, or cut the store's file */
};

/* The private half of a file's versions: version.c's, which has the table of their states. */
struct file_versions {
    uint8_t last;                  /* which of the two commits holds; the other is being made */
    uint64_t count;                /* of commits since the worker began */
    _Atomic bool committing;       /* it is, by the one commit there may be of a file at a time */
    bool changed;                  /* size, mtime or what is void differ from the last commit */
    bool carried;                  /* the commit being made, or to be made, has again what was committed */
    bool atime_changed;            /* goes along with the next commit */
    uint64_t cut_position;         /* of the first commit that lowered `cut` */
    _Atomic uint64_t floor;        /* the journal's tail stays here until all is stored; 0: it may move */
    uint64_t writing;              /* position of the first commit that a page in WRITEBACK is of; 0: none is */
    _Atomic uint64_t needed;       /* the journal may not be released from here on */
    _Atomic int64_t last_change;   /* CLOCK_MONOTONIC: of size or times */
    _Atomic int64_t changed_since; /* CLOCK_MONOTONIC: the oldest change that no commit has; 0: none */
};

/* Pages journaled ahead of their commit: ahead.c's. */
struct file_stream {
    _Atomic uint64_t number;   /* 0: none */
    _Atomic uint64_t position; /* of its first chunk */
    uint32_t epoch;            /* the journal's when it began: in a later one it does not go on */
    bool is_void;              /* a truncation hit pages of it: it may not be committed */
    _Atomic uint64_t full_at;  /* as much is journaled ahead as may be in a journal of this size; 0: not yet */
};

/* What is known of the store's file: used.c's and allocate.c's. */
struct file_blocks {
    bool known;
    uint64_t until; /* it has blocks up to here */
    int64_t added;  /* pages that frames in view will add, or give back */
};

/* The clients' handles: opens.c's, under its lock. */
struct file_opens {
    uint32_t writers; /* open for writing */
    uint32_t mappers; /* open for reading and writing: only they can leave dirty pages in the kernel */
    uint32_t deniers; /* deny writing */
};

/* Files with something to commit; with something committed, which a checkpoint is to write; which are on neither, as they are damaged. */
enum file_list_name { LIST_CHANGED, LIST_COMMITTED, LIST_DAMAGED, LISTS };

/* The private half of a struct file. */
struct file_index {
    pthread_mutex_t lock; /* guards all below but what says otherwise, the file's truth and its frames; outlives the file */
    bool started;
    bool untaken;                          /* its frames, as a dead worker left them, were not looked at yet: file_lock does */
    uint32_t untaken_first, untaken_count; /* in files->untaken */
    struct file_view view;
    struct file_versions versions;
    struct file_stream stream;
    struct file_blocks blocks;
    struct file_opens opens;
    struct file_snapshots snapshots;
    _Atomic int64_t told;      /* to the kernel, of its attributes: told.c's, as is */
    _Atomic uint32_t changing; /* changes of them under way: told.c's, too */
    uint32_t asker;            /* the thread that asked last for them, since they changed; 0: none */
    struct user *user;         /* who is charged for what is not committed; NULL: nobody yet */

    uint64_t flush_pass; /* the last one that took it: flusher.c's, under the lists' lock */
    struct {
        bool on;
        TAILQ_ENTRY(file_index) link;
    } listed[LISTS]; /* under the lists' lock, too: lists.c's */
};

TAILQ_HEAD(file_list, file_index);

struct commit_queue;
struct sweep;
struct ahead;

struct files {
    struct arena *arena;
    const struct options *options;
    struct inode_table *inodes;
    struct descriptor_cache *descriptors;
    struct frame_table *frames;
    struct store *store;
    struct journal *journal;

    struct file_index *index;    /* parallel to arena->files */
    pthread_mutex_t record_lock; /* guards the slots, and births; a leaf */
    struct slots slots;

    pthread_mutex_t lists_lock;    /* a leaf */
    struct file_list lists[LISTS]; /* each holds what is on it */
    pthread_mutex_t opens_lock;    /* all files' struct file_opens; a leaf */

    uint32_t *untaken; /* numbers of frames, file by file: takeover.c's */
    void (*take_over)(struct files *files, struct file_index *index);
    void (*attributes_changed)(struct files *files, uint32_t inode); /* of which the kernel was told; NULL: nobody asks */
    _Atomic uint32_t settled; /* times that blocks of the store's files changed for frames' */

    struct commit_queue *commits;
    struct ahead *ahead;
    struct tail tail;
    struct sweep *sweep;
    struct wishes wishes;
    struct shares shares;
    struct snapshots snapshots;
    long error_logged;
    pthread_mutex_t events_lock; /* who tells of one; a leaf */
    bool space_was_scarce;       /* transaction.c's: at the last look */
    uint32_t searches;           /* for owners of damaged records, that a takeover may still make */
};

/* Bytes of a WRITE: page by page in frames of their own, the rest (no frame was free) behind them in plain memory. */
struct received {
    uint32_t *frames; /* consumed ones are set to 0 */
    uint32_t frame_count;
    const unsigned char *rest;
    uint32_t user; /* whose WRITE it is; of the kernel's page cache: who opened the file */
};

/* Read `size` bytes, or fewer at the end of the file. `file` may be 0. Returns the count or -errno. */
ssize_t file_read(struct files *files, uint32_t inode, uint32_t file, void *buffer, size_t size, uint64_t offset);
/* Invariant 1. Returns bytes taken or -errno. A WRITE from the kernel's page cache never extends and never fails: where there is no room, and
 * a moment did not help, less than all is taken, and the rest is to be tried again, without waiting then. */
enum write_kind { WRITE_PLAIN, WRITE_MAPPED, WRITE_PARKED };
ssize_t file_write(struct files *files, uint32_t file, struct received *data, size_t size, uint64_t offset, enum write_kind kind);
/* `size` of the bytes from `from` on. */
void file_copy_received(const struct files *files, unsigned char *to, const struct received *data, size_t from, size_t size);
/* Stores were dropped for want of room: an atomic file cannot be committed any more until it is truncated to nothing, or the mount ends. */
void file_tear(struct files *files, uint32_t file);
int file_truncate(struct files *files, uint32_t file, uint64_t size);
/* fallocate(2): mode 0, KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE. */
int file_allocate(struct files *files, uint32_t file, int mode, uint64_t offset, uint64_t length);
/* lseek(2) with SEEK_DATA or SEEK_HOLE. */
off_t file_seek(struct files *files, uint32_t inode, uint32_t file, off_t offset, int whence);

/* T1 to T8. Only a program of the benchmark, which tells what they cost, is built without. */
#ifdef WITHOUT_TIMES
#define KEEP_TIMES 0
#else
#define KEEP_TIMES 1
#endif

struct file_question {
    uint32_t thread;  /* whose; 0: not known */
    uint32_t settled; /* files->settled, from before the store was asked for its part */
};
/* Put the file's own size, times and blocks in place of the store's. Whether the kernel, where it asked, may keep them. `question`: NULL: it did not. */
bool file_attributes(struct files *files, uint32_t file, struct stat *stat, const struct file_question *question);
/* Where the store's file, open at `fd`, has blocks: not known of a file that a dead worker left. */
void file_learn_blocks(struct files *files, uint32_t file, int fd);
struct probe_run;
/* How many blocks these runs of pages will take that the store's file, open at `fd`, and its frames have none for. */
blkcnt_t file_blocks_missing(struct files *files, uint32_t file, int fd, const struct probe_run *runs, uint32_t count);
enum { FILE_ATIME = 1, FILE_MTIME = 2, FILE_ATIME_NOW = 4, FILE_MTIME_NOW = 8 };
/* Sets what `which` names, to that time or to now, and marks ctime. */
void file_set_times(struct files *files, uint32_t file, int which, struct timespec atime, struct timespec mtime);
/* Around a change of them: meanwhile nothing is told that may be kept. */
void file_change_begin(struct files *files, uint32_t file);
void file_change_end(struct files *files, uint32_t file);
/* They changed, or are about to. Whether the kernel may have kept what it was told since this was last asked: then it must hear that. */
bool file_untell(struct files *files, uint32_t file);
/* An open (change 1) or a release (-1) of a client's. */
void file_count_handle(struct files *files, uint32_t file, const struct handle *handle, int change);
/* Whether reading marks atime, by the rule of `strict` or relatime. */
bool file_atime_is_due(int64_t atime, int64_t mtime, int64_t ctime, bool strict);
/* The file was read. */
void file_mark_atime(struct files *files, uint32_t file, bool strict);
/* Whether a client denies others to open it for writing. */
int file_deny(struct files *files, uint32_t file, struct handle *handle, bool deny);
bool file_denies(struct files *files, uint32_t file);
void file_set_atomic(struct files *files, uint32_t file, bool atomic);
/* Whether some client has it open for reading and writing: only then can the kernel hold changed pages of it. */
bool file_may_be_mapped(struct files *files, uint32_t file);
/* An unlinked file that nobody has open any more: nothing of it need be written. */
void file_drop(struct files *files, uint32_t file);

/* For this floor's own files. Invariant 7: the store's file gets blocks, which *reserved tells, for the pages in this state that lie in holes or beyond its end. Most commits change pages that have
 * theirs. The file's lock is held. */
int file_reserve_blocks(struct files *files, struct file_index *index, int fd, enum frame_state state, bool *reserved);
/* Whether the store may have no room for all that the journal can hold. */
bool file_room_is_scarce(const struct files *files);
static inline void file_lock(struct files *files, struct file_index *index)
{
    pthread_mutex_lock(&index->lock);
    if (index->untaken)
        files->take_over(files, index);
}

static inline struct file *file_truth(const struct files *files, const struct file_index *index)
{
    return &files->arena->files[index - files->index];
}

static inline bool file_is_damaged(const struct file *file)
{
    return file->flags & FILE_DAMAGED;
}

/* Whoever holds a number holds the record (record.h). */
static inline void file_hold(struct files *files, uint32_t file)
{
    inode_hold(files->inodes, files->arena->files[file].inode);
}

static inline void file_put(struct files *files, uint32_t file)
{
    inode_put(files->inodes, files->arena->files[file].inode);
}

#endif
