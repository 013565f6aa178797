/* Bursts: an msync of many pages is as many WRITEs in a row, for which its client and the serving threads need all processors. Two ways to
 * wake nobody for nothing:
 *
 * The client, having sent its pages, waits for them one after the other, and would be woken for each, on a processor that is serving the next
 * ones. So one answer is delayed, and sent when no requests are left.
 *
 * Who delays an answer must not wait in the kernel for requests: they may be those of the client that waits for the answer. So meanwhile the
 * descriptor does not block, and a thread that delays none and finds no request sleeps for a moment: that is better, too, than to be woken for
 * each WRITE on the processor of the client that is sending them.
 */
#ifndef REQUEST_BURST_H
#define REQUEST_BURST_H

#include <linux/fuse.h>

#include "request/server.h"

struct write_answer {
    struct fuse_out_header header;
    struct fuse_write_out out;
};

#define MANY_WRITES 128
static inline bool burst_is_on(const struct server *server)
{
    return server->writes_in_row > MANY_WRITES;
}

/* The thread received a request. */
void burst_count(struct server *server, const struct fuse_in_header *header);
/* Of a WRITE: sent now, or amid a burst delayed by this thread. */
void burst_answer(struct server *server, const struct write_answer *answer);
/* What the thread delays is sent: before anything that may take long. */
void burst_release(struct server *server);
/* The thread found no request. */
void burst_pause(struct server *server);
/* A dead worker may have left the descriptor not blocking. */
void burst_set_blocking(int fd, bool blocking);

#endif
