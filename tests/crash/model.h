/* What the daemon does to journal and store, by a random program that knows what it was promised. */
#ifndef CRASH_MODEL_H
#define CRASH_MODEL_H

#include "disk.h"
#include "journal/journal.h"

#define MODEL_PAGES 24
#define MODEL_BYTES (MODEL_PAGES * 4096)
#define MODEL_BIRTH 1000 /* seconds: of generation 0 */
#define JOURNAL_BYTES (UINT64_C(1) << 20)

/* Each of them must be noticed by the sweep. */
enum mutation {
    NO_MUTATION,
    FLUSH_REMOVED,
    SPACE_REUSED_EARLY,
    CHECKSUM_OF_PAGES_DROPPED,
    CHECKSUM_OF_HEADER_DROPPED,
    EPOCH_IGNORED,
    EPOCH_NOT_FENCED,
    UUID_NOT_RENEWED,
    RELEASE_BEFORE_SYNC,
    TIMES_NOT_SYNCED,
    WRITTEN_BEFORE_COMMIT,
    VALID_NOT_TOLD,
    UNDER_WAY_NOT_TOLD,
    OPEN_STREAM_RELEASED,
    RECOVERY_DOES_NOT_SYNC,
    RECOVERY_DOES_NOT_FLUSH_FIRST,
    RENAME_TOLD_LATE,
    RENAME_NOT_UNDONE,
    RENAMES_NOT_COUNTED,
    RENAMES_COUNTED_EARLY,
    RENAMES_RELEASED_EARLY,
    MUTATIONS
};
extern const char *const mutation_names[MUTATIONS];
extern enum mutation mutation;

/* Bytes of the pattern `tag` up to `cut`, then zeros; tag 0: zeros. */
struct model_page {
    uint32_t tag;
    uint16_t cut;
};

struct model_file {
    bool exists;
    unsigned generation;
    uint64_t size;
    struct timespec times[2];
    struct model_page pages[MODEL_PAGES];
};

struct model_state {
    struct model_file files[DISK_SLOTS]; /* slot 0 is not used */
};

#define NEVER SIZE_MAX

/* A commit: what the files are after it. Times are counts of events in the record. */
struct attempt {
    struct model_state state;
    size_t begun, acknowledged;
    size_t undone; /* it failed, and no crash may bring it back any more */
};

/* Between two steps: what of the journal is in use. */
struct boundary {
    size_t events;
    uint64_t head, tail, capacity;
};

struct history {
    struct attempt *attempts;
    size_t count, capacity;
    struct boundary *boundaries;
    size_t boundary_count, boundary_capacity;
};

/* The real files that stand for the slots. A file that does not exist is kept in a folder outside the store. */
struct place {
    int root, private_folder, outside;
    int fds[DISK_SLOTS];
    uint64_t inodes[DISK_SLOTS];
    unsigned generations[DISK_SLOTS]; /* what the time of birth says now */
    bool inside[DISK_SLOTS];
    bool moved[DISK_SLOTS]; /* slot 0: the folder that moved files are in */
    uint64_t names_inode;   /* of the file whose size counts renames */
    bool copied;            /* the journal's file seems to be another than it was */
};
extern struct place place;

void place_make(const char *folder);
void place_remove(void);
void place_set_inside(int slot, bool inside);
void place_move(int slot);
void place_set_names(const struct disk_names *names);
/* Of a slot's file, or of the folder; memory of the place's own, until the third call from here. */
const char *place_path(int slot);

void page_fill(struct model_page page, unsigned char *bytes);

/* Runs `steps` steps; the record and the history are filled. NULL or what went wrong. */
const char *model_run(uint64_t seed, unsigned steps, struct disk_record *record, struct history *history);
void history_clear(struct history *history);

/* Whether the slot's real file is what the attempt says. NULL or what differs. */
const char *check_file(int slot, const struct model_file *expected);
/* Whether the files together are one of the attempts that a crash after `events` events may leave. NULL or what differs from the
 * last acknowledged one; `found` is which. */
const char *check_files(const struct history *history, size_t events, const unsigned generations[DISK_SLOTS],
                        const bool exists[DISK_SLOTS], size_t *found);

#endif
