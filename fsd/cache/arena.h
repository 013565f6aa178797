/* The arena: one file in memory that holds every bit of state that must outlive a worker (truth). It refers by index, never by pointer.
 *
 * Each change of truth is one atomic store that publishes a record already complete; a record is free while its first field is 0.
 * Index 0 of every table means "none". Whatever is not here (trees, hashes, lists, locks) is index, private to a worker and rebuilt
 * from truth by takeover.c.
 *
 * Times are one word each (file/times.h), so that one store changes them.
 */
#ifndef CACHE_ARENA_H
#define CACHE_ARENA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/journal.h"
#include "latency.h"
#include "mapshare-abi.h"
#include "options.h"

#define ARENA_MAGIC 0x6572616873706d61ull
#ifndef ARENA_LAYOUT    /* a test's program has another */
#define ARENA_LAYOUT 5u /* of all that lies in it; of sizes the header has a sum */
#endif
#define PAGE_BYTES 4096u
#define PAGE_SHIFT 12

#define INODE_HANDLE_MAX 32
#define INODE_ROOT 1u /* slot of the store's root */
#define INIT_REQUEST_MAX 4096
#define WRITE_MAX (1u << 20)      /* bytes of one WRITE, and of one reply */
#define SERVING_MAX 64u           /* threads that serve */
#define REQUEST_HEAD (256u << 10) /* bytes of a request that is no WRITE, no FORGET */
#define EFFECTS_MINE 128u /* of the living worker's requests; more than serve, as who answers parked ones may need one, too */
#define EFFECTS_MAX (1024u + EFFECTS_MINE)
#define ENTRIES_MAX (WRITE_MAX / 160) /* of a folder in one reply; the smallest with attributes takes 160 bytes */

/* A flag is two bits, set and cleared as one: a word where they differ is damaged (cache/damage.h). */
#define TWICE(bit) (1 << (bit) | 1 << ((bit) + 16))
#define TWICE_IN_FRAME(bit) (1 << (bit) | 1 << ((bit) + 28))

/* What we know of an inode of the store, while the kernel knows it. */
struct inode {
    _Atomic uint64_t number; /* the store's inode number, and our node id (the root's node id is 1); 0: free */
    uint64_t generation;
    _Atomic uint64_t lookups; /* the kernel's references: exact, see reference.h */
    uint32_t type;            /* S_IFMT bits */
    _Atomic uint32_t flags;   /* INODE_... */
    _Atomic uint32_t file;    /* struct file of a regular file that was opened for writing; 0: none */
    _Atomic int32_t pinned;   /* descriptor of a file without a name, else -1 */
    _Atomic uint64_t place;   /* slot of a folder << 32 | first cell of a name in it: one by which it is called; 0: unknown */
    struct timespec birth;
    int32_t handle_type;
    uint32_t handle_length; /* 0: none */
    uint32_t pin_user;      /* who is charged for the pinned descriptor */
    unsigned char handle[INODE_HANDLE_MAX];
};

enum {
    INODE_UNSYNCED = TWICE(0), /* the store's metadata changed and was not flushed: its next commit flushes it first */
    INODE_SYNCING = TWICE(2),  /* that flush has begun: what changes meanwhile is UNSYNCED anew */
    INODE_UNLINKED = TWICE(1), /* no name left; lives as long as it is open */
    INODE_REMOVED = TWICE(3),  /* but one in the folder of removed files */
    INODE_DAMAGED = TWICE(4),  /* a takeover found its record damaged */
};

/* A file's size and times at one moment: now, or as of a commit. */
struct file_version {
    uint64_t size;
    uint64_t reserved;  /* fallocate(2) gave it blocks up to here; 0: it did not, beyond the size */
    uint64_t void_from; /* truncated here since the commit before: older bytes from here on do not count; UINT64_MAX: all do */
    int64_t atime, mtime, ctime;
    _Atomic uint64_t position; /* of the commit in the journal, sealed; 0: the store's file is like this */
    uint64_t sequence;
    int64_t committed_at;
};

