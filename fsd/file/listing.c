#include "config.h"

#include "file/listing.h"

#include <string.h>

#include "file/record.h"
#include "file/relate.h"
#include "file/status.h"

#define RECORDS_A_CALL 4096 /* looked at, so that a call is short however many there are */
#define ROUND_UP(bytes) (((bytes) + 7) / 8 * 8)

/* The record is held then; false: there is none. */
static bool hold(struct files *files, uint32_t number)
{
    const struct arena *arena = files->arena;
    bool is;

    if (!arena->files[number].inode)
        return false;
    pthread_mutex_lock(&files->inodes->lock);
    is = relate_is_named_back(arena, number);
    if (is)
        inode_hold(files->inodes, arena->files[number].inode);
    pthread_mutex_unlock(&files->inodes->lock);
    return is;
}

/* False: all of it is in the store. */
static bool describe(struct files *files, uint32_t number, struct mapshare_abi_file *entry)
{
    struct file_index *index = &files->index[number];
    const struct file *file = &files->arena->files[number];
    const struct file_version *held;
    struct page_counts pages;

    pthread_mutex_lock(&index->lock);
    held = &file->commits[index->versions.last];
    pages = status_pages(files, index);
    *entry = (struct mapshare_abi_file){
        .inode = files->arena->inodes[file->inode].number,
        .size = file->current.size,
        .sequence = held->sequence,
        .commit_seconds = time_unpack(held->committed_at).tv_sec,
        .commit_nanoseconds = time_unpack(held->committed_at).tv_nsec,
        .error = file->error,
        .received = pages.of[MAPSHARE_ABI_RECEIVED],
        .committed = pages.of[MAPSHARE_ABI_COMMITTED],
        .writeback = pages.of[MAPSHARE_ABI_WRITEBACK],
        .failed = pages.of[MAPSHARE_ABI_FAILED],
        .commits = index->versions.count,
        .flags = file->flags & FILE_ATOMIC ? MAPSHARE_ABI_ATOMIC : 0,
    };
    pthread_mutex_unlock(&index->lock);
    return entry->received || entry->committed || entry->writeback || entry->failed || entry->error;
}

/* False: there is no room for it. */
static bool add(struct files *files, uint32_t number, struct mapshare_abi_file *entry, struct mapshare_abi_files *list)
{
    char path[4096];
    size_t length = inode_path(files->inodes, files->arena->files[number].inode, path) ? strlen(path) : 0;

    if (list->bytes + sizeof *entry + ROUND_UP(length) > sizeof list->files)
        return false;
    entry->path_bytes = length;
    memcpy(list->files + list->bytes, entry, sizeof *entry);
    memcpy(list->files + list->bytes + sizeof *entry, path, length);
    list->bytes += sizeof *entry + ROUND_UP(length);
    list->count++;
    return true;
}

void listing_fill(struct files *files, struct mapshare_abi_files *list)
{
    uint32_t used = files->arena->header->file_used;
    uint64_t number = list->next ? list->next : 1, end = number + RECORDS_A_CALL;
    bool fits = true;

    for (; fits && number <= used && number < end; number += fits) {
        struct mapshare_abi_file entry;

        if (!hold(files, number))
            continue;
        if (describe(files, number, &entry))
            fits = add(files, number, &entry, list);
        file_put(files, number);
    }
    list->next = number <= used ? number : 0;
}
