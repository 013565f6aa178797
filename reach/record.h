/* What etcd has of a store, below mapshare/NAME/:
 *
 *   holder         {host, state, since}  hangs on the holder's lease. The revision that created it is the generation.
 *   user/HOST      {generation, fenced}  no lease: HOST may have the store open, from before it touches it until it has proved that it has not. With
 *                                        `fenced`, the number of the generation that shut it out.
 *   waiting/HOST   {}                    hangs on a stand-by's lease
 *   wanted         {from, to}            somebody asked for another holder; hangs on a lease of the asker's
 *
 * So whoever becomes holder finds everyone who could still write, also where several holders died one after the other amid taking over. */
#ifndef REACH_RECORD_H
#define REACH_RECORD_H

#include "lease.h"

#define RECORD_HOST 64
#define RECORD_USERS 32

struct record {
    struct etcd *etcd;
    const char *name;
    const char *host; /* ours */
    struct lease *lease;
    int64_t generation; /* while we hold the store */
};

struct record_user {
    char host[RECORD_HOST + 1];
    int64_t generation, fenced, changed;
};

struct record_view {
    bool held, wanted;
    char holder[RECORD_HOST + 1], state[32];
    int64_t generation, since, lease;
    char from[RECORD_HOST + 1], to[RECORD_HOST + 1]; /* of what is wanted; an empty `to` is anybody */
    struct record_user users[RECORD_USERS];
    size_t user_count;
    char waiting[RECORD_USERS][RECORD_HOST + 1];
    size_t waiting_count;
};

/* All are 0 or -errno as etcd_post's. -EBUSY: it is as somebody else changed it meanwhile. */
int record_look(const struct record *record, struct record_view *view);
const struct record_user *record_user(const struct record_view *view, const char *host);

/* We stand by. */
int record_wait(const struct record *record);
/* Becomes the holder, and a user; nothing is done where there is a holder, or where we are a user already (-EBUSY). */
int record_campaign(struct record *record);
int record_tell(const struct record *record, const char *state);
/* This user is to be shut out; said before it is done. */
int record_fenced(const struct record *record, const char *host);
/* We do not have the store open any more: as holder, or, `user` being what was seen, as one who has proved it. */
int record_leave(const struct record *record);
int record_proved(const struct record *record, const struct record_user *user);

int record_want(const struct record *record, const char *from, const char *to);
int record_want_nothing(const struct record *record);

#endif
