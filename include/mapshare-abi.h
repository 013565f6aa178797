/* What the daemon, the library and the tool agree on: attribute names, ioctls, states. Not installed.
 *
 * Structures here cross the FUSE ioctl boundary: fixed-width fields, no padding, little change. A field is only ever added at the
 * end, together with a new ioctl number.
 */
#ifndef MAPSHARE_ABI_H
#define MAPSHARE_ABI_H

#include <linux/ioctl.h>
#include <stdint.h>

#define MAPSHARE_PAGE_SIZE 4096

/* The store's private folder, hidden from the mount. */
#define MAPSHARE_PRIVATE_FOLDER ".mapshare"
/* Where this is, a backup was not completed: the folder is no store. */
#define MAPSHARE_INCOMPLETE MAPSHARE_PRIVATE_FOLDER "/incomplete"
/* Its file `lock` says in lines who has the store: the keeper's number and the mount point; the state; the number and last state of
 * the one before; the mount's options. It is always as long, so that writing it takes no new blocks. The state is one of these, or
 * begins so, with the reason. Only COMPLETE says that the store's files have every change. */
#define MAPSHARE_LOCK_SIZE 16384
#define MAPSHARE_LOCK_SERVING "serving"
#define MAPSHARE_LOCK_COMPLETE "complete"
#define MAPSHARE_LOCK_LOST "lost: " /* changes were not committed */
#define MAPSHARE_LOCK_LEFT "left: " /* committed, but still in the journal only */

/* Virtual extended attributes: readable by name, hidden from listxattr. */
#define MAPSHARE_XATTR_PREFIX "user.mapshare."
#define MAPSHARE_XATTR_DIRTY MAPSHARE_XATTR_PREFIX "dirty"
#define MAPSHARE_XATTR_DIRTY_KERNEL MAPSHARE_XATTR_PREFIX "dirty.kernel"
#define MAPSHARE_XATTR_DIRTY_RECEIVED MAPSHARE_XATTR_PREFIX "dirty.received"
#define MAPSHARE_XATTR_COMMITTED MAPSHARE_XATTR_PREFIX "committed"
#define MAPSHARE_XATTR_WRITEBACK MAPSHARE_XATTR_PREFIX "writeback"
#define MAPSHARE_XATTR_FAILED MAPSHARE_XATTR_PREFIX "failed"
#define MAPSHARE_XATTR_RANGES MAPSHARE_XATTR_PREFIX "ranges"
#define MAPSHARE_XATTR_COMMIT MAPSHARE_XATTR_PREFIX "commit"
#define MAPSHARE_XATTR_ERROR MAPSHARE_XATTR_PREFIX "error"
#define MAPSHARE_XATTR_ATOMIC MAPSHARE_XATTR_PREFIX "atomic"
#define MAPSHARE_XATTR_STATS MAPSHARE_XATTR_PREFIX "stats"

/* The state of a run of pages, as in user.mapshare.ranges. Mirrored by enum mapshare_page_state in mapshare.h. */
enum mapshare_abi_state {
    MAPSHARE_ABI_KERNEL = 1,
    MAPSHARE_ABI_RECEIVED = 2,
    MAPSHARE_ABI_COMMITTED = 3,
    MAPSHARE_ABI_WRITEBACK = 4,
    MAPSHARE_ABI_FAILED = 5,
};

struct mapshare_abi_run {
    uint64_t first; /* page number from 0 */
    uint64_t last;  /* inclusive */
    uint32_t state; /* enum mapshare_abi_state */
    uint32_t reserved;
};

/* MAPSHARE_IOC_INFO: what the daemon knows of a file without asking the kernel. ENOTTY: not on a mapshare mount. */
struct mapshare_abi_info {
    uint32_t version;  /* of this interface: MAPSHARE_ABI_VERSION */
    uint32_t flags;    /* MAPSHARE_ABI_ATOMIC, MAPSHARE_ABI_ROLLS_BACK */
    uint64_t sequence; /* last commit of the file, 0: none since the mount */
    int64_t commit_seconds;
    uint32_t commit_nanoseconds;
    int32_t error;     /* errno retained, or 0 */
    uint64_t received; /* pages */
    uint64_t committed;
    uint64_t writeback;
    uint64_t failed;
    uint64_t committed_size; /* bytes: the size that a crash now would leave */
};

