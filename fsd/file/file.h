/* A regular file as clients see it: frames over the store's bytes. This floor alone knows both cache and journal.
 *
 * Invariants (asserts cite the number; design and reasons in DESIGN.md):
 *  1. A FUSE_WRITE that was answered is in the arena, whole, before the answer.
 *  2. A received page never reaches the store's file before a commit that contains it.
 *  3. A commit is durable before it is answered; after a crash it is there whole or not at all, and commits reappear in order.
 *  4. A committed frame stays in the arena or the journal until its checkpoint is durable; only then is its journal space reused.
 *  5. A page that changes while its old content is being written is a new frame; content under I/O never changes.
 *  6. A failed write keeps its pages, its place in the queue and its error; every sync of the file reports it.
 *  7. Space for a commit is reserved before the commit point: no ENOSPC after it.
 *  8. Truncate, punch and unlink never let an older journaled page come back.
 *
 * Locking: ahead_lock, then a file's lock (never two at once), then any of the leaves; DESIGN.md has them all.
 */
#ifndef FILE_FILE_H
#define FILE_FILE_H

#include <pthread.h>
#include <sys/stat.h>

#include "cache/descriptor.h"
#include "cache/frame.h"
#include "options.h"
#include "store/store.h"

/* The private half of a struct file. */
struct file_index {
    pthread_mutex_t lock; /* guards all below, the file's truth and its frames; outlives the file */
    bool started;
    struct frame_tree view;
    struct frame_list lists[FRAME_STATES]; /* by state, in the order in which they got there */
    _Atomic uint32_t counts[FRAME_STATES]; /* flusher and checkpointer glance at these and at what else is atomic here */
    uint32_t failed_count;                 /* of all these */
    uint8_t held;                          /* which of the two commits holds */
    bool changed;                          /* size, mtime or what is void differ from the last commit */
    bool atime_changed;                    /* goes along with the next commit */
    _Atomic bool committing_file;          /* commits[!held] is being made */
    _Atomic uint64_t needed;               /* the journal may not be released from here on */
    uint64_t oldest;                       /* position of the first commit whose size and times the store's file has not */
    uint64_t writing;                      /* position of the first commit that a page in WRITEBACK is of; 0: there is none */
    bool dense_known;
    uint32_t settled;                 /* times that a checkpoint freed frames, or cut the store's file */
    uint64_t dense_until;             /* the store's file has blocks up to here */
    _Atomic int64_t last_change;      /* CLOCK_MONOTONIC: of size or times */
    _Atomic int64_t received_since;   /* CLOCK_MONOTONIC: the oldest change that no commit has; 0: none */
    _Atomic bool ahead_full;          /* as much of it is journaled ahead as may be */
    _Atomic uint64_t stream;          /* pages of this stream were journaled ahead of the commit; 0: none */
    _Atomic uint64_t stream_position; /* of its first chunk */
    uint32_t stream_epoch;            /* the journal's when the stream began: in a later one it does not go on */
    bool stream_void;                 /* a truncation hit pages of the stream: it may not be committed */

    /* Guarded by files->lock. */
    uint32_t writers; /* handles open for writing */
    uint32_t mappers; /* handles open for reading and writing: only they can leave dirty pages in the kernel */
    uint32_t deniers; /* handles that deny writing */
    bool on_changed, on_checkpoint;
    TAILQ_ENTRY(file_index) changed_link;    /* files->changed: has something to commit */
    TAILQ_ENTRY(file_index) checkpoint_link; /* files->checkpoint: has something committed */
};

TAILQ_HEAD(file_list, file_index);

struct commit_waiter;
TAILQ_HEAD(waiter_list, commit_waiter);

/* Where a commit in the journal ends, while the journal still has it. */
struct commit_place {
    uint64_t position, number;
};

#define COMMIT_PLACES 65536u

struct files {
    struct arena *arena;
    const struct options *options;
    struct inode_table *inodes;
    struct descriptor_cache *descriptors;
    struct frame_table *frames;
    struct store *store;
    struct journal *journal;
    struct file_index *index; /* parallel to arena->files */

    pthread_mutex_t record_lock; /* guards the slots, and births */
    struct slots slots;

    pthread_mutex_t lock;
    struct file_list changed, checkpoint; /* each holds what is on it */

    void (*committed)(void *context); /* called by the leader after each commit, without locks */
    void *context;

