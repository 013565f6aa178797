/* The far side of a follower (mapshare receive): a copy in a folder of a mount of its own, whose commits make it whole.
 *
 * The folder's .mapshare-follow has
 *     state   lines of NAME=VALUE: which commit of which source the copy is of, and whether it is complete
 *     files/  all regular files, under their ids; the copy's names are links to them
 *     names   what a batch does to names
 * All of these but the names themselves are atomic files. A batch is one commit of every file that it changed, the state and `names`; then names are
 * made, and those of the last batch are made again when it is not sure that all were (names.c). Where a batch is too large for one commit, the
 * state says that the copy is not complete until the last part.
 *
 * Nothing that comes is believed: ids are numbers, paths stay below the folder and no link in them is followed. Functions return 0, or -errno after a message. */
#ifndef CLI_RECEIVE_H
#define CLI_RECEIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "follow/wire.h"

#include "mapshare.h"

struct receive_file {
    struct wire_id id;
    struct mapshare *ms;
    uint64_t size;
};

struct receive {
    const char *name; /* of the folder */
    int root, control, files;
    struct wire wire;

    struct mapshare *state, *names;
    struct wire_id source, own; /* stores */
    struct wire_state done;
    struct wire_commit commit; /* of the last batch */
    uint64_t names_length;     /* of this batch until now */
    uint64_t failed;           /* names of the last batch */

    struct receive_file *open; /* the batch's, by id */
    size_t count, room;
    size_t current; /* of the last FILE; `count`: none */
    uint64_t bytes; /* since the last commit */
    size_t files_most;
    uint64_t bytes_most; /* for one commit */
};

#define RECEIVE_NAME_MAX 40

/* ---- the folder: place.c ---- */

/* The message. Returns the error. */
int receive_tell(const struct receive *receive, const char *what, int error);

void receive_file_name(const struct wire_id *id, char name[RECEIVE_NAME_MAX]);
/* Opens it; an empty one becomes one. */
int receive_open(struct receive *receive);
/* Whether the source is the one that it is a copy of, and not a file of it. */
int receive_begin(struct receive *receive, const struct wire_hello *hello);
/* Tells what there is, and drops files without a name. */
int receive_list(struct receive *receive);
int receive_write_state(struct receive *receive);
void receive_close(struct receive *receive);

/* ---- files: files.c ---- */

int receive_file(struct receive *receive, const struct wire_file *file);
int receive_data(struct receive *receive, uint64_t offset, const void *bytes, size_t length);
int receive_hole(struct receive *receive, const struct wire_range *range);
int receive_ask(struct receive *receive, const struct wire_ask *ask);
/* For so many bytes in the commit. Where there is none the batch is too large for one: until it has ended the copy has parts of it. */
int receive_make_room(struct receive *receive, uint64_t bytes);
/* One commit of all that has come since the last one. */
int receive_commit(struct receive *receive);
/* What has come since is not to be. */
void receive_roll_back(struct receive *receive);

/* ---- names: names.c ---- */

/* Keeps it, if it makes sense: to be done by receive_make_names. */
int receive_name(struct receive *receive, enum wire_kind kind, const unsigned char *bytes, size_t length);
int receive_make_names(struct receive *receive);

#endif
