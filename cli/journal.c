#include "config.h"

#include "command.h"
#include "message.h"
#include "output.h"
#include "store_folder.h"

#include "journal/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct listing {
    int folder;
    char *root; /* of the store, without symbolic links */
    struct json_list list;
};

static const char *type_name(enum journal_chunk_type type)
{
    return type == JOURNAL_CHUNK_COMMIT ? "commit" : type == JOURNAL_CHUNK_DATA ? "data" : "names";
}

static const char *change_name(enum journal_change change)
{
    static const char *const names[] = {
        [JOURNAL_RENAME] = "rename", [JOURNAL_REPLACE] = "replace", [JOURNAL_EXCHANGE] = "exchange", [JOURNAL_LINK] = "link",
        [JOURNAL_UNLINK] = "unlink", [JOURNAL_OWNER] = "owner",     [JOURNAL_UNDONE] = "undone",     [JOURNAL_DOUBTED] = "doubted",
    };

    return names[change];
}

static const char *kind_name(enum journal_page_kind kind)
{
    return kind == JOURNAL_HOLE ? "hole" : "data";
}

/* Where the file is now, relative to the store, to be freed; NULL where that is not known. The journal keeps a path only where it
 * keeps no handle. */
static char *find_path(const struct listing *listing, const struct journal_file *file)
{
    union {
        struct file_handle header;
        unsigned char room[sizeof(struct file_handle) + IDENTITY_HANDLE_MAX];
    } handle = {.header = {.handle_bytes = file->identity.handle_length, .handle_type = file->identity.handle_type}};
    size_t prefix = strlen(listing->root);
    char self[64], path[PATH_MAX];
    ssize_t length;
    int fd;

    if (file->path || !file->identity.handle_length || file->identity.handle_length > IDENTITY_HANDLE_MAX)
        return file->path ? strdup(file->path) : NULL;
    memcpy(handle.room + sizeof handle.header, file->identity.handle, file->identity.handle_length);
    fd = open_by_handle_at(listing->folder, &handle.header, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    length = readlink(self, path, sizeof path - 1);
    close(fd);
    path[length < 0 ? 0 : length] = '\0';
    return !strncmp(path, listing->root, prefix) && path[prefix] == '/' ? strdup(path + prefix + 1) : NULL;
}

/* The run that begins with page entry `from`: entries of one file and kind that follow each other. Returns the entry after it. */
static uint32_t run_end(const struct journal_chunk *chunk, uint32_t from, uint64_t *count)
{
    const struct journal_page *first = &chunk->pages[from];
    uint32_t next = from + 1;

    *count = first->count;
    while (next < chunk->page_count && chunk->pages[next].file == first->file && chunk->pages[next].kind == first->kind &&
           chunk->pages[next].page == first->page + *count)
        *count += chunk->pages[next++].count;
    return next;
}

static void name_print(const struct journal_name *name)
{
    printf("  %s", change_name(name->change));
    if (name->old_path)
        printf(" %s", quoted(name->old_path));
    if (name->new_path)
        printf(" %s", quoted(name->new_path));
    if (name->change == JOURNAL_OWNER)
        printf(" %" PRIu32, name->owner);
    putchar('\n');
}

static void chunk_print(const struct journal_visit *entry)
{
    const struct journal_chunk *chunk = entry->chunk;
    char text[OUTPUT_TIME_SIZE];

    printf("%" PRIu64 " %s at %" PRIu64 ", %" PRIu64 " bytes, epoch %" PRIu32, chunk->number, type_name(chunk->type),
           chunk->position, chunk->length, entry->epoch);
    if (chunk->type == JOURNAL_CHUNK_COMMIT)
        printf(", sequence %" PRIu64 ", %s", chunk->sequence, output_time(text, chunk->time));
    else if (!entry->in_commit)
        printf(", of no commit");
    putchar('\n');
    for (uint32_t i = 0; i < chunk->name_count; i++)
        name_print(&chunk->names[i]);
}

static void file_print(const struct listing *listing, const struct journal_chunk *chunk, uint32_t number)
{
    const struct journal_file *file = &chunk->files[number];
    char *path = find_path(listing, file);

    printf("  inode %" PRIu64 " %s, %" PRIu64 " bytes", file->identity.inode, path ? quoted(path) : "(path not known)", file->size);
    free(path);
    if (file->stream)
        printf(", stream %" PRIu64, file->stream);
    putchar('\n');
    for (uint32_t i = 0; i < chunk->page_count;) {
        uint64_t count;
        uint32_t next = run_end(chunk, i, &count);

        if (chunk->pages[i].file == number)
            printf("    %" PRIu64 "-%" PRIu64 " %s\n", chunk->pages[i].page, chunk->pages[i].page + count - 1,
                   kind_name(chunk->pages[i].kind));
        i = next;
    }
}

static int visit_plain(void *context, const struct journal_visit *entry)
{
    chunk_print(entry);
    for (uint32_t i = 0; i < entry->chunk->file_count; i++)
        file_print(context, entry->chunk, i);
    return ferror(stdout) ? -EIO : 0;
}

static struct json_object *files_json(const struct listing *listing, const struct journal_chunk *chunk)
{
    struct json_object *files = json_object_new_array();

    for (uint32_t i = 0; i < chunk->file_count; i++) {
        const struct journal_file *file = &chunk->files[i];
        struct json_object *object = json_object_new_object();
        char *path = find_path(listing, file);

        json_object_object_add(object, "inode", json_object_new_uint64(file->identity.inode));
        json_object_object_add(object, "path", path ? json_name(path) : NULL);
        free(path);
        json_object_object_add(object, "size", json_object_new_uint64(file->size));
        json_object_object_add(object, "stream", json_object_new_uint64(file->stream));
        json_object_object_add(object, "mtime", json_time(file->mtime));
        json_object_array_add(files, object);
    }
    return files;
}

static struct json_object *names_json(const struct journal_chunk *chunk)
{
    struct json_object *names = json_object_new_array();

    for (uint32_t i = 0; i < chunk->name_count; i++) {
        const struct journal_name *name = &chunk->names[i];
        struct json_object *object = json_object_new_object();

        json_object_object_add(object, "change", json_object_new_string(change_name(name->change)));
        json_object_object_add(object, "old", name->old_path ? json_name(name->old_path) : NULL);
        json_object_object_add(object, "new", name->new_path ? json_name(name->new_path) : NULL);
        if (name->change == JOURNAL_OWNER)
            json_object_object_add(object, "owner", json_object_new_int64(name->owner));
        json_object_array_add(names, object);
    }
    return names;
}

static struct json_object *pages_json(const struct journal_chunk *chunk)
{
    struct json_object *pages = json_object_new_array();

    for (uint32_t i = 0; i < chunk->page_count;) {
        struct json_object *object = json_object_new_object();
        uint64_t count;
        uint32_t next = run_end(chunk, i, &count);

        json_object_object_add(object, "file", json_object_new_uint64(chunk->pages[i].file));
        json_object_object_add(object, "first", json_object_new_uint64(chunk->pages[i].page));
        json_object_object_add(object, "last", json_object_new_uint64(chunk->pages[i].page + count - 1));
        json_object_object_add(object, "kind", json_object_new_string(kind_name(chunk->pages[i].kind)));
        json_object_array_add(pages, object);
        i = next;
    }
    return pages;
}

static int visit_json(void *context, const struct journal_visit *entry)
{
    const struct journal_chunk *chunk = entry->chunk;
    struct json_object *object = json_object_new_object();
    struct listing *listing = context;

    json_object_object_add(object, "number", json_object_new_uint64(chunk->number));
    json_object_object_add(object, "type", json_object_new_string(type_name(chunk->type)));
    json_object_object_add(object, "position", json_object_new_uint64(chunk->position));
    json_object_object_add(object, "length", json_object_new_uint64(chunk->length));
    json_object_object_add(object, "epoch", json_object_new_uint64(entry->epoch));
    if (chunk->type == JOURNAL_CHUNK_COMMIT) {
        json_object_object_add(object, "sequence", json_object_new_uint64(chunk->sequence));
        json_object_object_add(object, "time", json_time(chunk->time));
    } else if (chunk->type == JOURNAL_CHUNK_NAMES) {
        json_object_object_add(object, "names", names_json(chunk));
    } else {
        json_object_object_add(object, "in_commit", json_object_new_boolean(entry->in_commit));
    }
    json_object_object_add(object, "files", files_json(listing, chunk));
    json_object_object_add(object, "pages", pages_json(chunk));
    json_list_add(&listing->list, object);
    return ferror(stdout) ? -EIO : 0;
}

static int walk_json(struct listing *listing, struct recover_report *report)
{
    int result = journal_walk(listing->folder, visit_json, listing, report);
    struct json_object *rest;

    if (result)
        return result;
    rest = json_object_new_object();
    json_object_object_add(rest, "commits", json_object_new_uint64(report->commits));
    json_object_object_add(rest, "sequence", json_object_new_uint64(report->sequence));
    json_object_object_add(rest, "torn_bytes", json_object_new_uint64(report->torn_bytes));
    json_list_end(&listing->list, rest);
    return 0;
}

static int walk_plain(struct listing *listing, struct recover_report *report)
{
    int result = journal_walk(listing->folder, visit_plain, listing, report);

    if (result)
        return result;
    printf("%" PRIu64 " records, %" PRIu64 " commits", report->chunks, report->commits);
    if (report->torn_bytes)
        printf(", then %" PRIu64 " bytes that were begun and never acknowledged, or are damaged", report->torn_bytes);
    putchar('\n');
    return 0;
}

static enum exit_status walk(struct listing *listing, const char *path, bool json)
{
    struct recover_report report = {0};
    bool used = store_folder_is_used(listing->folder);
    int result = json ? walk_json(listing, &report) : walk_plain(listing, &report);

    if (ferror(stdout))
        return STATUS_FAILURE; /* main tells why */
    if (result) {
        store_folder_tell_error(path, listing->folder, result);
        return STATUS_FAILURE;
    }
    if (used)
        message("%s: mounted: its daemon may have changed the journal meanwhile; unmount it for an exact list", quoted(path));
    return STATUS_OK;
}

enum exit_status command_journal(const struct arguments *arguments)
{
    const char *path = arguments->operands[0];
    struct listing listing = {.list = {.key = "store", .name = path, .list = "chunks"}};
    enum exit_status status = STATUS_FAILURE;

    listing.folder = store_folder_open(path);
    if (listing.folder < 0)
        return STATUS_FAILURE;
    listing.root = realpath(path, NULL);
    if (listing.root)
        status = walk(&listing, path, arguments->json);
    else
        message_error(path, -errno);
    free(listing.root);
    close(listing.folder);
    return status;
}