/* A regular file that is, or was since its first lookup, open for writing. */
struct file {
    _Atomic uint32_t inode;     /* 0: free */
    _Atomic uint32_t flags;     /* FILE_... */
    _Atomic int32_t error;      /* errno that every sync reports until the pages are written */
    uint32_t user;              /* who is charged for its uncommitted pages: share.h */
    _Atomic uint64_t cut;       /* the store's file is to be cut here before anything is written to it; UINT64_MAX: not */
    _Atomic uint64_t published; /* position of the last commit that the cut, and the frames' states, know of */
    uint64_t before;            /* no commit of the file from before this record has a higher sequence number */
    struct file_version current;
    struct file_version commits[2]; /* the one with the higher published position holds; the other is being made */
};

enum {
    FILE_ATOMIC = TWICE(0), /* only the program's own commits make changes durable */
    FILE_TORN = TWICE(1), /* an atomic file some of whose changes were dropped for want of room: the others must not be committed */
    FILE_DAMAGED = TWICE(2),  /* one of its records was: nothing is read from or written to it any more */
    FILE_GIVEN_UP = TWICE(3), /* so are its commits in the journal, whose room was needed */
    FILE_ROLLING = TWICE(4),  /* is becoming what its last commit left: file/rollback.h */
    FILE_STALE = TWICE(5),    /* the kernel may have pages of what was before */
};

/* A page of memory and what it holds. Received: position is 0 or not published. Committed: position is published. */
struct frame {
    union {
        struct {
            _Atomic uint32_t file;  /* 0: free */
            _Atomic uint32_t flags; /* FRAME_..., and between these a seal of file, page and version: seal.h */
        };
        _Atomic uint64_t use; /* both: published, and freed, by one store */
    };
    uint64_t page;
    uint64_t version;          /* of two frames for one page the higher is newer */
    _Atomic uint64_t position; /* sealed, too */
};

enum {
    FRAME_HIDDEN = TWICE_IN_FRAME(0), /* a newer frame, or a truncation, took its place for readers */
    FRAME_HOLE = TWICE_IN_FRAME(1),   /* zeros that shall not take blocks */
    FRAME_VOID = TWICE_IN_FRAME(2),   /* truncated by a later commit while it was being written: never to be written again */
};

/* What a descriptor of events is to become readable at, and what its reader has been told. */
struct watch {
    _Atomic uint32_t at;                /* MAPSHARE_ABI_AT_...; 0: it is none */
    _Atomic uint64_t sequence, notices; /* what was told */
    _Atomic uint64_t poll;              /* the kernel's number for who polls it; 0: nobody has */
};

/* An open file of a client's. The number that the kernel knows is generation << 32 | index. */
struct handle {
    _Atomic uint32_t inode; /* 0: free */
    uint32_t generation;
    uint32_t flags;        /* open flags */
    uint32_t deny;         /* 1: holds MAPSHARE_IOC_DENY_WRITE */
    uint64_t unique;       /* of the OPEN, to know it when it is sent again */
    uint32_t user;         /* who opened it */
    _Atomic uint32_t seal; /* of the rest but `deny` and `watch`; 0: not open yet, or no longer */
    struct watch watch;
};

/* A request that may not take effect twice, from just before its effect until its reply was heard. */
struct intent {
    _Atomic uint32_t begun;
    uint64_t inode; /* number of the store's inode at stake */
    uint64_t other; /* of a rename's: what was in the place that it goes to; 0: nothing */
};

#define AREA_GRANTS 7

/* What processes share of a file besides its bytes (area.h): names the file, and what opens its two parts. */
struct area {
    _Atomic uint64_t number;       /* inode number of the file; 0: free */
    uint64_t generation;           /* of that inode */
    uint64_t tokens[3][2];         /* in the names of the parts, by kind */
    uint32_t incarnation;          /* of this record, so that no node id is used twice */
    uint32_t user;                 /* who asked for it first */
    uint32_t granted[AREA_GRANTS]; /* users who last had the file open for writing, and may open its locks; + 1, 0: none */
    uint32_t next_grant;
    _Atomic uint64_t notices; /* that the daemon was told of */
};

#define AREA_INCARNATIONS 0x3fffffffu
#define AREA_BYTES (3 * PAGE_BYTES)