#define MAPSHARE_ABI_VERSION 1
#define MAPSHARE_ABI_ATOMIC 1u
#define MAPSHARE_ABI_ROLLS_BACK 2u /* the daemon knows MAPSHARE_ABI_ROLLBACK_LENGTH */

/* MAPSHARE_IOC_RANGES: the runs at or after page `first`, kernel's included; `count` of them, sorted. `more` is 1 when the file has
 * further runs; ask again from the last run's end. `kernel_known` is 0 where the kernel cannot be asked. */
#define MAPSHARE_ABI_RUNS 160
struct mapshare_abi_ranges {
    uint64_t first;
    uint32_t count;
    uint16_t more;
    uint16_t kernel_known;
    struct mapshare_abi_run runs[MAPSHARE_ABI_RUNS];
};

/* MAPSHARE_IOC_JOIN: the file joins a group (a random number of the caller's) to be committed with it. The descriptor must be open
 * for writing (EBADF). MAPSHARE_IOC_COMMIT: all files that joined the group become durable, all or none; ESTALE: the daemon does
 * not know the group (it was replaced in between), join again. A file may be in one group once; a group ends with its commit. */
struct mapshare_abi_commit {
    uint64_t group;
    uint64_t sequence; /* out */
    int64_t seconds;   /* out: when it became durable, CLOCK_REALTIME */
    uint32_t nanoseconds;
    uint32_t files; /* in: how many joined, checked (ESTALE) */
};

/* A rollback is fallocate(2), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from 0 on, of a length that nobody asks for by chance. For a hole the
 * kernel sends the pages that it has, and drops them, in every mapping, when the daemon has answered: the file is then as its last commit left
 * it. EALREADY: it was, and the pages stay. A daemon that does not know of it would make the hole: ask MAPSHARE_IOC_INFO first. An error may be of pages that could not be sent, and are
 * not kept: try again. Ask for the size afterwards, so that the kernel learns it. */
#define MAPSHARE_ABI_ROLLBACK_LENGTH INT64_C(0x7fff6d6170736861)

/* MAPSHARE_IOC_WAIT: returns when the file's last durable commit is at or past `sequence`; ETIMEDOUT, EINTR. Of a mount's root: the last
 * commit of any file, for root and the mount's owner (EPERM). */
struct mapshare_abi_wait {
    uint64_t sequence;
    int64_t timeout_nanoseconds; /* < 0: for ever */
    uint64_t reached;            /* out */
};

/* What the processes that use a file share besides its bytes. On a mount it lies in memory of the daemon: MAPSHARE_IOC_AREA tells a name that
 * can be opened in any folder of the mount. Who asks for the board has mapped the file: as MAPSHARE_IOC_MAPPED. EBADF: the locks, and the
 * descriptor is not open for writing; EDQUOT: the user has too many.
 *
 * Off the mount it lies under /dev/shm. All zero is a good start. No word is a pointer or an index that is used unchecked. */
enum mapshare_abi_area_kind {
    MAPSHARE_ABI_BOARD = 0,  /* struct mapshare_abi_board: as readable and writable as the file */
    MAPSHARE_ABI_LOCKS = 1,  /* MAPSHARE_ABI_LOCK_COUNT struct mapshare_abi_lock: for who may write the file */
    MAPSHARE_ABI_EVENTS = 2, /* no memory, but a descriptor to poll and read: as readable as the file */
};

#define MAPSHARE_AREA_PREFIX ".mapshare-area-"
struct mapshare_abi_area {
    uint32_t kind;
    char name[64]; /* out */
};

