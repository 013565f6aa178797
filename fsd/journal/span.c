#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "journal/grow.h"
#include "journal/span.h"

int spans_init(struct spans *spans)
{
    return grow(&spans->all, &spans->capacity, 1, sizeof(*spans->all)) ? 0 : -ENOMEM;
}

void spans_free(struct spans *spans)
{
    free(spans->all);
    free(spans->streams);
}

void spans_forget_open(struct spans *spans)
{
    spans->stream_count = 0;
}

static struct stream *find_stream(struct spans *spans, uint64_t stream)
{
    for (size_t i = 0; i < spans->stream_count; i++) {
        if (spans->streams[i].stream == stream)
            return &spans->streams[i];
    }
    return NULL;
}

int spans_open(struct spans *spans, const struct journal_chunk *data, uint64_t position, uint64_t number)
{
    if (!grow(&spans->streams, &spans->stream_capacity, spans->stream_count + data->file_count, sizeof(*spans->streams)))
        return -ENOMEM;
    for (uint32_t i = 0; i < data->file_count; i++) {
        uint64_t stream = data->files[i].stream;
        if (stream != 0 && find_stream(spans, stream) == NULL)
            spans->streams[spans->stream_count++] = (struct stream){stream, position, number};
    }
    return 0;
}

/* Without memory for one more it becomes part of the span before. */
void spans_close(struct spans *spans, const struct journal_chunk *commit)
{
    struct span span = {.position = commit->position, .commit = commit->position};
    for (uint32_t i = 0; i < commit->file_count; i++) {
        struct stream *stream = find_stream(spans, commit->files[i].stream);
        if (stream == NULL)
            continue;
        if (stream->position < span.position) {
            span.position = stream->position;
            span.number = stream->number;
        }
        *stream = spans->streams[--spans->stream_count];
    }
    if (span.position == span.commit)
        return;
    if (grow(&spans->all, &spans->capacity, spans->count + 1, sizeof(*spans->all))) {
        spans->all[spans->count++] = span;
    } else {
        struct span *before = &spans->all[spans->count - 1];
        before->commit = span.commit;
        if (span.position < before->position) {
            before->position = span.position;
            before->number = span.number;
        }
    }
}

void spans_keep_together(const struct spans *spans, uint64_t *position, uint64_t *number)
{
    for (size_t i = spans->count; i-- > 0;) {
        const struct span *span = &spans->all[i];
        if (span->position < *position && *position <= span->commit) {
            *position = span->position;
            *number = span->number;
        }
    }
}

void spans_first_open(const struct spans *spans, uint64_t from, uint64_t *position, uint64_t *number)
{
    for (size_t i = 0; i < spans->stream_count; i++) {
        const struct stream *stream = &spans->streams[i];
        if (stream->position >= from && stream->position < *position) {
            *position = stream->position;
            *number = stream->number;
        }
    }
}

void spans_forget_before(struct spans *spans, uint64_t tail)
{
    size_t left = 0;
    for (size_t i = 0; i < spans->count; i++) {
        if (spans->all[i].commit >= tail)
            spans->all[left++] = spans->all[i];
    }
    spans->count = left;
    left = 0;
    for (size_t i = 0; i < spans->stream_count; i++) {
        if (spans->streams[i].position >= tail)
            spans->streams[left++] = spans->streams[i];
    }
    spans->stream_count = left;
}
