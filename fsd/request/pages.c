#include "config.h"

#include "request/pages.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file/status.h"
#include "mapshare-abi.h"
#include "request/current.h"

#define RANGES_MAX 6000 /* lines: more are longer than any attribute */

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

static void reply_runs(fuse_req_t request, const struct mapshare_abi_run *runs, uint32_t count, size_t size)
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
    request_reply_value(request, text, length, size);
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

static void reply_ranges(const struct parked_pages *parked)
{
    const struct probe_request *probe = &parked->probe;
    struct mapshare_abi_run *runs = NULL;
    uint32_t count = 0;
    int error = 0;

    if (parked->file)
        error = status_runs(&parked->server->files, parked->file, 0, probe->limit, probe->runs, probe->run_count, &runs, &count);
    if (error)
        request_reply(parked->request, error);
    else
        reply_runs(parked->request, runs, count, parked->size);
    free(runs);
}

static void pages_known(struct probe_request *probe)
{
    struct parked_pages *parked = (struct parked_pages *)probe;
    char text[24];

    if (parked->attribute == RANGES) {
        reply_ranges(parked);
    } else if (parked->attribute == DIRTY_KERNEL && probe->error) {
        request_reply_value(parked->request, "unknown", 7, parked->size);
    } else {
        struct page_counts counts = {0};
        int length;

        if (parked->file)
            counts = status_count(&parked->server->files, parked->file, probe->runs, probe->run_count);
        length = snprintf(text, sizeof text, "%" PRIu64, count_of(parked->attribute, &counts));
        request_reply_value(parked->request, text, length, parked->size);
    }
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
        .probe = {.question = PROBE_DIRTY,
                  .inode = inode,
                  .limit = attribute == RANGES ? RANGES_MAX : 0,
                  .long_end = true,
                  .done = pages_known},
        .server = server,
        .request = request,
        .file = server->arena.inodes[inode].file,
        .attribute = attribute,
        .size = size,
    };
    request_ask(request, &parked->probe);
}

bool pages_get(fuse_req_t request, uint32_t inode, const char *name, size_t size)
{
    for (int i = 0; i < PAGE_ATTRIBUTES; i++) {
        if (!strcmp(name, page_attributes[i])) {
            get_pages(request, inode, i, size);
            return true;
        }
    }
    return false;
}
