/* A daemon for tests of the library off the mount: linked with -Wl,--wrap=ioctl, it answers the library's ioctls itself. */
#ifndef FAKE_DAEMON_H
#define FAKE_DAEMON_H

#include <stdbool.h>
#include <stddef.h>

#include "mapshare-abi.h"

#define FAKE_MOST 512

struct fake_daemon {
    bool is_there;   /* false: ENOTTY, as off the mount */
    int stale_left;  /* so many commits fail with ESTALE, as after the death of a worker */
    int fail_join;   /* errno of the next join, 0: none */
    int fail_commit; /* errno of each commit, 0: none */
    bool kernel_known;
    struct mapshare_abi_info info;
    struct mapshare_abi_run runs[FAKE_MOST];
    size_t run_count;
    size_t per_answer; /* runs a time */
    /* What it was asked. */
    uint64_t groups[FAKE_MOST];
    int joined[FAKE_MOST];
    size_t join_count;
    size_t commit_count;
    size_t wait_count;
    struct mapshare_abi_wait last_wait;
    size_t mapped_count;
};

extern struct fake_daemon fake;

int __real_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, void *argument);

#endif
