/* The redo log: an append-only circular file of chunks. Knows files and pages by name and number only, nothing of the cache.
 *
 * Positions are logical: bytes since the journal was made, never wrapping, never 0; the place in the file is position modulo
 * capacity.
 *
 * A chunk is reserved (its place is fixed), then written. A DATA chunk carries pages of one stream (an open transaction of the
 * caller's) ahead of its commit; a COMMIT chunk carries pages and files and names the streams that it makes part of the commit.
 * Chunks may be written by several threads at once; commits become true in the order of their places. A NAMES chunk, written by journal_change_begin
 * alone, tells that a name is about to change, so that the paths of earlier commits can be followed.
 *
 * The chunk is there whole or not at all: see format.h.
 */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdbool.h>
#include <time.h>

#include "store/identity.h"
#include "store/store.h"

#define JOURNAL_NO_OWNER UINT32_MAX
#define JOURNAL_UUID_SIZE 16

/* A file's state as of a commit. A DATA chunk needs no more than identity and stream. */
struct journal_file {
    struct identity identity;
    const char *path;  /* relative to the store; NULL: not known */
    bool unnamed;      /* it has no name any more: where it is not found it is not missed */
    uint32_t owner;    /* user id; JOURNAL_NO_OWNER: not known */
    uint64_t stream;   /* pages of this file in DATA chunks of this stream belong to this commit; 0: none */
    uint64_t size;     /* bytes */
    uint64_t reserved; /* blocks beyond the size are reserved up to here; 0: none */
    uint64_t valid;    /* what the store's file held at and after this offset before this commit is void; UINT64_MAX: nothing is */
    struct timespec atime, mtime, ctime;
};

enum journal_page_kind {
    JOURNAL_DATA, /* 4096 bytes follow */
    JOURNAL_HOLE, /* count pages of zeros, no bytes */
};

struct journal_page {
    uint32_t file; /* index into the chunk's files */
    enum journal_page_kind kind;
    uint64_t page;  /* first page number */
    uint64_t count; /* pages; 1 for DATA */
    const void *data;
};

/* What is about to happen to names. Paths are relative to the store; all but UNLINK and OWNER are of folders too. */
enum journal_change {
    JOURNAL_RENAME = 1, /* from old_path to new_path, where nothing is yet */
    JOURNAL_REPLACE,    /* the same in place of what is there */
    JOURNAL_EXCHANGE,   /* the two swap places */
    JOURNAL_LINK,       /* new_path becomes one more name of old_path */
    JOURNAL_UNLINK,     /* old_path ceases to be a name of a file that has others; of its last name, the removed file tells */
    JOURNAL_OWNER,      /* the file at old_path gets this owner */
    JOURNAL_UNDONE,     /* the change that was recorded last was not made; no paths */
    JOURNAL_DOUBTED,    /* the worker died over it: it is recorded again, or else nobody knows; no paths */
};

struct journal_name {
    enum journal_change change;
    const char *old_path, *new_path;
    uint32_t owner;
};

enum journal_chunk_type {
    JOURNAL_CHUNK_DATA = 1,
    JOURNAL_CHUNK_COMMIT = 2,
    JOURNAL_CHUNK_NAMES = 3,
};

struct journal_chunk {
    enum journal_chunk_type type;
    const struct journal_file *files;
    uint32_t file_count;
    const struct journal_page *pages; /* sorted or not; a later one of the same page wins */
    uint32_t page_count;
    const struct journal_name *names; /* of a NAMES chunk */
    uint32_t name_count;

    uint64_t position;     /* out of reserve */
    uint64_t length;       /* out of reserve: bytes */
    uint64_t number;       /* out of reserve: chunks are numbered without gaps */
    uint32_t stream_epoch; /* in: of the DATA chunks that a COMMIT relies on; 0: of none */
    uint32_t epoch;        /* out of reserve: the place is the chunk's until the next rollback */
    uint64_t sequence;     /* out of reserve: a COMMIT's */
    uint16_t under_way;    /* out of reserve: so many COMMITs before it were not published yet */
    struct timespec time;  /* in: goes into the commit's record */
};

/* A consistent set of the numbers that must outlive a process. */
struct journal_point {
    uint64_t head;        /* position after all that is published */
    uint64_t next_number; /* of the chunk at head */
    uint64_t committed;   /* position after the last commit */
    uint64_t tail;        /* recovery starts here */
    uint64_t tail_number;
    uint64_t sequence; /* of the last commit */
};

/* A reader of the log, from whose position on nothing is given back. */
struct journal_hold {
    uint64_t id; /* never 0 */
    uint64_t position;
    int64_t heard; /* the caller's clock when it was moved last */
};

/* Lives in shared memory; one atomic store publishes a new point. `epoch` is of the process that writes now. */
struct journal_state {
    _Atomic uint32_t current;
    uint32_t epoch;
    _Atomic uint64_t changing;   /* number of the NAMES chunk whose change is not known to be made; 0: none */
    _Atomic uint64_t last_names; /* position of the last NAMES chunk whose change need not be durable; 0: there is none */
    unsigned char uuids[2][JOURNAL_UUID_SIZE]; /* the log's; and the one that it gets when it is sealed */
    _Atomic uint64_t untold;                   /* changes of names that were made without being recorded, and need not be durable */
    struct journal_point points[2];
    _Atomic uint32_t hold; /* 1, 2: that one of the holds below counts; 0: there is none */
    struct journal_hold holds[2];
};

