/* A worker without a mount, over a store in a folder of its own: the real floors from file/ down. */
#ifndef UNIT_FSD_SUPPORT_H
#define UNIT_FSD_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "file/checkpoint.h"
#include "file/commit.h"
#include "file/page.h"
#include "file/record.h"
#include "file/status.h"
#include "file/takeover.h"
#include "options.h"

#define MIB (UINT64_C(1) << 20)
#define RECORDS_MAX 512

enum operation { WRITE = 'w', FLUSH = 'f', SYNC = 's', TRUNCATE = 't', PUNCH = 'p', TIMES = 'm' };

struct record {
    enum operation operation;
    bool journal; /* of the journal's file */
    ino_t inode;
    uint64_t offset, length; /* a truncation's size is the offset */
    unsigned char first;     /* byte of a write */
};

/* Does what the store below does, keeps a list, and fails on demand. */
struct recorder {
    struct store store, *below;
    pthread_mutex_t lock;
    bool recording;
    struct record records[RECORDS_MAX];
    size_t count;
    int error; /* what fails, with this errno; 0: nothing */
    bool fails_journal;
    enum operation fails;
    unsigned failures; /* so many times */
    ino_t fails_only;  /* for this file of the store; 0: any */
    void (*before)(void *, enum operation, bool journal);
    void *context;
    ino_t journal;
    int private_folder;
};

/* What dies with a worker. */
struct worker {
    struct inode_table inodes;
    struct descriptor_cache descriptors;
    struct frame_table frames;
    struct journal *journal;
    struct files files;
    struct worker *dead; /* the one before: never freed, as its descriptors are closed by the next one */
};

struct house {
    char path[4096];
    int root, private_folder, spill;
    struct options options;
    struct arena arena;
    uint64_t cache_bytes;
    struct recorder recorder;
    struct worker *worker;
    struct files *files; /* the worker's */
};

/* `spill_pages` may be 0. The journal has at least 1 MiB. */
struct house *house_open(uint32_t cache_pages, uint32_t spill_pages, uint64_t journal_bytes);
void house_close(struct house *house);
/* The worker is no more, whatever it was doing; the next one takes over. */
void house_replace_worker(struct house *house);
/* As at a mount after a crash: the journal goes to the store's files. */
void house_recover(struct house *house);
/* cmocka's setup and teardown: 1024 frames, no spill file, a journal of 2 MiB. */
int house_setup(void **state);
int house_teardown(void **state);

/* Makes a file of so many pages, each full of the letter, in the store; known to the worker as if opened for writing. Its number. */
uint32_t make_file(struct house *house, const char *name, unsigned pages, char letter);
/* Where a lookup is counted, of a request that is heard at once. */
struct effects *effects_of(struct house *house);
uint32_t inode_of(struct house *house, uint32_t file);
struct file_index *index_of(struct house *house, uint32_t file);

/* A WRITE whose bytes lie in frames, as far as there are free ones. Fails the test when it fails. */
void put(struct house *house, uint32_t file, uint64_t offset, size_t size, char letter);
/* One page, whole. */
void put_page(struct house *house, uint32_t file, uint64_t page, char letter);
/* The pages that file_read gives from `page` on, one letter each: '.' for zeros, '?' for a mix; a last one in part counts. */
const char *seen(struct house *house, uint32_t file, uint64_t page, uint64_t pages);
/* Of bytes that were read. */
const char *letters_of(const unsigned char *bytes, size_t size);
/* The same, of the store's file. */
const char *stored(struct house *house, const char *name);
uint64_t stored_size(struct house *house, const char *name);
/* "R0-3 C5": the runs of status_runs. R received, C committed, W being written to the store, F failed. */
const char *states(struct house *house, uint32_t file);
/* The counts of frames that the index keeps, readers' view or not: "received,committing,committed,writeback". */
const char *counts(struct house *house, uint32_t file);
struct commit_result commit_files(struct house *house, const uint32_t *files, uint32_t count);
/* Its error. */
int commit_file(struct house *house, uint32_t file);

void record_start(struct house *house);
/* "w0+4 t8192 m s": what was done to the file's store (NULL: the journal's) since, in pages for writes and punches, bytes for truncations. */
const char *recorded(struct house *house, const char *name);
void make_fail(struct house *house, enum operation operation, bool journal, int error, unsigned times);

#endif
