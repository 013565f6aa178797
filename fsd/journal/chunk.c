#include "config.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "journal/chunk.h"
#include "journal/grow.h"

#define NANOSECONDS 1000000000

static uint64_t used_length(uint64_t files, uint64_t pages, uint64_t names, uint64_t path_bytes)
{
    return sizeof(struct format_chunk) + files * sizeof(struct format_file) + pages * sizeof(struct format_page) +
           names * sizeof(struct format_name) + path_bytes;
}

uint64_t chunk_used_length(const struct format_chunk *header)
{
    return used_length(le32toh(header->file_count), le32toh(header->page_count), le32toh(header->name_count),
                       le32toh(header->path_bytes));
}

/* A path that is too long is left out. */
static uint32_t path_length(const char *path)
{
    size_t length = path == NULL ? 0 : strnlen(path, FORMAT_PATH_MAX + 1);
    return length > FORMAT_PATH_MAX ? 0 : (uint32_t)length;
}

uint64_t chunk_header_length(const struct journal_chunk *chunk)
{
    uint64_t path_bytes = 0;
    for (uint32_t i = 0; i < chunk->file_count; i++)
        path_bytes += path_length(chunk->files[i].path);
    for (uint32_t i = 0; i < chunk->name_count; i++)
        path_bytes += path_length(chunk->names[i].old_path) + path_length(chunk->names[i].new_path);
    if (path_bytes > UINT32_MAX)
        return 0;
    return format_round_up(used_length(chunk->file_count, chunk->page_count, chunk->name_count, path_bytes));
}

static void encode_file(const struct journal_file *file, struct format_file *out)
{
    *out = (struct format_file){
        .inode = htole64(file->identity.inode),
        .birth_seconds = (int64_t)htole64((uint64_t)file->identity.birth.tv_sec),
        .birth_nanoseconds = htole32((uint32_t)file->identity.birth.tv_nsec),
        .handle_type = (int32_t)htole32((uint32_t)file->identity.handle_type),
        .handle_length = htole32(file->identity.handle_length),
        .path_length = htole32(path_length(file->path)),
        .stream = htole64(file->stream),
        .size = htole64(file->size),
        .valid = htole64(file->valid),
        .atime_seconds = (int64_t)htole64((uint64_t)file->atime.tv_sec),
        .mtime_seconds = (int64_t)htole64((uint64_t)file->mtime.tv_sec),
        .ctime_seconds = (int64_t)htole64((uint64_t)file->ctime.tv_sec),
        .atime_nanoseconds = htole32((uint32_t)file->atime.tv_nsec),
        .mtime_nanoseconds = htole32((uint32_t)file->mtime.tv_nsec),
        .ctime_nanoseconds = htole32((uint32_t)file->ctime.tv_nsec),
        .flags = htole32(file->unnamed ? FORMAT_FILE_UNNAMED : 0),
        .reserved = htole64(file->reserved),
        .owner = htole32(file->owner),
    };
    assert(file->identity.handle_length <= IDENTITY_HANDLE_MAX);
    memcpy(out->handle, file->identity.handle, file->identity.handle_length);
}

static char *put_path(char *to, const char *path)
{
    uint32_t length = path_length(path);
    return length == 0 ? to : (char *)memcpy(to, path, length) + length;
}

void chunk_encode(const struct journal_chunk *chunk, uint64_t epoch_number, const unsigned char *uuid, void *header)
{
    struct format_chunk *out = header;
    struct format_file *files = (struct format_file *)(out + 1);
    struct format_page *pages = (struct format_page *)(files + chunk->file_count);
    struct format_name *names = (struct format_name *)(pages + chunk->page_count);
    char *paths = (char *)(names + chunk->name_count), *path = paths;
    uint32_t data_count = 0;

    for (uint32_t i = 0; i < chunk->file_count; i++) {
        encode_file(&chunk->files[i], &files[i]);
        path = put_path(path, chunk->files[i].path);
    }
    for (uint32_t i = 0; i < chunk->name_count; i++) {
        const struct journal_name *name = &chunk->names[i];
        names[i] = (struct format_name){
            .change = htole32(name->change),
            .old_length = htole32(path_length(name->old_path)),
            .new_length = htole32(path_length(name->new_path)),
            .owner = htole32(name->owner),
        };
        path = put_path(put_path(path, name->old_path), name->new_path);
    }
    for (uint32_t i = 0; i < chunk->page_count; i++) {
        const struct journal_page *page = &chunk->pages[i];
        bool data = page->kind == JOURNAL_DATA;
        pages[i] = (struct format_page){
            .file = htole32(page->file),
            .kind = htole32(page->kind),
            .page = htole64(page->page),
            .count = htole64(page->count),
            .checksum = data ? htole64(format_checksum(page->data, FORMAT_BLOCK)) : 0,
        };
        data_count += data;
    }
    *out = (struct format_chunk){
        .magic = htole64(FORMAT_CHUNK_MAGIC),
        .type = htole16(chunk->type),
        .under_way = chunk->type == JOURNAL_CHUNK_COMMIT ? htole16(chunk->under_way) : 0,
        .epoch = htole32(chunk->epoch),
        .position = htole64(chunk->position),
        .length = htole64(chunk->length),
        .number = htole64(chunk->number),
        .epoch_number = htole64(epoch_number),
        .sequence = chunk->type == JOURNAL_CHUNK_COMMIT ? htole64(chunk->sequence) : 0,
        .seconds = (int64_t)htole64((uint64_t)chunk->time.tv_sec),
        .nanoseconds = htole32((uint32_t)chunk->time.tv_nsec),
        .file_count = htole32(chunk->file_count),
        .page_count = htole32(chunk->page_count),
        .data_count = htole32(data_count),
        .path_bytes = htole32((uint32_t)(path - paths)),
        .name_count = htole32(chunk->name_count),
    };
    memcpy(out->uuid, uuid, FORMAT_UUID_SIZE);
    size_t used = (size_t)(path - (char *)header);
    memset((char *)header + used, 0, format_round_up(used) - used);
    out->checksum = htole64(format_header_checksum(header, used));
}

