/* A chunk's header between memory and disk. */
#ifndef JOURNAL_CHUNK_H
#define JOURNAL_CHUNK_H

#include "journal/format.h"

/* Bytes before the data pages, a multiple of FORMAT_BLOCK; 0: too much for one chunk. */
uint64_t chunk_header_length(const struct journal_chunk *chunk);

/* Fills `header`, chunk_header_length bytes, with all that the chunk says, checksums of the pages' data included. */
void chunk_encode(const struct journal_chunk *chunk, uint64_t epoch_number, const unsigned char *uuid, void *header);

/* What a chunk must be to be the next one. */
struct chunk_expected {
    unsigned char uuid[FORMAT_UUID_SIZE];
    uint64_t position;
    uint64_t end; /* it may not reach beyond this position */
    uint64_t number;
    uint64_t sequence;         /* of the last commit */
    uint32_t epoch;            /* of its predecessor */
    bool first;                /* it has none */
    uint64_t least_epoch_from; /* from this number on the epoch is at least the next one */
    uint32_t least_epoch;
};

/* The first block alone: whether the rest is worth reading, and how long the header is. */
bool chunk_plausible(const struct format_chunk *header, const struct chunk_expected *expected, uint64_t *header_length);

/* What the header's counts say of its length, without padding. */
uint64_t chunk_used_length(const struct format_chunk *header);

/* A decoded chunk; owns its arrays, which are used again by the next decoding. Paths are terminated. */
struct chunk_view {
    struct journal_chunk chunk; /* data pointers are NULL */
    uint32_t data_count;
    uint64_t header_length;
    const struct format_page *entries; /* in the header that was decoded: the checksums */

    struct journal_file *files;
    struct journal_page *pages;
    struct journal_name *names;
    char *paths;
    size_t file_capacity, page_capacity, name_capacity, path_capacity;
};

/* 1: valid but for its pages' data, which are still to be checked; 0: not valid; -ENOMEM. */
int chunk_decode(const void *header, const struct chunk_expected *expected, struct chunk_view *view);
void chunk_view_free(struct chunk_view *view);

#endif
