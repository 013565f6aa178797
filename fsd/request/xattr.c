/* Extended attributes: the store's own, and the virtual ones that show the state of pages. Reading changes nothing. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "file/status.h"
#include "mapshare-abi.h"
#include "request/request.h"

#define NAMES_MAX 65536 /* XATTR_LIST_MAX and XATTR_SIZE_MAX of Linux */
#define VALUE_MAX 65536

static bool is_virtual(const char *name)
{
    return !strncmp(name, MAPSHARE_XATTR_PREFIX, sizeof MAPSHARE_XATTR_PREFIX - 1);
}

static void reply_value(fuse_req_t request, const char *value, size_t length, size_t size)
{
    if (length > VALUE_MAX)
        request_reply(request, -E2BIG);
    else if (!size)
        fuse_reply_xattr(request, length);
    else if (size < length)
        request_reply(request, -ERANGE);
    else
        fuse_reply_buf(request, value, length);
}

/* ---- page states: these may need the probe ---- */

enum page_attribute { DIRTY, DIRTY_KERNEL, DIRTY_RECEIVED, COMMITTED, WRITEBACK, FAILED, RANGES, PAGE_ATTRIBUTES };

static const char *const page_attributes[PAGE_ATTRIBUTES] = {
    [DIRTY] = MAPSHARE_XATTR_DIRTY,
    [DIRTY_KERNEL] = MAPSHARE_XATTR_DIRTY_KERNEL,
    [DIRTY_RECEIVED] = MAPSHARE_XATTR_DIRTY_RECEIVED,
    [COMMITTED] = MAPSHARE_XATTR_COMMITTED,
    [WRITEBACK] = MAPSHARE_XATTR_WRITEBACK,
    [FAILED] = MAPSHARE_XATTR_FAILED,
    [RANGES] = MAPSHARE_XATTR_RANGES,
};

static const char *const state_names[] = {
    [MAPSHARE_ABI_KERNEL] = "kernel",       [MAPSHARE_ABI_RECEIVED] = "received", [MAPSHARE_ABI_COMMITTED] = "committed",
    [MAPSHARE_ABI_WRITEBACK] = "writeback", [MAPSHARE_ABI_FAILED] = "failed",
};

static void reply_ranges(fuse_req_t request, const struct mapshare_abi_run *runs, uint32_t count, size_t size)
{
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);

    if (!to) {
        request_reply(request, -ENOMEM);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        fprintf(to, "%" PRIu64 "-%" PRIu64 " %s\n", runs[i].first, runs[i].last, state_names[runs[i].state]);
    fclose(to);
    reply_value(request, text, length, size);
    free(text);
}

static uint64_t count_of(enum page_attribute attribute, const struct page_counts *counts)
{
    switch (attribute) {
    case DIRTY:
        return counts->of[MAPSHARE_ABI_KERNEL] + counts->of[MAPSHARE_ABI_RECEIVED] + counts->of[MAPSHARE_ABI_FAILED];
    case DIRTY_KERNEL:
        return counts->of[MAPSHARE_ABI_KERNEL];
    case DIRTY_RECEIVED:
        return counts->of[MAPSHARE_ABI_RECEIVED];
    case COMMITTED:
        return counts->of[MAPSHARE_ABI_COMMITTED];
    case WRITEBACK:
        return counts->of[MAPSHARE_ABI_WRITEBACK];
    default:
        return counts->of[MAPSHARE_ABI_FAILED];
    }
}

struct parked_pages {
    struct probe_request probe;
    struct server *server;
    fuse_req_t request;
    uint32_t file; /* 0: nothing of it was ever changed */
    enum page_attribute attribute;
    size_t size;
};

static void pages_known(struct probe_request *probe)
{
    struct parked_pages *parked = (struct parked_pages *)probe;
    struct mapshare_abi_run *runs = NULL;
    uint32_t count = 0;
    char text[24];
    int error = 0;

    if (parked->file)
        error = status_runs(&parked->server->files, parked->file, 0, 0, probe->runs, probe->run_count, &runs, &count);
    if (error) {
        request_reply(parked->request, error);
    } else if (parked->attribute == RANGES) {
        reply_ranges(parked->request, runs, count, parked->size);
    } else if (parked->attribute == DIRTY_KERNEL && probe->error) {
        reply_value(parked->request, "unknown", 7, parked->size);
    } else {
        struct page_counts counts = status_count(runs, count);
        int length = snprintf(text, sizeof text, "%" PRIu64, count_of(parked->attribute, &counts));

        reply_value(parked->request, text, length, parked->size);
    }
    free(runs);
    free(parked);
}

static void get_pages(fuse_req_t request, uint32_t inode, enum page_attribute attribute, size_t size)
{
    struct server *server = server_of(request);
    struct parked_pages *parked = malloc(sizeof *parked);

    if (!parked) {
        request_reply(request, -ENOMEM);
        return;
    }
    *parked = (struct parked_pages){
        .probe = {.question = PROBE_DIRTY, .inode = inode, .done = pages_known},
        .server = server,
        .request = request,
        .file = server->arena.inodes[inode].file,
        .attribute = attribute,
        .size = size,
    };
    if (file_may_be_mapped(&server->files, parked->file)) {
        if (probe_ask(server->probe, &parked->probe))
            return;
        parked->probe.error = -ENOSYS;
    }
    pages_known(&parked->probe);
}