static bool epoch_follows(const struct format_chunk *header, const struct chunk_expected *expected)
{
    uint32_t epoch = le32toh(header->epoch);
    if (expected->number >= expected->least_epoch_from && epoch < expected->least_epoch)
        return false;
    return expected->first || epoch == expected->epoch || (epoch > expected->epoch && header->epoch_number == header->number);
}

bool chunk_plausible(const struct format_chunk *header, const struct chunk_expected *expected, uint64_t *header_length)
{
    uint64_t length = le64toh(header->length);
    *header_length = format_round_up(chunk_used_length(header));
    return le64toh(header->magic) == FORMAT_CHUNK_MAGIC && memcmp(header->uuid, expected->uuid, FORMAT_UUID_SIZE) == 0 &&
           le64toh(header->position) == expected->position && le64toh(header->number) == expected->number &&
           epoch_follows(header, expected) && length <= expected->end - expected->position &&
           length == *header_length + (uint64_t)le32toh(header->data_count) * FORMAT_BLOCK;
}

static bool decode_time(struct timespec *out, int64_t seconds, uint32_t nanoseconds)
{
    out->tv_sec = (time_t)le64toh((uint64_t)seconds);
    out->tv_nsec = (long)le32toh(nanoseconds);
    return out->tv_nsec < NANOSECONDS;
}

/* Where paths are decoded from and to. */
struct path_cursor {
    const char *in;
    uint32_t left;
    char *out;
};

/* False where it cannot be a path. NULL for none. */
static bool decode_path(struct path_cursor *cursor, uint32_t length, const char **path)
{
    if (length > cursor->left || length > FORMAT_PATH_MAX || memchr(cursor->in, 0, length) != NULL)
        return false;
    *path = length == 0 ? NULL : memcpy(cursor->out, cursor->in, length);
    if (length > 0) {
        cursor->out[length] = 0;
        cursor->out += length + 1;
    }
    cursor->in += length;
    cursor->left -= length;
    return true;
}

/* A file's size, path and handle must be possible ones. */
static bool decode_file(const struct format_file *in, struct journal_file *out, struct path_cursor *cursor)
{
    *out = (struct journal_file){
        .identity.type = S_IFREG,
        .identity.inode = le64toh(in->inode),
        .identity.handle_type = (int32_t)le32toh((uint32_t)in->handle_type),
        .identity.handle_length = le32toh(in->handle_length),
        .unnamed = (le32toh(in->flags) & FORMAT_FILE_UNNAMED) != 0,
        .owner = le32toh(in->owner),
        .stream = le64toh(in->stream),
        .size = le64toh(in->size),
        .reserved = le64toh(in->reserved),
        .valid = le64toh(in->valid),
    };
    if (!decode_time(&out->identity.birth, in->birth_seconds, in->birth_nanoseconds) ||
        !decode_time(&out->atime, in->atime_seconds, in->atime_nanoseconds) ||
        !decode_time(&out->mtime, in->mtime_seconds, in->mtime_nanoseconds) ||
        !decode_time(&out->ctime, in->ctime_seconds, in->ctime_nanoseconds))
        return false;
    if (out->identity.handle_length > IDENTITY_HANDLE_MAX || out->size > INT64_MAX || out->reserved > INT64_MAX)
        return false;
    memcpy(out->identity.handle, in->handle, out->identity.handle_length);
    return decode_path(cursor, le32toh(in->path_length), &out->path);
}