#define MAPSHARE_ABI_BOARD_BYTES 4096
struct mapshare_abi_board {
    uint64_t notices; /* its lower half is a futex */
    uint32_t polled;  /* 1: somebody polls for notices, and each is told to the daemon by MAPSHARE_IOC_NOTIFIED */
};

/* MAPSHARE_IOC_WATCH, of a descriptor of MAPSHARE_ABI_EVENTS: a set of these, which it is to become readable at. It is anew at once: what was
 * before is not told. Reading gives a struct mapshare_event of mapshare.h, or EAGAIN. */
#define MAPSHARE_ABI_AT_COMMITS 1u
#define MAPSHARE_ABI_AT_NOTICES 2u

/* A lock and who holds it; libmapshare/locks.c tells how. */
#define MAPSHARE_ABI_PROCESSES 1024 /* that may use the locks of a file at once */
struct mapshare_abi_lock {
    uint64_t owner;        /* 0: nobody alone */
    uint32_t turn;         /* a futex: changes when who waits shall look again */
    uint32_t drained;      /* a futex: changes when a process has no share any more */
    uint32_t inconsistent; /* 1: an owner died, and nobody has said since that all is in order; written by the owner */
    uint32_t starving;     /* a futex; 1: somebody waits too long, and who comes now lets it go first */
    uint32_t was_shared;   /* 1: `shared` must be looked at */
    uint32_t reserved[9];
    uint64_t shared[MAPSHARE_ABI_PROCESSES / 64]; /* bit N: the process in place N has a share */
};

#define MAPSHARE_ABI_LOCKS_BYTES 8192
#define MAPSHARE_ABI_LOCK_COUNT (MAPSHARE_ABI_LOCKS_BYTES / (64 + MAPSHARE_ABI_PROCESSES / 8))

/* MAPSHARE_IOC_DENY_WRITE: 1: other opens for writing get ETXTBSY until 0, or until the descriptor is closed; ETXTBSY where somebody
 * else has it open for writing. */

/* MAPSHARE_IOC_VERIFY, of a mount's root: the daemon looks at each record of its memory while it serves. What is damaged it contains: the file
 * has an error that every sync reports. For root and the mount's owner (EPERM). */
enum mapshare_abi_record {
    MAPSHARE_ABI_INODES = 0,
    MAPSHARE_ABI_FILES = 1,
    MAPSHARE_ABI_FRAMES = 2,
    MAPSHARE_ABI_HANDLES = 3,
    MAPSHARE_ABI_NAMES = 4,
    MAPSHARE_ABI_AREAS = 5,
    MAPSHARE_ABI_RECORDS = 6,
};

#define MAPSHARE_ABI_VERIFIED 256
struct mapshare_abi_verify {
    uint64_t looked[MAPSHARE_ABI_RECORDS];  /* at so many in use */
    uint64_t damaged[MAPSHARE_ABI_RECORDS]; /* of these, or known as damaged since earlier */
    uint32_t count;                         /* of the inode numbers that follow */
    uint32_t more;                          /* 1: there are others */
    uint64_t inodes[MAPSHARE_ABI_VERIFIED]; /* that something damaged belongs to */
};

/* MAPSHARE_IOC_FILES, of a mount's root: the files of which not all is in the store, or that have an error; as many as fit. `next`: 0 to begin with,
 * then what the call before left there, until that is 0. A call may tell of none and still not be the last. What changes meanwhile may be missed or
 * told twice. For root and the mount's owner (EPERM).
 *
 * `bytes` are in use: one struct mapshare_abi_file after the other, each followed by its path below the mount, of `path_bytes` (0: not known)
 * without an end, filled up to a multiple of 8. */
