#include "config.h"

#include "request/intent.h"

#include "request/effects.h"

struct intent *intent_begin(struct server *server, uint64_t inode, bool *tried)
{
    struct intent *intent = &effects_begin(server)->intent;

    *tried = intent->begun;
    if (!*tried) {
        intent->inode = inode;
        atomic_store(&intent->begun, 1);
    }
    return intent;
}
