/* The program at the other end: mapshare receive, here, or on another machine by a shell like ssh. */
#ifndef CLI_FOLLOW_REMOTE_H
#define CLI_FOLLOW_REMOTE_H

#include <sys/types.h>

struct remote {
    pid_t pid;
    int in, out;
};

/* 0 or -errno. `shell`: a command, NULL: the usual one. */
int remote_start(struct remote *remote, const char *destination, const char *shell);
/* What became of it, as of wait(2). */
int remote_end(struct remote *remote);

#endif