struct journal;

/* Opens (makes, preallocates, zero-fills: `size` bytes, at least 1 MiB) the journal in the private folder. With a state that was
 * used before (state->epoch != 0) it goes on from it in a new epoch: what a dead process wrote and did not publish is forgotten.
 * Otherwise the journal must be empty (recovered), and the state is filled. -EUCLEAN: not empty; -EPROTONOSUPPORT: unknown
 * version; -EPERM: of a newer generation than this one (0: there are none); -ESTALE: it is another daemon's meanwhile. */
int journal_open(struct journal **out, struct store *store, int private_folder, uint64_t size, uint64_t generation,
                 struct journal_state *state);
/* `lost` is called where the log turns out to be another daemon's now: nothing may be written any more, or answered. It need not return. */
void journal_when_lost(struct journal *journal, void (*lost)(void));
/* 0: the journal in the private folder is still the one of this state: it was neither recovered nor opened anew since. -ESTALE: it was; -errno. */
int journal_is_of(int private_folder, const struct journal_state *state);
/* Tells the next recovery that the log was left empty, if it is, so that it need not be searched for damage. Nothing is written after it. */
void journal_seal(struct journal *journal);
void journal_close(struct journal *journal);
/* Of a journal that is closed: if it is empty and longer than `size`, it is made so long. 0 or -errno: it is as it was. */
int journal_leave(int private_folder, uint64_t size);

uint64_t journal_size(const struct journal *journal);
/* Whether the store's file system can be written past the page cache. */
bool journal_is_direct(const struct journal *journal);
uint64_t journal_used(struct journal *journal);
/* The position behind all that has a place. */
uint64_t journal_end(struct journal *journal);
uint64_t journal_generation(struct journal *journal);
/* Of the last commit. */
uint64_t journal_sequence(struct journal *journal);
/* What a chunk would take. */
uint64_t journal_chunk_length(const struct journal_chunk *chunk);

/* False: a commit that was given up may still be found by a recovery, since the disk took no word of that. What it names is to be kept. */
bool journal_is_fenced(struct journal *journal);

/* Fix the chunk's place. -ENOSPC: the tail must move first; -EFBIG: it never fits; -ECANCELED: what was journaled ahead for it was rolled back. */
int journal_reserve(struct journal *journal, struct journal_chunk *chunk);
/* Write a reserved DATA chunk: it is durable with the next commit. On failure its place poisons the log until journal_rollback:
 * nothing can be published. -ECANCELED: its place was rolled back. */
int journal_write(struct journal *journal, struct journal_chunk *chunk);
/* A reserved COMMIT chunk is written and, when all chunks before it are, flushed; then published, when all before it are. By that it is
 * true. Between the two the caller waits until it has told the files of earlier commits (or taken them back) what became of them. On failure
 * nothing of it is durable, and all unpublished chunks are forgotten (journal_rollback was done); -ECANCELED: for another's sake. */
int journal_flush(struct journal *journal, const struct journal_chunk *chunk);
int journal_publish(struct journal *journal, const struct journal_chunk *chunk);
/* Forget all unpublished chunks: a new epoch starts at the published head. */
void journal_rollback(struct journal *journal);
/* Changes with each rollback: a stream whose DATA chunks were written in an older epoch must be written again. */
uint32_t journal_epoch(struct journal *journal);

/* Around a change of names in the store, to the moment when inode_path() and the like know of it: nobody finds paths meanwhile. `begin` records it
 * where the log holds commits, whose paths it would make stale. -ENOSPC: the tail must move first; on failure nothing is begun, and the
 * change must not be made. One change at a time. */
int journal_change_begin(struct journal *journal, const struct journal_name *change);
void journal_change_end(struct journal *journal, bool made);
/* Around finding the paths of a COMMIT's files, until it is reserved. Not within a change. */
void journal_paths_begin(struct journal *journal);
void journal_paths_end(struct journal *journal);

/* All commits before `position` (a commit's, or the head) are durable in the store's files: give their space back. Durable on
 * return. A commit stays together with what was written ahead for it: of a position between them only the space before both is
 * given back. After the last commit nothing is needed but open streams. A stream that no commit has named yet is the caller's: its first chunk must not be before `position`, unless it is
 * given up. */
int journal_release(struct journal *journal, uint64_t position, uint64_t number);

/* A hold on the log: nothing from there on may be given back; who releases the log asks for it first. One at a time; like the point, it outlives
 * the process. `point` tells how far the log can be read; of `begin`, its tail is where the hold is. `begin`: -EBUSY: another's;
 * -EAGAIN: the tail is moving. `move`: the log was read up to there; -ESTALE: there is no such hold. */
int journal_hold_begin(struct journal *journal, uint64_t id, int64_t now, struct journal_point *point);
int journal_hold_move(struct journal *journal, const struct journal_hold *to, struct journal_point *point);
/* Ends the hold of this id. False: there was none. */
bool journal_hold_end(struct journal *journal, uint64_t id);
/* False: there is none. */
bool journal_held(struct journal *journal, struct journal_hold *hold);
void journal_where(struct journal *journal, struct journal_point *point);

/* True when a commit at this position was published: the one truth that outlives a process. */
bool journal_published(const struct journal_state *state, uint64_t position);

#endif
