/* etcd's version 3 interface over its JSON gateway: one request at a time, each bounded in time, to the first of the endpoints that answers. */
#ifndef REACH_ETCD_H
#define REACH_ETCD_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#define ETCD_ENDPOINTS 16

struct etcd_options {
    const char *endpoints;              /* URLs, separated by commas */
    const char *ca, *certificate, *key; /* files, or NULL */
};

struct etcd;

/* NULL after a message. */
struct etcd *etcd_open(const struct etcd_options *options);
void etcd_close(struct etcd *etcd);

/* By the clock that also runs while the machine sleeps. */
int64_t etcd_clock(void);

/* Posts `body`, which is released, and gives the answer. Every endpoint is tried once, for `patience` milliseconds at most, and none after `until`
 * (etcd_clock). 0; -ETIME: until is over; -EIO: nobody answered, etcd_why tells. -ENOENT: etcd says that there is no such thing (a lease). */
int etcd_post(struct etcd *etcd, const char *path, json_object *body, int patience, int64_t until, json_object **answer);
const char *etcd_why(const struct etcd *etcd);

/* ---- the parts of a transaction ---- */

/* What must hold: the key was created by the transaction of this revision, by none (0). */
json_object *etcd_if_created(const char *key, int64_t revision);
/* ... or was changed last by it. */
json_object *etcd_if_changed(const char *key, int64_t revision);
json_object *etcd_put(const char *key, const char *value, int64_t lease);
json_object *etcd_get(const char *key);
/* All keys that begin so. */
json_object *etcd_get_below(const char *prefix);
json_object *etcd_delete(const char *key);
/* An array of what follows, up to NULL. */
json_object *etcd_list(json_object *first, ...);
/* The three lists are released; any may be NULL. */
int etcd_transact(struct etcd *etcd, json_object *compare, json_object *success, json_object *failure, int patience, int64_t until,
                  json_object **answer);

/* ---- what is in an answer ---- */

struct etcd_entry {
    char key[256], value[512];
    int64_t created, changed, lease;
};

/* A number, which the gateway gives as a string; 0 where there is none. */
int64_t etcd_number(const json_object *object, const char *name);
bool etcd_succeeded(const json_object *answer);
int64_t etcd_revision(const json_object *answer);
/* Entry `index` of the transaction's response number `response`. False: there is none. */
bool etcd_entry(const json_object *answer, size_t response, size_t index, struct etcd_entry *entry);

#endif