/* ---- the others ---- */

static void get_commit(fuse_req_t request, uint32_t file, size_t size)
{
    struct mapshare_abi_info info = {0};
    char text[64];

    if (file)
        status_info(&server_of(request)->files, file, &info);
    reply_value(request, text,
                snprintf(text, sizeof text, "%" PRIu64 " %" PRId64 ".%09" PRIu32, info.sequence, info.commit_seconds,
                         info.commit_nanoseconds),
                size);
}

static void get_error(fuse_req_t request, uint32_t file, size_t size)
{
    int error = file ? server_of(request)->arena.files[file].error : 0;
    const char *name = error ? strerrorname_np(error) : "none";

    reply_value(request, name, strlen(name), size);
}

static void get_stats(fuse_req_t request, size_t size)
{
    struct server *server = server_of(request);
    const struct arena_header *header = server->arena.header;
    const struct arena_counters *counters = &header->counters;
    struct page_counts frames;
    char text[2048];
    int length;

    status_frames(&server->files, &frames);
    length =
        snprintf(text, sizeof text,
                 "version=%s\nkeeper_pid=%" PRIu32 "\nworker_pid=%" PRIu32 "\nprobe_pid=%" PRIu32 "\nrestarts=%" PRIu64
                 "\nframes_total=%" PRIu32 "\nframes_free=%" PRIu32 "\nframes_received=%" PRIu64 "\nframes_committed=%" PRIu64
                 "\nframes_writeback=%" PRIu64 "\nframes_failed=%" PRIu64 "\nframes_spilled_max=%" PRIu32 "\ncommits=%" PRIu64
                 "\npages_received=%" PRIu64 "\npages_committed=%" PRIu64 "\npages_checkpointed=%" PRIu64 "\nwrite_errors=%" PRIu64
                 "\njournal_size=%" PRIu64 "\njournal_used=%" PRIu64 "\nsequence=%" PRIu64 "\n",
                 PACKAGE_VERSION, header->keeper_pid, header->worker_pid, header->probe_pid, counters->restarts, header->frame_max,
                 frame_free_count(&server->frames), frames.of[MAPSHARE_ABI_RECEIVED], frames.of[MAPSHARE_ABI_COMMITTED],
                 frames.of[MAPSHARE_ABI_WRITEBACK], frames.of[MAPSHARE_ABI_FAILED], header->spilled, counters->commits,
                 counters->pages_received, counters->pages_committed, counters->pages_checkpointed, counters->write_errors,
                 journal_size(server->journal), journal_used(server->journal), journal_sequence(server->journal));
    reply_value(request, text, length, size);
}

/* The store keeps the attribute under the same name. */
bool request_stored_atomic(int fd)
{
    char value = '0';

    return fgetxattr(fd, MAPSHARE_XATTR_ATOMIC, &value, 1) == 1 && value == '1';
}

static void get_atomic(fuse_req_t request, uint32_t inode, size_t size)
{
    struct server *server = server_of(request);
    uint32_t file = server->arena.inodes[inode].file;
    struct descriptor *descriptor;
    bool atomic = server->options->atomic;
    int error;

    if (file) {
        atomic = server->arena.files[file].flags & FILE_ATOMIC;
    } else if (!atomic) {
        error = descriptor_get(&server->descriptors, inode, &descriptor);
        if (error) {
            request_reply(request, error);
            return;
        }
        atomic = request_stored_atomic(descriptor->fd);
        descriptor_put(&server->descriptors, descriptor);
    }
    reply_value(request, atomic ? "1" : "0", 1, size);
}

static void get_virtual(fuse_req_t request, uint32_t inode, const char *name, size_t size)
{
    const struct inode *truth = &server_of(request)->arena.inodes[inode];

    if (inode == INODE_ROOT && !strcmp(name, MAPSHARE_XATTR_STATS)) {
        get_stats(request, size);
        return;
    }
    if ((truth->type == S_IFREG || truth->type == S_IFDIR) && !strcmp(name, MAPSHARE_XATTR_ATOMIC)) {
        get_atomic(request, inode, size);
        return;
    }
    for (int i = 0; i < PAGE_ATTRIBUTES && truth->type == S_IFREG; i++) {
        if (!strcmp(name, page_attributes[i])) {
            get_pages(request, inode, i, size);
            return;
        }
    }
    if (truth->type == S_IFREG && !strcmp(name, MAPSHARE_XATTR_COMMIT))
        get_commit(request, truth->file, size);
    else if (truth->type == S_IFREG && !strcmp(name, MAPSHARE_XATTR_ERROR))
        get_error(request, truth->file, size);
    else
        request_reply(request, -ENODATA);
}

