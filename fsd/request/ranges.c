#include "config.h"

#include "request/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "file/status.h"
#include "request/current.h"

struct parked_ranges {
    struct probe_request probe;
    struct server *server;
    fuse_req_t request;
    uint32_t file;
    uint64_t first;
};

static void ranges_known(struct probe_request *probe)
{
    struct parked_ranges *parked = (struct parked_ranges *)probe;
    struct mapshare_abi_ranges out = {.first = parked->first, .kernel_known = !probe->error};
    struct mapshare_abi_run *runs = NULL;
    uint32_t count = 0;
    int error = 0;

    if (parked->file)
        error = status_runs(&parked->server->files, parked->file, parked->first, MAPSHARE_ABI_RUNS, probe->runs, probe->run_count,
                            &runs, &count);
    if (!error) {
        out.more = count > MAPSHARE_ABI_RUNS;
        out.count = out.more ? MAPSHARE_ABI_RUNS : count;
        if (out.count)
            memcpy(out.runs, runs, out.count * sizeof out.runs[0]);
    }
    if (error)
        request_reply(parked->request, error);
    else
        fuse_reply_ioctl(parked->request, 0, &out, sizeof out);
    free(runs);
    free(parked);
}

void ranges_get(fuse_req_t request, struct server *server, uint32_t inode, const struct mapshare_abi_ranges *in)
{
    struct parked_ranges *parked = malloc(sizeof *parked);

    if (!parked) {
        request_reply(request, -ENOMEM);
        return;
    }
    *parked = (struct parked_ranges){
        .probe = {.question = PROBE_DIRTY,
                  .inode = inode,
                  .first = in->first,
                  .limit = MAPSHARE_ABI_RUNS,
                  .long_end = true,
                  .done = ranges_known},
        .server = server,
        .request = request,
        .file = server->arena.inodes[inode].file,
        .first = in->first,
    };
    request_ask(request, &parked->probe);
}