struct mapshare_abi_file {
    uint64_t inode;
    uint64_t size;
    uint64_t sequence; /* last commit of the file, 0: none since the mount */
    int64_t commit_seconds;
    uint32_t commit_nanoseconds;
    int32_t error;     /* errno retained, or 0 */
    uint64_t received; /* pages in the daemon's memory; one that was changed since its commit is there twice */
    uint64_t committed;
    uint64_t writeback;
    uint64_t failed;
    uint64_t commits; /* of the file, since the worker began */
    uint32_t flags;   /* MAPSHARE_ABI_ATOMIC */
    uint32_t path_bytes;
};

#define MAPSHARE_ABI_FILES_BYTES 16000
struct mapshare_abi_files {
    uint64_t next;
    uint32_t count; /* out */
    uint32_t bytes; /* out */
    unsigned char files[MAPSHARE_ABI_FILES_BYTES];
};

/* MAPSHARE_IOC_BACKUP, of a mount's root: a live backup, in steps, by one descriptor, whose close ends what was begun. BEGIN: the daemon keeps its
 * journal, from `tail` on (EBUSY: another backup is being made; EAGAIN: there is too much in it, try again). READ: it was read up to `head`,
 * and need not be kept any more (ESTALE: it was not kept, since its room was needed; the backup has failed). COMMIT: what files that are not
 * atomic have received is committed; `quiet` is 1 when that was all, else ask again. FREEZE: for `seconds` at most, changes of names, modes,
 * owners, attributes and folders' times wait; `quiet` is 1 when none is under way any more, else ask again. THAW: they go on; `head` and
 * `sequence` are of the moment before (ESTALE: they had gone on already). For root and the mount's owner (EPERM). */
enum mapshare_abi_backup_step {
    MAPSHARE_ABI_BACKUP_BEGIN = 1,
    MAPSHARE_ABI_BACKUP_READ = 2,
    MAPSHARE_ABI_BACKUP_COMMIT = 3,
    MAPSHARE_ABI_BACKUP_FREEZE = 4,
    MAPSHARE_ABI_BACKUP_THAW = 5,
};

#define MAPSHARE_ABI_FREEZE_MOST 10
struct mapshare_abi_backup {
    uint32_t step;
    uint32_t quiet;       /* out */
    uint32_t seconds;     /* in: 1 to MAPSHARE_ABI_FREEZE_MOST */
    uint32_t reserved;    /* 0 */
    uint64_t head;        /* in: READ; out: position in the journal after all that is published */
    uint64_t tail;        /* out */
    uint64_t tail_number; /* of the chunk there */
    uint64_t sequence;    /* out: of the last commit before the head */
};

/* A snapshot: files as of one commit. MAPSHARE_SNAPSHOT_NAME can be opened for reading in any folder of the mount, though none lists it; each open is
 * one, that has no files yet and ends with its last close. MAPSHARE_IOC_SNAPSHOT_ADD: the file is added to a group (a random number of the caller's). The
 * descriptor must be open for reading (EBADF). MAPSHARE_IOC_SNAPSHOT, of the snapshot: it has the files of the group, in the order in which they were
 * added, as of commit `sequence`; ESTALE: the daemon does not know the group (it was replaced in between); EBUSY: it has files already. Bytes of file N
 * are read from N << MAPSHARE_ABI_SNAPSHOT_SHIFT on; ESTALE: it is over. MAPSHARE_IOC_SNAPSHOT_SIZE tells how long file N is. */
#define MAPSHARE_SNAPSHOT_NAME ".mapshare-snapshot"
#define MAPSHARE_ABI_SNAPSHOT_SHIFT 51
struct mapshare_abi_snapshot_size {
    uint64_t file;
    uint64_t size; /* out */
};

/* MAPSHARE_IOC_FEED: what happened, in order, from a log in the daemon's memory that has room for so many records; the oldest go first. Of a
 * file that is open for reading (EBADF): its commits; of a mount's root, for root and the mount's owner (EPERM): those of all files, or other
 * events. `next`: 0 to begin, then what the call before left there. A log begins after `since`: ERANGE where that is not known any more, or
 * where records were lost before they were read. As many as fit; `more` is 1 when there are others, else all up to `sequence` was told.
 *
 * What a commit changed of a file is one record, or several one after the other, of which the last is marked. */