static int set_atomic(fuse_req_t request, uint32_t inode, const char *value, size_t size)
{
    struct server *server = server_of(request);
    struct descriptor *descriptor;
    struct stat stat;
    uid_t caller = fuse_req_ctx(request)->uid;
    uint32_t file;
    int error;

    if (size != 1 || (*value != '0' && *value != '1'))
        return -EINVAL;
    error = request_attributes(server, inode, &stat);
    if (error)
        return error;
    if (!S_ISREG(stat.st_mode) && !S_ISDIR(stat.st_mode))
        return -EPERM;
    if (caller && caller != stat.st_uid)
        return -EPERM;
    error = descriptor_get(&server->descriptors, inode, &descriptor);
    if (error)
        return error;
    if (fsetxattr(descriptor->fd, MAPSHARE_XATTR_ATOMIC, value, 1, 0))
        error = -errno;
    else
        request_changed(server, inode);
    descriptor_put(&server->descriptors, descriptor);
    if (error || S_ISDIR(stat.st_mode))
        return error;
    file = file_of(&server->files, inode, true, &error);
    if (file)
        file_set_atomic(&server->files, file, *value == '1');
    return error;
}

/* ---- requests ---- */

/* The store's value of an attribute, or without a name the list of names. The size or -errno. */
static ssize_t read_stored(struct server *server, uint32_t inode, const char *name, char *out, size_t max)
{
    struct descriptor *descriptor;
    char path[32];
    ssize_t n = descriptor_get(&server->descriptors, inode, &descriptor);

    if (n)
        return n;
    request_descriptor_path(path, descriptor);
    n = name ? getxattr(path, name, out, max) : listxattr(path, out, max);
    if (n < 0)
        n = -errno;
    descriptor_put(&server->descriptors, descriptor);
    return n;
}

void request_getxattr(fuse_req_t request, fuse_ino_t node, const char *name, size_t size)
{
    uint32_t inode = request_inode(request, node);
    char *value = (char *)request_receiver()->reply;
    ssize_t n;

    if (!inode)
        return;
    if (is_virtual(name)) {
        get_virtual(request, inode, name, size);
        return;
    }
    n = read_stored(server_of(request), inode, name, value, size < WRITE_MAX ? size : WRITE_MAX);
    if (n < 0)
        request_reply(request, n);
    else
        reply_value(request, value, n, size);
}

/* Names of virtual attributes are left out, so that copying programs do not carry them. */
static size_t without_virtual(char *names, size_t length)
{
    size_t kept = 0;

    for (size_t at = 0; at < length;) {
        size_t n = strlen(names + at) + 1;

        if (!is_virtual(names + at)) {
            memmove(names + kept, names + at, n);
            kept += n;
        }
        at += n;
    }
    return kept;
}

void request_listxattr(fuse_req_t request, fuse_ino_t node, size_t size)
{
    uint32_t inode = request_inode(request, node);
    char *names = (char *)request_receiver()->reply;
    ssize_t n;

    if (!inode)
        return;
    n = read_stored(server_of(request), inode, NULL, names, NAMES_MAX);
    if (n < 0)
        request_reply(request, n);
    else
        reply_value(request, names, without_virtual(names, n), size);
}

/* Runs `change` on the descriptor's path; a changed attribute is metadata to be flushed. */
static void change(fuse_req_t request, uint32_t inode, const char *name, const char *value, size_t size, int flags)
{
    struct server *server = server_of(request);
    struct intent *intent;
    struct descriptor *descriptor;
    char path[32];
    bool tried;
    int error = descriptor_get(&server->descriptors, inode, &descriptor);

    if (error) {
        request_reply(request, error);
        return;
    }
    intent = request_intent(server, 0, &tried);
    if (tried)
        flags = 0;
    request_descriptor_path(path, descriptor);
    if (value ? setxattr(path, name, value, size, flags) : removexattr(path, name))
        error = -errno;
    if (tried && error == -ENODATA)
        error = 0;
    descriptor_put(&server->descriptors, descriptor);
    if (!error)
        request_changed(server, inode);
    request_reply(request, error);
    request_intent_end(intent);
}

void request_setxattr(fuse_req_t request, fuse_ino_t node, const char *name, const char *value, size_t size, int flags)
{
    uint32_t inode = request_inode(request, node);

    if (!inode)
        return;
    if (!is_virtual(name))
        change(request, inode, name, value, size, flags);
    else if (!strcmp(name, MAPSHARE_XATTR_ATOMIC))
        request_reply(request, set_atomic(request, inode, value, size));
    else
        request_reply(request, -EPERM);
}

void request_removexattr(fuse_req_t request, fuse_ino_t node, const char *name)
{
    uint32_t inode = request_inode(request, node);

    if (!inode)
        return;
    if (!is_virtual(name))
        change(request, inode, name, NULL, 0, 0);
    else if (!strcmp(name, MAPSHARE_XATTR_ATOMIC))
        request_reply(request, set_atomic(request, inode, "0", 1));
    else
        request_reply(request, -EPERM);
}
