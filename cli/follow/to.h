/* A follower (mapshare follow --to): keeps a copy of a mount elsewhere up to date, batch by batch, each as of one commit.
 *
 * What files have is known by the feed of commits: a batch is the pages that it names, read from a snapshot. Names are not in the feed: they are listed
 * anew from time to time, and compared (tree.h). Where the feed has lost something, or the copy is not whole, contents are compared by hashes.
 * What is to be sent is worked out anew at each connection, from what the far side has (receive.h): nothing is kept here. */
#ifndef CLI_FOLLOW_TO_H
#define CLI_FOLLOW_TO_H

#include "backup/parts.h"
#include "command.h"
#include "follow/dirty.h"
#include "follow/tree.h"

struct follow_batch {
    uint64_t sequence;    /* of the copy */
    struct timespec time; /* what was committed before is in the copy */
    uint64_t files, bytes, names, failed;
    uint64_t behind; /* commits that the copy does not have */
    int64_t behind_milliseconds;
};

struct follow {
    const char *destination;
    struct backup_parts parts;
    int root; /* of the mount */
    struct wire_id source;
    size_t files_most; /* of a batch */

    /* of a connection */
    struct wire wire;
    struct feed_reader reader;
    struct tree theirs;       /* what the far side has */
    struct dirty dirty, next; /* what it does not have: commits up to `split`, later ones */
    uint64_t split;
    bool whole;              /* anything may differ */
    bool wants_walk;         /* there are names that are not known */
    int64_t walked, walking; /* names: when, and how long it took, milliseconds */
    int broken;              /* snapshots that ended too early, one after the other */
    struct follow_batch done;
};

enum exit_status follow_to(const struct arguments *arguments);

#endif