enum mapshare_abi_log { MAPSHARE_ABI_COMMITS = 0, MAPSHARE_ABI_HAPPENINGS = 1, MAPSHARE_ABI_LOGS = 2 };

#define MAPSHARE_ABI_FEED_RECORDS 32768u /* of commits */
#define MAPSHARE_ABI_HAPPENING_RECORDS 1024u
#define MAPSHARE_ABI_FEED_FILE 1024u /* records of one file's part in a commit, at most */
#define MAPSHARE_ABI_NOW UINT64_MAX  /* `since`: nothing that was before */

enum mapshare_abi_kind {
    MAPSHARE_ABI_COMMIT = 1,     /* a file's part in a commit */
    MAPSHARE_ABI_MANY = 2,       /* a commit of more files than can be told */
    MAPSHARE_ABI_DEATH = 3,      /* of the worker; figures: its status, as of wait(2) */
    MAPSHARE_ABI_TAKEOVER = 4,   /* the next one serves; its process number, restarts */
    MAPSHARE_ABI_CHECKPOINT = 5, /* a round of one has ended; pages, nanoseconds */
    MAPSHARE_ABI_SPILL = 6,      /* the spill file grew, or gave blocks back; bytes */
    MAPSHARE_ABI_GROWTH = 7,     /* the journal grew; bytes */
    MAPSHARE_ABI_ROLLBACK = 8,   /* of a file, with its path */
    MAPSHARE_ABI_BACKUP_BEGUN = 9,
    MAPSHARE_ABI_BACKUP_ENDED = 10,
};

/* What became of a range of pages. Mirrored by MAPSHARE_CHANGE_... in mapshare.h. */
enum mapshare_abi_change {
    MAPSHARE_ABI_STORED = 1,
    MAPSHARE_ABI_HOLE = 2,  /* zeros without blocks */
    MAPSHARE_ABI_CUT = 3,   /* what was there is void, to the end of the file; what the same commit has of it came later */
    MAPSHARE_ABI_GROWN = 4, /* the file was shorter; zeros, but for what is stored */
    MAPSHARE_ABI_ANY = 5,   /* too many ranges to be told */
};

#define MAPSHARE_ABI_RECORD_RANGES 4
#define MAPSHARE_ABI_RECORD_TEXT 72
struct mapshare_abi_entry {
    uint64_t sequence; /* of the commit; else of the last one before */
    int64_t seconds;
    uint32_t nanoseconds;
    uint32_t generation; /* of the inode */
    union {
        struct {
            uint64_t inode;
            uint64_t size; /* of the file as of the commit, bytes */
        };
        uint64_t figures[2];
    };
    uint8_t kind;
    uint8_t last; /* 1: of this file's part in the commit */
    uint8_t range_count;
    uint8_t text_bytes;                          /* of the path below the mount, behind the ranges; it goes on in the next record */
    uint8_t changes[MAPSHARE_ABI_RECORD_RANGES]; /* of each range */
    union {
        struct {
            uint64_t first, last; /* pages */
        } ranges[MAPSHARE_ABI_RECORD_RANGES];
        char text[MAPSHARE_ABI_RECORD_TEXT];
    };
};

struct mapshare_abi_feed {
    uint64_t next;
    uint64_t since;
    uint64_t sequence; /* out */
    uint32_t log;      /* enum mapshare_abi_log */
    uint32_t more;     /* out */
    uint32_t count;    /* out */
    uint32_t reserved; /* 0 */
    struct mapshare_abi_entry records[133];
};

/* MAPSHARE_IOC_SET, of a mount's root: `text` is a list of mount options, NAME=VALUE,..., that can be changed while it is mounted; all of them
 * are changed, or none. `text` then lists those that were other before; where `error` is not 0, it tells which one is refused and why. For root and
 * the mount's owner (EPERM). */
struct mapshare_abi_set {
    int32_t error; /* out: errno, or 0 */
    char text[2048];
};

