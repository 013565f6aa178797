#include "config.h"

#include "request/intent.h"

#include "request/current.h"

struct intent *intent_begin(struct server *server, uint64_t inode, bool *tried)
{
    uint64_t unique = current_header()->unique;
    struct intent *intents = server->arena.header->intents;
    uint64_t none = 0;

    *tried = false;
    for (int i = 0; i < INTENT_MAX && unique & RESENT; i++) {
        if (intents[i].unique == (unique & ~RESENT)) {
            *tried = true;
            return &intents[i];
        }
    }
    for (int i = 0; i < INTENT_MAX; i++, none = 0) {
        if (atomic_compare_exchange_strong(&intents[i].unique, &none, unique & ~RESENT)) {
            intents[i].inode = inode;
            return &intents[i];
        }
    }
    return NULL; /* more dead workers' requests than slots: only a death now would show it */
}

void intent_end(struct intent *intent)
{
    if (intent) {
        intent->inode = 0; /* or the next one here, killed before it set its own, would find it */
        atomic_store(&intent->unique, 0);
    }
}
