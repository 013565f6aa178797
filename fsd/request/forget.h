/* FORGETs: the kernel drops references, and tells it once. A message that a worker read and did not finish is finished by its successor. */
#ifndef REQUEST_FORGET_H
#define REQUEST_FORGET_H

#include <linux/fuse.h>

#include "request/server.h"

#define WRITE_HEAD (sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in))

static inline bool forget_is(const struct fuse_in_header *header)
{
    return header->opcode == FUSE_FORGET || header->opcode == FUSE_BATCH_FORGET;
}

/* Where the page of a message behind its first WRITE_HEAD bytes arrives. NULL: nowhere. */
static inline void *forget_place(const struct arena *arena, struct arrival *arrival, uint32_t page)
{
    uint32_t frame = page < arrival->count ? arrival->frames[arrival->first + page] : 0;

    if (page >= arrival->count)
        return arrival->rest + ((size_t)(page - arrival->count) << PAGE_SHIFT);
    return frame ? arena_page(arena, frame) : NULL;
}

/* Each page is marked before a message arrives there: should the kernel's copy end early, as the process was killed, nothing else is taken
 * for FORGETs. One never straddles two pages. */
static inline void forget_mark(void *place)
{
    if (place)
        *(struct fuse_forget_one *)place = (struct fuse_forget_one){0};
}

/* Applies what the message says and was not applied, and ends it. */
void forget_received(struct server *server, struct arrival *arrival);

#endif