static bool decode_name(const struct format_name *in, struct journal_name *out, struct path_cursor *cursor)
{
    uint32_t change = le32toh(in->change);
    *out = (struct journal_name){.change = change, .owner = le32toh(in->owner)};
    if (!decode_path(cursor, le32toh(in->old_length), &out->old_path) ||
        !decode_path(cursor, le32toh(in->new_length), &out->new_path))
        return false;
    bool needs_new = change >= JOURNAL_RENAME && change <= JOURNAL_LINK;
    return change >= JOURNAL_RENAME && change <= JOURNAL_DOUBTED && (out->new_path != NULL) == needs_new &&
           (out->old_path != NULL) == (change < JOURNAL_UNDONE);
}

static bool decode_page(const struct format_page *in, struct journal_page *out, uint32_t file_count)
{
    uint32_t kind = le32toh(in->kind);
    *out = (struct journal_page){.file = le32toh(in->file), .kind = kind, .page = le64toh(in->page), .count = le64toh(in->count)};
    return kind <= JOURNAL_HOLE && out->file < file_count && out->count >= 1 && (kind != JOURNAL_DATA || out->count == 1) &&
           out->page < FORMAT_PAGE_MAX && out->count <= FORMAT_PAGE_MAX - out->page;
}

static bool type_possible(const struct journal_chunk *chunk, uint64_t last_sequence)
{
    switch (chunk->type) {
    case JOURNAL_CHUNK_COMMIT:
        return chunk->sequence > last_sequence && chunk->sequence > chunk->under_way && chunk->sequence < FORMAT_POSITION_MAX &&
               chunk->name_count == 0;
    case JOURNAL_CHUNK_DATA:
        return chunk->sequence == 0 && chunk->under_way == 0 && chunk->name_count == 0;
    case JOURNAL_CHUNK_NAMES:
        return chunk->sequence == 0 && chunk->under_way == 0 && chunk->file_count == 0 && chunk->page_count == 0;
    }
    return false;
}

int chunk_decode(const void *header, const struct chunk_expected *expected, struct chunk_view *view)
{
    const struct format_chunk *fixed = header;
    if (!chunk_plausible(fixed, expected, &view->header_length))
        return 0;

    uint32_t file_count = le32toh(fixed->file_count);
    uint32_t page_count = le32toh(fixed->page_count);
    uint32_t name_count = le32toh(fixed->name_count);
    uint32_t path_bytes = le32toh(fixed->path_bytes);
    if (format_header_checksum(header, chunk_used_length(fixed)) != le64toh(fixed->checksum))
        return 0;
    if (!grow(&view->files, &view->file_capacity, file_count, sizeof(*view->files)) ||
        !grow(&view->pages, &view->page_capacity, page_count, sizeof(*view->pages)) ||
        !grow(&view->names, &view->name_capacity, name_count, sizeof(*view->names)) ||
        !grow(&view->paths, &view->path_capacity, (size_t)path_bytes + file_count + 2 * (size_t)name_count, 1))
        return -ENOMEM;

    const struct format_file *files = (const struct format_file *)(fixed + 1);
    const struct format_page *pages = (const struct format_page *)(files + file_count);
    const struct format_name *names = (const struct format_name *)(pages + page_count);
    struct path_cursor cursor = {.in = (const char *)(names + name_count), .left = path_bytes, .out = view->paths};
    uint32_t data_count = 0;
    for (uint32_t i = 0; i < file_count; i++) {
        if (!decode_file(&files[i], &view->files[i], &cursor))
            return 0;
    }
    for (uint32_t i = 0; i < page_count; i++) {
        if (!decode_page(&pages[i], &view->pages[i], file_count))
            return 0;
        data_count += view->pages[i].kind == JOURNAL_DATA;
    }
    for (uint32_t i = 0; i < name_count; i++) {
        if (!decode_name(&names[i], &view->names[i], &cursor))
            return 0;
    }
    view->chunk = (struct journal_chunk){
        .type = le16toh(fixed->type),
        .under_way = le16toh(fixed->under_way),
        .files = view->files,
        .file_count = file_count,
        .pages = view->pages,
        .page_count = page_count,
        .names = view->names,
        .name_count = name_count,
        .position = le64toh(fixed->position),
        .length = le64toh(fixed->length),
        .number = le64toh(fixed->number),
        .epoch = le32toh(fixed->epoch),
        .sequence = le64toh(fixed->sequence),
    };
    view->data_count = data_count;
    view->entries = pages;
    return decode_time(&view->chunk.time, fixed->seconds, fixed->nanoseconds) && type_possible(&view->chunk, expected->sequence) &&
           data_count == le32toh(fixed->data_count) && cursor.left == 0;
}

void chunk_view_free(struct chunk_view *view)
{
    free(view->files);
    free(view->pages);
    free(view->names);
    free(view->paths);
    *view = (struct chunk_view){0};
}
