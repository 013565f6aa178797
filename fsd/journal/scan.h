/* Reads the log from its tail, one valid chunk after the other. All that the file says is checked before it is used. */
#ifndef JOURNAL_SCAN_H
#define JOURNAL_SCAN_H

#include "journal/chunk.h"
#include "journal/progress.h"
#include "journal/superblock.h"

struct scan {
    int fd;
    struct superblock superblock;
    struct chunk_expected expected; /* of the next chunk; at the end, of what is not valid */
    struct chunk_view view;         /* the chunk that scan_next found */
    unsigned char *header;
    size_t header_capacity;
    unsigned char *data;
    bool committed;            /* a COMMIT was found */
    uint64_t newest_sequence;  /* of those that scan_commits_behind found */
    uint64_t wasted;           /* bytes of headers that scan_commits_behind read in vain */
    struct progress *progress; /* or NULL */
};

/* Reads the superblock; errors are superblock_read's. */
int scan_open(struct scan *scan, int fd);
void scan_close(struct scan *scan);

/* 1: `view` is the next chunk; 0: the log ends here; -errno: the file could not be read. */
int scan_next(struct scan *scan);
/* Whether the log in the file holds nothing: 1, 0, or -errno. */
int scan_finds_nothing(int fd);
/* Position of the chunk's first data page. */
uint64_t scan_data_position(const struct scan *scan);
/* What looks like the chunk that would come next but is not whole: its length; 0: nothing. */
uint64_t scan_torn_bytes(struct scan *scan);

/* COMMITs of one epoch behind the end of the log, where one of them tells that it, or another one that is missing, was true: each says how many
 * right before it were not, when it was written. Else 0: a crash leaves such ones. `view` is not kept. Each byte is read twice at most: -EBADMSG
 * where what is there would need more. */
int scan_commits_behind(struct scan *scan, uint64_t *count);

/* Bytes of the log, over the end of the file. */
int scan_read(int fd, uint64_t capacity, uint64_t position, void *buffer, size_t length);

#endif