/* What a request has done that its reply tells of, until the reply was heard: a request that the kernel sends again after a death finds here
 * what was done already. It ends with the store that sets `unique` to 0. */
struct effects {
    _Atomic uint64_t unique; /* of the request, without RESENT; 0: free */
    struct intent intent;
    _Atomic uint32_t counted; /* references counted for the reply: the slots of their inodes */
    uint32_t slots[ENTRIES_MAX];
};

/* Where a serving thread's requests arrive: in the arena, since the kernel never sends a FORGET again. Bytes lie in `head`, then in the frames,
 * then in `rest`; all but WRITEs and FORGETs are then gathered in `head`. */
struct arrival {
    _Alignas(PAGE_BYTES) unsigned char head[REQUEST_HEAD];
    unsigned char rest[WRITE_MAX];
    uint32_t frames[WRITE_MAX / PAGE_BYTES];
    uint32_t first, count;      /* the frames that are there: the ones before were taken by WRITEs */
    _Atomic uint32_t forgotten; /* so many FORGETs of the message are applied */
    _Atomic uint32_t alive;     /* the thread's word: alive.h */
    struct latency requests;    /* the thread's, and its predecessors' in dead workers */
};

/* A change of an inode's references under way; see reference.h. */
struct reference_redo {
    _Atomic uint32_t slot; /* 0: none */
    uint32_t value;        /* of the counter afterwards */
    uint64_t lookups;      /* of the inode afterwards */
    uint64_t counter;      /* where it is in the arena, bytes */
};

/* A piece of a name, chained. It is in use if and only if an inode's place leads to it. */
#define NAME_CELL_TEXT 60
struct name {
    uint32_t next;             /* 0: none */
    char text[NAME_CELL_TEXT]; /* filled up with zeros */
};

/* A record of the feed, and how far it got; feed.h. */
struct feed_slot {
    uint64_t seal; /* of the record and its number */
    struct mapshare_abi_entry record;
};

struct feed_state {
    _Atomic uint64_t end;     /* the number of the next record: those before it happened */
    _Atomic uint64_t pending; /* beyond the end: records up to here happened if the commit at `position` is published */
    uint64_t position;
    uint64_t known_after; /* the log has nothing of this commit and those before */
    uint32_t begun;       /* 1 */
};

/* Whose it is, where it has a name and outlives its processes (process/remains.h). */
struct arena_origin {
    uint64_t device, root; /* of the store's root */
    uint64_t spill;        /* inode number of the spill file */
    char boot[40];         /* the machine's, as the kernel names it */
};

struct arena_counters {
    _Atomic uint64_t restarts, keeper_restarts;
    _Atomic uint64_t commits;
    _Atomic uint64_t pages_committed;
    _Atomic uint64_t pages_checkpointed;
    _Atomic uint64_t pages_received;
    _Atomic uint64_t write_errors;
};

/* Where a thread of a worker's was when it was asked: process/watchdog.c. */
#define STACK_DEPTH 32
#define STACKS_MAX (SERVING_MAX + 8)
struct stack {
    uint32_t thread;
    _Atomic uint32_t depth; /* 0: not told */
    uint64_t places[STACK_DEPTH];
};

