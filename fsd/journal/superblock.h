/* The journal's file: making it, and its two superblock copies. */
#ifndef JOURNAL_SUPERBLOCK_H
#define JOURNAL_SUPERBLOCK_H

#include "journal/format.h"

#define JOURNAL_FOLDER ".mapshare" /* in the store's root */
#define JOURNAL_NAME "journal"
#define JOURNAL_NAMES_NAME "names" /* see format.h */
#define JOURNAL_SIZE_MIN (UINT64_C(1) << 20)

/* In the machine's byte order. */
struct superblock {
    struct identity journal, root; /* whose it is; number and birth only */
    uint64_t counter;
    unsigned char uuid[FORMAT_UUID_SIZE];
    uint64_t capacity;
    uint64_t tail;
    uint64_t tail_number;
    uint64_t epoch_number;
    uint64_t sequence;
    uint64_t generation;
    uint32_t epoch;
};

/* O_DIRECT among the flags is dropped where the file system does not have it, or does not show what is written so. -ENOENT: none; -ELOOP: not a regular file;
 * -EPERM: somebody else may have made it. */
int superblock_open_file(int folder, int flags, int *fd_out);
/* Makes and fills a journal of `size` bytes under another name, then renames it: it is there whole or not at all. */
int superblock_create_file(int folder, uint64_t size, uint64_t sequence, uint64_t generation);
/* Zeros, durably: what was only reserved would be written as metadata with each commit. */
int superblock_fill(int fd, uint64_t from, uint64_t to);
/* What a creation that was interrupted left. */
void superblock_remove_half_made(int folder);

/* The copy that counts. -EBADMSG: neither is whole; -EPROTONOSUPPORT: of another version (a log that version 1 left empty is read). */
int superblock_read(int fd, struct superblock *out);
/* Which of the two copies are whole. 0 or -errno. */
int superblock_whole(int fd, bool copies[2]);
/* Writes it with the next counter to the other copy, and flushes. On failure `superblock` is as it was. -ESTALE: nothing was written, since the one on disk
 * is neither `before` nor this one, by generation and uuid: the log is another daemon's. With NULL nobody else can have it. */
int superblock_write(struct store *store, int fd, const struct superblock *before, struct superblock *superblock);
/* Makes it the journal's in this private folder. 0 or -errno. */
int superblock_own(struct superblock *superblock, int fd, int folder);
/* 1: it is; 0: the store is a copy, or the journal was moved here; -errno. */
int superblock_is_own(const struct superblock *superblock, int fd, int folder);
/* A new uuid: nothing in the log is valid any more. */
int superblock_renew(struct superblock *superblock);

/* Whole blocks of the file into aligned memory; -EIO where it ends early. */
int superblock_read_blocks(int fd, void *buffer, size_t length, uint64_t offset);

#endif
