/* A store in a folder of its own with a journal, for the tests of journal and recovery. */
#ifndef UNIT_JOURNAL_SUPPORT_H
#define UNIT_JOURNAL_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "journal/recover.h"
#include "journal/superblock.h"
#include "../commit-chunk.h"

#define PAGE 4096
#define SMALL_JOURNAL (UINT64_C(1) << 20)

/* Does what the store below does, until an operation is to fail. */
struct faulty_store {
    struct store store;
    struct store *below;
    _Atomic int writes_left, flushes_left, syncs_left; /* this many succeed, then one fails with EIO; -1: none does */
    bool no_punch;
    bool all_fail; /* writes and flushes */
};

struct fixture {
    char path[4096];
    int root, private_folder;
    struct faulty_store faulty;
    struct store *store; /* the faulty one */
    struct journal_state state;
    struct journal *journal;
    uint64_t generation; /* to open the journal with */
};

/* cmocka's setup and teardown: *state is the fixture. */
int fixture_make(void **state);
int fixture_remove(void **state);
void fixture_open(struct fixture *fixture, uint64_t size);
void fixture_close(struct fixture *fixture);
/* As after a crash: closes the journal and recovers. */
struct recover_report fixture_recover(struct fixture *fixture);
/* The same with any result, which is returned. */
int fixture_try(struct fixture *fixture, bool give_up, struct recover_report *report);
/* Puts the file where the daemon puts one that is removed while its commits are in the journal. */
void remove_file(struct fixture *fixture, const char *path);

/* A page full of one letter; they live as long as the process. */
const void *page_of(char letter);
/* Makes a file of so many pages, each full of the letter. */
int make_file(struct fixture *fixture, const char *path, unsigned pages, char letter);
/* The file's entry: identity, path, its present size, times 100 and 200. */
struct journal_file entry_of(struct fixture *fixture, const char *path);
/* A small journal is opened, and there is a file "a" of four pages of x. */
struct journal_file fixture_open_with_file(struct fixture *fixture);
struct journal_page data_page(uint64_t page, char letter);
/* Reserves and commits a chunk of one file; fails the test if it does not succeed. */
struct journal_chunk commit_pages(struct fixture *fixture, const struct journal_file *file, const struct journal_page *pages,
                                  uint32_t count);
/* Reserves and writes a chunk of one file. */
struct journal_chunk write_pages(struct fixture *fixture, enum journal_chunk_type type, const struct journal_file *file,
                                 const struct journal_page *pages, uint32_t count);
/* The file's pages as a string of letters: '0' for zeros, '?' for anything mixed, a last one in part counts. */
const char *content(struct fixture *fixture, const char *path);

#endif
