/* The journal on disk. All numbers are little endian and of fixed width; all checksums are XXH3-64 with seed 0.
 *
 *   offset 0       superblock, copy 0: written when its counter is even
 *   offset 4096    superblock, copy 1: written when its counter is odd
 *   offset 8192    the log: `capacity` bytes, a multiple of 4096
 *
 * The file is 8192 + capacity bytes, or longer. What it was made with was written once, so that later writes change no metadata; what it grew by
 * is allocated. A position P of the log lies at 8192 + P % capacity; what reaches the end of the file goes on at 8192. Everything begins at a multiple of
 * 4096.
 *
 * The superblock that counts is the one with the higher counter among those whose magic, checksum and capacity (that of the file)
 * are right. A copy is written while the other one stays, so a torn write leaves the older one: it has an older tail, whose space
 * is not used again before the newer copy is durable. Its epoch is 0 from a clean end to the next mount, and only then. The places
 * of magic and version are the same in all versions; the fields up to `sequence` are those of version 1, a checksum came next.
 *
 * The generation tells the daemons of several machines apart that may serve the store one after the other (mapshare-standby): 0 where there was none, else
 * higher each time. For a new one the journal is made anew, in another inode, so that a descriptor of an older daemon's leads to a dead file. And before
 * a superblock is written the one that counts is read again, past the caches: where it is of another generation or uuid, the log is another daemon's,
 * and whoever finds that stops. The halves of the generation lie where programs that knew of none left zeros.
 *
 * The superblock says whose the log is: number and birth of the journal's own file and of the store's root. Where either is another, the
 * store is a copy: no inode number in the log means anything, and files are found by their paths alone.
 *
 * A chunk is a header and, from the next multiple of 4096 on, the bytes of its DATA pages in the order of their entries:
 *
 *   struct format_chunk
 *   struct format_file  x file_count
 *   struct format_page  x page_count
 *   struct format_name  x name_count
 *   the paths of files and names, path_bytes in all, not terminated
 *   zeros to a multiple of 4096
 *   4096 bytes          x data_count
 *
 * A chunk is valid if and only if
 *   1. its magic and uuid are the journal's;
 *   2. its position is where it is, and its number is its predecessor's plus 1 (the first one: the superblock's tail_number);
 *   3. its epoch is its predecessor's; or it is a higher one, and the chunk is the first of its epoch by its own account (the first
 *      chunk of all may have any); and from the superblock's epoch_number on, it is not lower than the superblock's epoch;
 *   4. its lengths agree with each other and it ends before tail + capacity;
 *   5. the checksum of its header is right, and each entry makes sense (chunk_decode says what that is);
 *   6. a COMMIT's sequence is higher than that of the commits before it, and more than the number of those under way;
 *   7. the checksum of each DATA page is right.
 * The log ends before the first chunk that is not valid. Of what it holds, COMMIT chunks count, and of DATA chunks those pages
 * whose stream and file a later COMMIT of the same epoch names, unless an earlier one did.
 *
 * A NAMES chunk tells of a change of names before it is made in the store. It need not be flushed: where the change is durable, so is
 * what was written before it, for the store's file system flushes the disk before its own log says that anything happened. The change was
 * made if a COMMIT or NAMES chunk follows, unless that says otherwise (JOURNAL_UNDONE, JOURNAL_DOUBTED); of the last one of all, nobody
 * knows.
 *
 * After the change, the size of the file "names" beside the journal is set to the number of its chunk: file systems keep the order of such
 * things, so that after a power cut that size tells how many of the changes the store has. The one after these is in doubt; the store has
 * none of those behind it.
 *
 * Why each field: the uuid is new each time that the journal is opened empty or emptied by recovery, so nothing written before can
 * come back. The position tells a chunk from one of an earlier round, the number from one of another chain. The epoch is for what a
 * dead worker, or a failed write, left beyond the published head: the log goes on from there with a higher epoch. A leftover that
 * happens to begin where a new chunk ends has a lower one than its predecessor; and where a new chunk was lost and the leftover in
 * its place is whole, the new chunks behind it know that they are not the first of their epoch. The superblock is written when an
 * epoch begins, so that what was left is not taken for a commit even before something new is in its place.
 */
#ifndef JOURNAL_FORMAT_H
#define JOURNAL_FORMAT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The library's choice at run time is three times as fast as SSE2, where the header has it. */
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif

#include "journal/journal.h"

