/* A lease of etcd's, renewed in time. Whoever holds the store by it must have stopped before anybody else can have it: a third of its time before
 * etcd ends it, by the clock that runs while the machine sleeps. */
#ifndef REACH_LEASE_H
#define REACH_LEASE_H

#include "etcd.h"

struct lease {
    struct etcd *etcd;
    int seconds;      /* its time */
    int64_t id;       /* 0: none */
    int64_t deadline; /* etcd_clock: from then on it does not count */
    int64_t renew_at;
};

int lease_begin(struct lease *lease);
/* To be called often: renews it when that is due. -ETIME: it does not count any more. The clock is looked at before anything is sent, and after:
 * who was frozen learns of that here. */
int lease_keep(struct lease *lease);
/* What hangs on it ends with it. */
void lease_end(struct lease *lease);
/* Milliseconds for one question to one endpoint. */
int lease_patience(const struct lease *lease);

#endif
