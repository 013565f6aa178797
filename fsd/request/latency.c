#include "config.h"

#include "request/latency.h"

#include <errno.h>

#include "request/current.h"

static void gather(struct mapshare_abi_latency *all, enum mapshare_abi_latency_kind kind, const struct latency *latency)
{
    uint64_t most = latency->most;

    all->of[kind].sum += latency->sum;
    all->of[kind].most = most > all->of[kind].most ? most : all->of[kind].most;
    for (uint32_t i = 0; i < MAPSHARE_ABI_LATENCY_BUCKETS; i++)
        all->of[kind].counts[i] += atomic_load_explicit(&latency->counts[i], memory_order_relaxed);
}

void latency_serve(fuse_req_t request, uint32_t inode)
{
    struct server *server = server_of(request);
    struct mapshare_abi_latency all = {0};

    if (inode != INODE_ROOT) {
        request_reply(request, -ENOTTY);
        return;
    }
    for (uint64_t i = 0; i < server->options->threads; i++)
        gather(&all, MAPSHARE_ABI_LATENCY_REQUEST, &server->arena.arrivals[i].requests);
    gather(&all, MAPSHARE_ABI_LATENCY_COMMIT, &server->arena.header->commits);
    gather(&all, MAPSHARE_ABI_LATENCY_STALL, &server->arena.header->stalls);
    fuse_reply_ioctl(request, 0, &all, sizeof all);
}