#define FORMAT_BLOCK 4096
#define FORMAT_LOG_START (2 * FORMAT_BLOCK)
#define FORMAT_VERSION 3
#define FORMAT_VERSION_2 2                                   /* the same, but that one commit at a time was under way */
#define FORMAT_SUPERBLOCK_MAGIC UINT64_C(0x4c4e4a485350414d) /* "MAPSHJNL" */
#define FORMAT_CHUNK_MAGIC UINT64_C(0x4b4e484348535041)      /* "APSHCHNK" */
#define FORMAT_UUID_SIZE JOURNAL_UUID_SIZE
#define FORMAT_POSITION_MAX (UINT64_C(1) << 62)
#define FORMAT_PAGE_MAX ((uint64_t)INT64_MAX / FORMAT_BLOCK) /* the offset after a page fits in off_t */
#define FORMAT_PATH_MAX 4095

struct format_owner {
    uint64_t inode;
    int64_t birth_seconds; /* 0 where the file system has none */
    uint32_t birth_nanoseconds;
    uint32_t generation; /* the journal's owner has the lower half, the root's the upper one */
};
static_assert(sizeof(struct format_owner) == 24, "on-disk");

struct format_superblock {
    uint64_t magic;
    uint32_t version;
    uint32_t epoch; /* no chunk from epoch_number on has a lower one; 0: the log was left empty */
    uint64_t counter;
    unsigned char uuid[FORMAT_UUID_SIZE];
    uint64_t capacity;
    uint64_t tail;
    uint64_t tail_number;
    uint64_t epoch_number;
    uint64_t sequence; /* no commit from tail on has this one or a lower one */
    struct format_owner journal, root;
    uint64_t checksum; /* of what is before it */
};
static_assert(sizeof(struct format_superblock) == 136, "on-disk");

struct format_chunk {
    uint64_t magic;
    uint64_t checksum; /* of what is after it, to the last byte of the paths */
    uint16_t type;
    uint16_t under_way; /* of a COMMIT: commits right before it that were not true yet when it got its place; else 0 */
    uint32_t epoch;
    unsigned char uuid[FORMAT_UUID_SIZE];
    uint64_t position;
    uint64_t length; /* bytes to the next chunk */
    uint64_t number;
    uint64_t epoch_number; /* of the first chunk of its epoch */
    uint64_t sequence;     /* of a COMMIT, else 0 */
    int64_t seconds;       /* when it was made */
    uint32_t nanoseconds;
    uint32_t file_count;
    uint32_t page_count;
    uint32_t data_count;
    uint32_t path_bytes;
    uint32_t name_count;
};
static_assert(sizeof(struct format_chunk) == 112, "on-disk");

enum {
    FORMAT_FILE_UNNAMED = 1 << 0,
};

struct format_file {
    uint64_t inode;
    int64_t birth_seconds;
    uint32_t birth_nanoseconds;
    int32_t handle_type;
    uint32_t handle_length;
    uint32_t path_length;
    unsigned char handle[IDENTITY_HANDLE_MAX];
    uint64_t stream;
    uint64_t size;
    uint64_t valid;
    int64_t atime_seconds, mtime_seconds, ctime_seconds;
    uint32_t atime_nanoseconds, mtime_nanoseconds, ctime_nanoseconds;
    uint32_t flags; /* FORMAT_FILE_... */
    uint64_t reserved;
    uint32_t owner;
    uint32_t padding;
};
static_assert(sizeof(struct format_file) == 160, "on-disk");

struct format_page {
    uint32_t file;
    uint32_t kind; /* enum journal_page_kind */
    uint64_t page;
    uint64_t count;
    uint64_t checksum; /* of a DATA page's bytes, else 0 */
};
static_assert(sizeof(struct format_page) == 32, "on-disk");

struct format_name {
    uint32_t change; /* enum journal_change */
    uint32_t old_length, new_length;
    uint32_t owner;
};
static_assert(sizeof(struct format_name) == 16, "on-disk");

static inline uint64_t format_checksum(const void *bytes, size_t length)
{
    return XXH3_64bits(bytes, length);
}

/* `used` is the length of the header without its padding. */
static inline uint64_t format_header_checksum(const void *header, size_t used)
{
    size_t begin = offsetof(struct format_chunk, type);
    return format_checksum((const char *)header + begin, used - begin);
}

/* The place of a position in the file. */
static inline uint64_t format_offset(uint64_t position, uint64_t capacity)
{
    return FORMAT_LOG_START + position % capacity;
}

static inline uint64_t format_round_up(uint64_t bytes)
{
    return (bytes + FORMAT_BLOCK - 1) / FORMAT_BLOCK * FORMAT_BLOCK;
}

#endif