/* MAPSHARE_IOC_LATENCY, of a mount's root: how long things took since the mount, in nanoseconds. The first bucket counts what took less than
 * 1,024; then there are sixteen for each doubling, and the last one also has all that took longer. */
enum mapshare_abi_latency_kind {
    MAPSHARE_ABI_LATENCY_REQUEST = 0, /* a request, from when the daemon had it to when it was answered, or put aside to wait */
    MAPSHARE_ABI_LATENCY_COMMIT = 1,  /* what a program waited in the daemon for its commit */
    MAPSHARE_ABI_LATENCY_STALL = 2,   /* a wait for room: in memory, or in the journal */
    MAPSHARE_ABI_LATENCIES = 3,
};

#define MAPSHARE_ABI_LATENCY_BUCKETS 434
struct mapshare_abi_latency {
    struct {
        uint64_t sum, most;
        uint64_t counts[MAPSHARE_ABI_LATENCY_BUCKETS];
    } of[MAPSHARE_ABI_LATENCIES];
};

#define MAPSHARE_IOC_MAGIC 0xB5
#define MAPSHARE_IOC_INFO _IOR(MAPSHARE_IOC_MAGIC, 1, struct mapshare_abi_info)
#define MAPSHARE_IOC_RANGES _IOWR(MAPSHARE_IOC_MAGIC, 2, struct mapshare_abi_ranges)
#define MAPSHARE_IOC_JOIN _IOW(MAPSHARE_IOC_MAGIC, 3, uint64_t)
#define MAPSHARE_IOC_COMMIT _IOWR(MAPSHARE_IOC_MAGIC, 4, struct mapshare_abi_commit)
#define MAPSHARE_IOC_WAIT _IOWR(MAPSHARE_IOC_MAGIC, 5, struct mapshare_abi_wait)
#define MAPSHARE_IOC_MAPPED _IO(MAPSHARE_IOC_MAGIC, 6) /* the file was mapped: mark atime by the mount's rule */
#define MAPSHARE_IOC_DENY_WRITE _IOW(MAPSHARE_IOC_MAGIC, 7, uint32_t)
#define MAPSHARE_IOC_AREA _IOWR(MAPSHARE_IOC_MAGIC, 8, struct mapshare_abi_area)
#define MAPSHARE_IOC_VERIFY _IOR(MAPSHARE_IOC_MAGIC, 9, struct mapshare_abi_verify)
#define MAPSHARE_IOC_FILES _IOWR(MAPSHARE_IOC_MAGIC, 10, struct mapshare_abi_files)
#define MAPSHARE_IOC_BACKUP _IOWR(MAPSHARE_IOC_MAGIC, 11, struct mapshare_abi_backup)
#define MAPSHARE_IOC_SNAPSHOT_ADD _IOW(MAPSHARE_IOC_MAGIC, 12, uint64_t)
#define MAPSHARE_IOC_SNAPSHOT _IOWR(MAPSHARE_IOC_MAGIC, 13, struct mapshare_abi_commit)
#define MAPSHARE_IOC_SNAPSHOT_SIZE _IOWR(MAPSHARE_IOC_MAGIC, 14, struct mapshare_abi_snapshot_size)
#define MAPSHARE_IOC_FEED _IOWR(MAPSHARE_IOC_MAGIC, 15, struct mapshare_abi_feed)
#define MAPSHARE_IOC_WATCH _IOW(MAPSHARE_IOC_MAGIC, 16, uint32_t)
#define MAPSHARE_IOC_NOTIFIED _IO(MAPSHARE_IOC_MAGIC, 17) /* a notice was given, by who may write the file (EACCES) */
#define MAPSHARE_IOC_SET _IOWR(MAPSHARE_IOC_MAGIC, 20, struct mapshare_abi_set)
#define MAPSHARE_IOC_LATENCY _IOR(MAPSHARE_IOC_MAGIC, 21, struct mapshare_abi_latency)

#endif