    pthread_rwlock_t ahead_lock; /* shared by those who journal pages ahead: they may not change meanwhile. Taken before a file's */
    _Atomic uint32_t ahead_threads; /* serving threads that do so */
    pthread_mutex_t commit_lock;    /* guards the queue and who leads; a leaf */
    struct waiter_list commit_queue;
    bool commit_leading;
    struct commit_round *round;                /* the leader's */
    struct commit_place places[COMMIT_PLACES]; /* ring: the ends of commits that their files know of, in order */
    uint64_t place_first, place_end;
    _Atomic bool dropped;      /* files with commits in the journal were unlinked and dropped: the store may not know of it yet */
    _Atomic uint64_t released; /* where the journal's tail is */
    _Atomic uint64_t next_stream;

    pthread_mutex_t work_lock; /* guards the wishes below; a leaf */
    pthread_cond_t work;       /* something for flusher or checkpointer */
    pthread_cond_t room;       /* a checkpoint round ended */
    bool checkpoint_wanted, flush_wanted, stopping;
    bool streams_unwanted; /* a commit found no room: what was journaled ahead of others is in its way */
    uint64_t rounds;       /* of checkpoint, ended */
    int checkpoint_error;  /* of the last round */
    long error_logged;
};

/* Bytes of a WRITE: page by page in frames of their own, the rest (no frame was free) behind them in plain memory. */
struct received {
    uint32_t *frames; /* consumed ones are set to 0 */
    uint32_t frame_count;
    const unsigned char *rest;
};

/* Read `size` bytes, or fewer at the end of the file. `file` may be 0. Returns the count or -errno. */
ssize_t file_read(struct files *files, uint32_t inode, uint32_t file, void *buffer, size_t size, uint64_t offset);
/* Invariant 1. `mapped`: from the kernel's page cache, never extends and never fails. Returns bytes taken or -errno. */
ssize_t file_write(struct files *files, uint32_t file, struct received *data, size_t size, uint64_t offset, bool mapped);
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

/* Put the file's own size and times in place of the store's. */
void file_attributes(struct files *files, uint32_t file, struct stat *stat);
enum { FILE_ATIME = 1, FILE_MTIME = 2, FILE_CTIME = 4 };
/* Set what `which` names; the rest stays. */
void file_set_times(struct files *files, uint32_t file, int which, int64_t atime, int64_t mtime, int64_t ctime);
/* Whether nothing was changed lately: then the kernel may keep what it was told of the file's attributes. While changes and questions cross
 * each other it could keep an answer that is older than one it gave. */
bool file_is_quiet(struct files *files, uint32_t file);
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
/* Everything uncommitted is void: the file is as its last commit left it (for unmounting). */
void file_discard(struct files *files, uint32_t file);

int64_t time_now(void); /* CLOCK_REALTIME, nanoseconds */
int64_t time_monotonic(void);
static inline int64_t time_pack(struct timespec at)
{
    int64_t seconds = at.tv_sec;

    if (seconds > INT64_MAX / 1000000000 - 1)
        return INT64_MAX / 1000000000 * 1000000000;
    if (seconds < INT64_MIN / 1000000000 + 1)
        return INT64_MIN / 1000000000 * 1000000000;
    return seconds * 1000000000 + at.tv_nsec;
}
static inline struct timespec time_unpack(int64_t nanoseconds)
{
    int64_t seconds = nanoseconds / 1000000000, rest = nanoseconds % 1000000000;

    if (rest < 0)
        seconds--, rest += 1000000000;
    return (struct timespec){seconds, rest};
}

/* For this floor's own files. */
/* Invariant 7: the store's file gets blocks for the pages in this state that lie in holes or beyond its end. Most commits change pages that have
 * theirs. The file's lock is held. */
int file_reserve_blocks(struct files *files, struct file_index *index, int fd, enum frame_state state);
static inline struct file *file_truth(const struct files *files, const struct file_index *index)
{
    return &files->arena->files[index - files->index];
}
/* The file's lock is held: something was changed that a commit must carry. */
void file_touch(struct files *files, struct file_index *index);
uint64_t file_valid(struct files *files, const struct file_index *index);
/* Waits for one of the wishes, and takes it, or for the time. False when the thread shall end. */
bool files_wait(struct files *files, bool *wish, int64_t nanoseconds);
/* Wake flusher and checkpointer. */
void files_want(struct files *files, bool flush, bool checkpoint);
/* The file went from having to not having something on a list. */
void file_settle(struct files *files, struct file_index *index);

#endif
