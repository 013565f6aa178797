/* What a follower and its far side say to each other (to.h, receive/receive.h): messages, each a kind, a length and so many bytes.
 *
 * The follower begins with HELLO. The far side tells which files and names it has (ID, NAME) and up to which commit (STATE). Then batches follow, each
 * as of one commit:
 *     BEGIN; what names become (DROP, ENTRY, GONE), to be done last and in this order; what files get (FILE, then DATA and HOLE of it); COMMIT
 * which is answered by DONE when it is durable there. ASK may be anywhere before COMMIT; it is answered by HASHES. PING says that there is somebody.
 * A batch that is begun again has all that it had before. Both machines have one order of bytes. */
#ifndef CLI_FOLLOW_WIRE_H
#define CLI_FOLLOW_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum wire_kind {
    WIRE_HELLO = 1, /* struct wire_hello */
    WIRE_ID,        /* struct wire_id */
    WIRE_NAME,      /* a path */
    WIRE_STATE,     /* struct wire_state */
    WIRE_BEGIN,
    WIRE_DROP,  /* a path */
    WIRE_ENTRY, /* struct wire_entry, the path, the target of a link, attributes (attributes.h) */
    WIRE_GONE,  /* struct wire_id: it has no name any more */
    WIRE_FILE,  /* struct wire_file: what follows is of it */
    WIRE_DATA,  /* eight bytes of offset, and what is there */
    WIRE_HOLE,  /* struct wire_range: zeros */
    WIRE_ASK,   /* struct wire_ask */
    WIRE_HASHES,
    WIRE_COMMIT, /* struct wire_commit */
    WIRE_DONE,   /* struct wire_done */
    WIRE_PING,
};

#define WIRE_MAGIC "mapshare"
#define WIRE_ORDER 0x01020304u
#define WIRE_VERSION 1u
#define WIRE_MOST ((size_t)2 << 20)     /* bytes of a message */
#define WIRE_BLOCK ((size_t)64 << 10)   /* has one hash (XXH3, 128 bits); DATA and HOLE are of no more */
#define WIRE_PIECE ((uint64_t)16 << 20) /* ASK is of no more */
#define WIRE_PING_SECONDS 10
#define WIRE_SILENCE_SECONDS 60 /* then the follower is taken for gone */

/* Of a file, for ever (inode number and generation of the mount). */
struct wire_id {
    uint64_t inode, generation;
};

struct wire_hello {
    char magic[8];
    uint32_t order, version;
    struct wire_id source; /* the store */
};

struct wire_state {
    uint64_t sequence; /* of the last batch; 0: none */
    uint32_t complete; /* 0: files have parts of another one */
    uint32_t reserved;
};

struct wire_entry {
    uint32_t mode, uid, gid;
    uint32_t path_length, target_length, attributes_length;
    uint64_t device;   /* of a special file */
    struct wire_id id; /* of a regular file */
    int64_t seconds;   /* mtime */
    int64_t nanoseconds;
};

struct wire_file {
    struct wire_id id;
    uint64_t size;
};

struct wire_range {
    uint64_t offset, length;
};

struct wire_ask {
    struct wire_id id;
    struct wire_range range;
};

struct wire_commit {
    uint64_t sequence;
    int64_t seconds; /* what was committed before is in it */
    int64_t nanoseconds;
};

struct wire_done {
    uint64_t sequence;
    uint64_t failed; /* names that could not be made as they are */
};

struct wire {
    int in, out;
    int64_t sent; /* when something was sent last (clock_seconds) */
    int patience; /* milliseconds to wait for a message; -1: for ever */
    size_t used;
    unsigned char *buffer;  /* to be sent */
    unsigned char *message; /* WIRE_MOST bytes and a 0: the last one that came */
};

int wire_begin(struct wire *wire, int in, int out);
void wire_end(struct wire *wire);

struct wire_part {
    const void *bytes;
    size_t length;
};

/* 0 or -errno. It may be sent later, with what follows. */
int wire_send_parts(struct wire *wire, enum wire_kind kind, const struct wire_part *parts, size_t count);
int wire_send(struct wire *wire, enum wire_kind kind, const void *bytes, size_t length);
int wire_flush(struct wire *wire);
/* Says that we live, where nothing was sent for a while. */
int wire_ping(struct wire *wire);

/* Sends what is to be sent, and waits. Returns the kind; 0: the other side has ended; -ETIMEDOUT; -EPROTO; -errno. */
int wire_receive(struct wire *wire, size_t *length);
/* The same where one kind, of so many bytes, is the only answer: 0, or -EPIPE where the other side has ended. */
int wire_expect(struct wire *wire, enum wire_kind kind, void *bytes, size_t length);

static inline int wire_id_compare(const struct wire_id *a, const struct wire_id *b)
{
    int by_inode = (a->inode > b->inode) - (a->inode < b->inode);

    return by_inode ? by_inode : (a->generation > b->generation) - (a->generation < b->generation);
}

#endif
