#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "journal/chunk.h"
#include "journal/writer.h"

/* Memory of one chunk being written; used again by the next one. */
struct scratch {
    SLIST_ENTRY(scratch) next;
    unsigned char *header;
    uint64_t header_capacity;
    struct iovec *iov;
    size_t iov_capacity;
};

void writer_init(struct writer *writer)
{
    *writer = (struct writer){.fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};
    SLIST_INIT(&writer->scratches);
}

void writer_free(struct writer *writer)
{
    struct scratch *scratch;
    while ((scratch = SLIST_FIRST(&writer->scratches)) != NULL) {
        SLIST_REMOVE_HEAD(&writer->scratches, next);
        free(scratch->header);
        free(scratch->iov);
        free(scratch);
    }
    pthread_mutex_destroy(&writer->lock);
}

static struct scratch *scratch_take(struct writer *writer, uint64_t header_length, size_t vectors)
{
    pthread_mutex_lock(&writer->lock);
    struct scratch *scratch = SLIST_FIRST(&writer->scratches);
    if (scratch != NULL)
        SLIST_REMOVE_HEAD(&writer->scratches, next);
    pthread_mutex_unlock(&writer->lock);

    if (scratch == NULL)
        scratch = calloc(1, sizeof(*scratch));
    if (scratch != NULL && scratch->header_capacity < header_length) {
        free(scratch->header);
        scratch->header = aligned_alloc(FORMAT_BLOCK, header_length);
        scratch->header_capacity = scratch->header == NULL ? 0 : header_length;
    }
    if (scratch != NULL && scratch->iov_capacity < vectors) {
        free(scratch->iov);
        scratch->iov = malloc(vectors * sizeof(*scratch->iov));
        scratch->iov_capacity = scratch->iov == NULL ? 0 : vectors;
    }
    return scratch;
}

static void scratch_give(struct writer *writer, struct scratch *scratch)
{
    if (scratch == NULL)
        return;
    pthread_mutex_lock(&writer->lock);
    SLIST_INSERT_HEAD(&writer->scratches, scratch, next);
    pthread_mutex_unlock(&writer->lock);
}

/* A chunk's memory, in one write up to the log's end and one from its beginning. */
struct gather {
    struct store_write writes[2];
    struct store_write *current;
    uint64_t left; /* to the log's end */
};

static void gather_add(struct gather *gather, const void *memory, uint64_t length)
{
    while (length > 0) {
        struct store_write *write = gather->current;
        uint64_t piece = length < gather->left ? length : gather->left;
        struct iovec *last = write->iovcnt > 0 ? &write->iov[write->iovcnt - 1] : NULL;
        if (last != NULL && (char *)last->iov_base + last->iov_len == memory)
            last->iov_len += piece;
        else
            write->iov[write->iovcnt++] = (struct iovec){.iov_base = (void *)memory, .iov_len = piece};
        memory = (const char *)memory + piece;
        length -= piece;
        gather->left -= piece;
        if (gather->left == 0) {
            gather->current = &gather->writes[1];
            gather->current->iov = write->iov + write->iovcnt;
            gather->left = UINT64_MAX;
        }
    }
}

int writer_write(struct writer *writer, const struct journal_chunk *chunk, uint64_t epoch_number)
{
    uint64_t header_length = chunk_header_length(chunk);
    size_t vectors = (chunk->length - header_length) / FORMAT_BLOCK + 2; /* the header; one is cut in two */
    struct scratch *scratch = scratch_take(writer, header_length, vectors);
    int result = -ENOMEM;
    if (scratch != NULL && scratch->header != NULL && scratch->iov != NULL) {
        chunk_encode(chunk, epoch_number, writer->uuid, scratch->header);
        struct gather gather = {
            .writes = {{.fd = writer->fd, .offset = (off_t)format_offset(chunk->position, writer->capacity), .iov = scratch->iov},
                       {.fd = writer->fd, .offset = FORMAT_LOG_START}},
            .current = &gather.writes[0],
            .left = writer->capacity - chunk->position % writer->capacity,
        };
        gather_add(&gather, scratch->header, header_length);
        for (uint32_t i = 0; i < chunk->page_count; i++) {
            if (chunk->pages[i].kind == JOURNAL_DATA)
                gather_add(&gather, chunk->pages[i].data, FORMAT_BLOCK);
        }
        result = writer->store->operations->write(writer->store, gather.writes, gather.writes[1].iovcnt > 0 ? 2 : 1);
    }
    scratch_give(writer, scratch);
    return result;
}
