/* Changing a name in the store, so that nobody meanwhile goes by it, and the journal knows of it where it has commits. */
#ifndef REQUEST_CHANGE_H
#define REQUEST_CHANGE_H

#include "journal/journal.h"
#include "request/spot.h"

struct change {
    enum journal_change what;
    const struct spot *from, *to; /* `to` may be NULL */
    uint32_t owner;               /* JOURNAL_OWNER's */
    bool recorded;
};

/* Between these two the change is made in the store, and places are changed. On failure nothing is begun. */
int change_begin(struct server *server, struct change *change);
void change_end(struct server *server, const struct change *change, bool made);

#endif
