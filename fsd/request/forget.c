#include "config.h"

#include "request/forget.h"

#include "log.h"
#include "request/entry.h"

#define ENTRIES_AT (sizeof(struct fuse_in_header) + sizeof(struct fuse_batch_forget_in))
#define FORGETS_MAX ((WRITE_HEAD + WRITE_MAX - ENTRIES_AT) / sizeof(struct fuse_forget_one))

_Static_assert((WRITE_HEAD - ENTRIES_AT) % sizeof(struct fuse_forget_one) == 0, "none straddles head and first page");

static struct fuse_forget_one entry_at(const struct arena *arena, struct arrival *arrival, uint32_t number)
{
    size_t at = ENTRIES_AT + number * sizeof(struct fuse_forget_one);
    const unsigned char *place = arrival->head;

    if (at >= WRITE_HEAD) {
        at -= WRITE_HEAD;
        place = forget_place(arena, arrival, at >> PAGE_SHIFT);
        at %= PAGE_BYTES;
    }
    return place ? *(const struct fuse_forget_one *)(place + at) : (struct fuse_forget_one){0};
}

static uint32_t count_of(const struct fuse_in_header *header)
{
    const struct fuse_batch_forget_in *batch = (const void *)(header + 1);

    if (header->opcode == FUSE_FORGET)
        return 1;
    return batch->count < FORGETS_MAX ? batch->count : FORGETS_MAX;
}

void forget_received(struct server *server, struct arrival *arrival)
{
    struct fuse_in_header *header = (void *)arrival->head;
    const struct fuse_forget_in *only = (const void *)(header + 1);

    for (uint32_t i = arrival->forgotten, count = count_of(header); i < count; i++) {
        struct fuse_forget_one one = {.nodeid = header->nodeid, .nlookup = only->nlookup};

        if (header->opcode == FUSE_BATCH_FORGET)
            one = entry_at(&server->arena, arrival, i);
        if (!one.nodeid) {
            log_line(LOG_WARN, "a message of %u FORGETs ends after %u: a worker was killed while it came", count, i);
            break;
        }
        entry_drop(server, inode_of_node(&server->inodes, one.nodeid), one.nlookup, &arrival->forgotten, i + 1);
    }
    *(volatile uint32_t *)&header->opcode = 0; /* ended, before the next message counts anew */
    atomic_store(&arrival->forgotten, 0);
}