struct arena_header {
    uint64_t magic;
    uint32_t layout, sizes;
    uint32_t inode_max, file_max, frame_max, spill_max, handle_max, name_max, area_max;
    _Atomic uint32_t inode_used, file_used, handle_used, name_used, area_used; /* records above were never used: a scan ends here */
    _Atomic uint32_t keeper_pid, worker_pid, probe_pid, standby_pid;
    _Atomic uint64_t worker_began;              /* by which its number is known to be its own */
    _Atomic uint32_t serving_pid;               /* of the last worker that began to serve */
    _Atomic uint32_t upgrades, upgrades_failed; /* of the program */
    _Atomic uint32_t upgrading;                 /* the new one does not serve yet */
    uint64_t size_max;                          /* of a file in the store, bytes */
    struct arena_origin origin;
    uint64_t seal;                /* of all above that never changes: arena_seal() */
    uint64_t key_mark;            /* of the key that inodes' generations are made with; 0: none yet */
    _Atomic uint32_t ready;       /* INIT was answered */
    _Atomic uint32_t spilled;     /* frames that the spill file has blocks for */
    _Atomic uint64_t version;     /* last one given to a frame */
    _Atomic uint64_t unsynced;    /* records that ended with metadata that the store may still lose */
    _Atomic uint64_t synced;      /* as many of these were there when the whole store was flushed */
    _Atomic uint32_t init_length; /* of the kernel's INIT, replayed to each new worker */
    _Alignas(8) char init[INIT_REQUEST_MAX];
    _Atomic uint32_t frame_used;     /* the same for frames in memory, */
    _Atomic uint32_t frame_used_not; /* and its complement: where they differ, all were */
    _Atomic uint32_t tuned;          /* the last bit: which of the two holds */
    struct tuning tunings[2];
    struct journal_state journal;
    struct feed_state feeds[MAPSHARE_ABI_LOGS];
    struct arena_counters counters;
    struct latency commits, stalls;
    struct reference_redo redo;                   /* the inode table's lock guards it */
    _Atomic uint32_t flusher_alive, io_under_way; /* for the watchdog: a word of alive.h; calls in io_uring */
    _Atomic uint32_t stack_count;
    struct stack stacks[STACKS_MAX];
};

/* The tables, mapped. */
struct arena {
    int fd; /* the memory */
    struct arena_header *header;
    struct inode *inodes;
    struct file *files;
    struct handle *handles;
    struct name *names;
    struct effects *effects;  /* EFFECTS_MAX, from 0 */
    struct arrival *arrivals; /* SERVING_MAX, from 0 */
    struct area *areas;
    unsigned char *area_bytes;    /* AREA_BYTES of each */
    struct feed_slot *feed_slots; /* of both logs, one after the other */
    struct frame *frames;         /* 1 .. frame_max in memory, then spill_max in the spill file */
    unsigned char *memory;
    unsigned char *spill;
};

/* Makes and maps a new arena with room for `cache_max` bytes of pages, of which the tuning says how many are used; the spill file may grow to
 * `spill_bytes`. `folder`: where its file is made, without a name; -1: in memory that nothing else can be in. */
int arena_create(struct arena *arena, int folder, const struct tuning *tuning, uint64_t cache_max, uint64_t spill_bytes,
                 int spill_descriptor);

/* Maps an arena that another program made, perhaps another version of ours. -EPROTO: not laid out as ours are; -errno. */
int arena_adopt(struct arena *arena, int fd, int spill_descriptor);

/* The processes that made it are gone, and so are the mount, its clients and their requests: what is left is the store's. */
void arena_forget_clients(const struct arena *arena);

/* Of a process that has nothing to do with it. */
void arena_unmap(struct arena *arena);

/* What holds of what can be changed. It is changed as a whole, by one store; by one thread at a time. */
static inline const struct tuning *arena_tuning(const struct arena_header *header)
{
    return &header->tunings[header->tuned % 2];
}
void arena_tune(struct arena_header *header, const struct tuning *tuning);

/* Frames are in use from 1 to frame_used, and in the spill file. From the last of them down: */
static inline uint32_t arena_frame_used(const struct arena_header *header)
{
    uint32_t used = header->frame_used;

    return used == ~header->frame_used_not && used <= header->frame_max ? used : header->frame_max;
}
static inline uint32_t arena_frame_last(const struct arena_header *header)
{
    return header->spilled ? header->frame_max + header->spilled : arena_frame_used(header);
}
static inline uint32_t arena_frame_before(const struct arena_header *header, uint32_t frame)
{
    return frame == header->frame_max + 1 ? arena_frame_used(header) : frame - 1;
}
void arena_use_frames(struct arena_header *header, uint32_t used);

/* The page of memory of a frame. */
static inline void *arena_page(const struct arena *arena, uint32_t frame)
{
    uint32_t max = arena->header->frame_max;

    if (frame <= max)
        return arena->memory + ((size_t)(frame - 1) << PAGE_SHIFT);
    return arena->spill + ((size_t)(frame - 1 - max) << PAGE_SHIFT);
}

#endif
