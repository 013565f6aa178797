#include "config.h"

#include "request/parked_write.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "request/attribute.h"
#include "request/burst.h"
#include "request/current.h"

#define PARKED_MAX (16u << 20) /* bytes: far fewer requests than would keep the kernel from sending others */
#define PATIENCE 10000000000ll /* ten seconds */

struct parked_write {
    struct parked_write *next;
    uint64_t unique, offset;
    uint32_t inode, file, size; /* size: of the request */
    uint32_t left;              /* bytes not taken yet: the last ones */
    int64_t since, deadline;
    unsigned char bytes[];
};

bool write_park(struct server *server, uint32_t inode, uint32_t file, const struct fuse_write_in *in, size_t done)
{
    uint32_t left = in->size - done;
    struct parked_write *parked = NULL;
    int64_t now = clock_nanoseconds();

    pthread_mutex_lock(&server->wait_lock);
    if (server->parked_bytes + left <= PARKED_MAX)
        parked = malloc(sizeof *parked + left);
    if (parked) {
        *parked = (struct parked_write){
            .next = server->parked,
            .unique = current_header()->unique,
            .offset = in->offset + done,
            .inode = inode,
            .file = file,
            .size = in->size,
            .left = left,
            .since = now,
            .deadline = now + PATIENCE,
        };
        file_copy_received(&server->files, parked->bytes, &current()->bytes, done, left);
        inode_hold(&server->inodes, inode);
        server->parked = parked;
        server->parked_bytes += left;
        pthread_cond_signal(&server->tick);
    }
    pthread_mutex_unlock(&server->wait_lock);
    return parked != NULL;
}

static void answer(struct server *server, const struct parked_write *parked, int error)
{
    struct write_answer answer = {
        .header = {.len = error ? sizeof answer.header : sizeof answer, .error = error, .unique = parked->unique},
        .out.size = parked->size};

    latency_add(&server->arena.header->stalls, (uint64_t)parked->since);
    if (write(fuse_session_fd(server->session), &answer, answer.header.len) < 0)
        return; /* the mount is gone */
}

/* True when it is answered. */
static bool retry(struct server *server, struct parked_write *parked)
{
    struct received data = {.rest = parked->bytes};
    size_t from = 0;
    ssize_t n = 1;
    uint32_t flags = server->arena.files[parked->file].flags, begun;

    begun = attribute_change_begin(server, parked->inode);
    while (from < parked->left && n > 0) {
        n = file_write(&server->files, parked->file, &data, parked->left - from, parked->offset + from, WRITE_PARKED);
        from += n > 0 ? n : 0;
        data.rest += n > 0 ? n : 0;
    }
    attribute_change_end(server, parked->inode, begun);
    if (from == parked->left || n == -EUCLEAN) {
        answer(server, parked, n == -EUCLEAN ? n : 0);
        return true;
    }
    if (!(flags & FILE_ATOMIC) || (clock_nanoseconds() < parked->deadline && !(flags & FILE_TORN)))
        return false; /* what was taken is taken again: the bytes are the same; of a torn file none is worth waiting for */
    file_tear(&server->files, parked->file);
    answer(server, parked, -ENOSPC);
    return true;
}

void write_retry_parked(struct server *server)
{
    struct parked_write *list, *next;

    pthread_mutex_lock(&server->wait_lock);
    list = server->parked;
    server->parked = NULL;
    pthread_mutex_unlock(&server->wait_lock);
    for (; list; list = next) {
        bool answered = retry(server, list);

        next = list->next;
        if (answered)
            inode_put(&server->inodes, list->inode);
        pthread_mutex_lock(&server->wait_lock);
        if (answered) {
            server->parked_bytes -= list->left;
            free(list);
        } else {
            list->next = server->parked;
            server->parked = list;
        }
        pthread_mutex_unlock(&server->wait_lock);
    }
}
