/* What the worker dies under: operations of a client, each done on the mount and on a plain folder, which must then be alike. */
#ifndef DEATH_OPERATIONS_H
#define DEATH_OPERATIONS_H

#include <stdbool.h>
#include <sys/types.h>

struct operation {
    const char *name;
    void (*prepare)(void); /* in the folder, before points are counted */
    void (*operate)(void);
    const char *options;  /* of the mount, for this operation */
    unsigned descriptors; /* limit of the daemon's; 0: as it is */
    unsigned stride;      /* of how many points one is tried where time is short; 0: as of most */
    bool at_unmount;      /* points are counted until the daemon's end */
    bool volatile_end;    /* what it leaves is not all synced: a crash of all processes may lose some */
};

extern const struct operation operations[];

/* locks.c */
void operate_on_locks(void);
/* feed.c; of a file that is committed */
void operate_on_feed(int fd);
/* two.c; of files that are committed */
void operate_on_two(int fds[2]);

/* What an operation may ask about where it runs. */
struct place {
    bool on_mount;
    pid_t worker;
    const char *mountpoint;
};
extern struct place place;

#endif
