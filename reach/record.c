#include "config.h"

#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "say.h"

#define KEY_MAX 256
#define VALUE_MAX 512

static const char *key_of(const struct record *record, const char *what, const char *host, char key[KEY_MAX])
{
    snprintf(key, KEY_MAX, "mapshare/%s/%s%s", record->name, what, host);
    return key;
}

static int64_t patience_ends(const struct record *record)
{
    int64_t end = etcd_clock() + (int64_t)record->lease->seconds * 1000;

    return record->generation && record->lease->deadline < end ? record->lease->deadline : end;
}

static int transact(const struct record *record, json_object *compare, json_object *success, json_object **answer)
{
    return etcd_transact(record->etcd, compare, success, NULL, lease_patience(record->lease), patience_ends(record), answer);
}

/* Nothing of its answer is needed but whether it was done. */
static int change(const struct record *record, json_object *compare, json_object *success)
{
    json_object *answer;
    int result = transact(record, compare, success, &answer);

    if (!result && !etcd_succeeded(answer))
        result = -EBUSY;
    json_object_put(answer);
    return result;
}

static json_object *while_holder(const struct record *record)
{
    char key[KEY_MAX];

    return etcd_list(etcd_if_created(key_of(record, "holder", "", key), record->generation), NULL);
}

/* ---- values ---- */

static const char *text_of_user(char value[VALUE_MAX], int64_t generation, int64_t fenced)
{
    snprintf(value, VALUE_MAX, "{\"generation\": %lld, \"fenced\": %lld}", (long long)generation, (long long)fenced);
    return value;
}

static const char *text_of_holder(const struct record *record, const char *state, char value[VALUE_MAX])
{
    snprintf(value, VALUE_MAX, "{\"host\": \"%s\", \"state\": \"%s\", \"since\": %lld}", record->host, state,
             (long long)time(NULL));
    return value;
}

static void copy_text(const json_object *object, const char *name, char *text, size_t size)
{
    json_object *value;

    snprintf(text, size, "%s", json_object_object_get_ex(object, name, &value) ? json_object_get_string(value) : "");
}

/* The last part of the key. */
static void copy_host(const struct etcd_entry *entry, char host[RECORD_HOST + 1])
{
    const char *slash = strrchr(entry->key, '/');

    snprintf(host, RECORD_HOST + 1, "%.64s", slash ? slash + 1 : "");
}

/* ---- looking ---- */

static void read_holder(const struct etcd_entry *entry, struct record_view *view)
{
    json_object *value = json_tokener_parse(entry->value);

    view->held = true;
    view->generation = entry->created;
    view->lease = entry->lease;
    view->since = etcd_number(value, "since");
    copy_text(value, "host", view->holder, sizeof view->holder);
    copy_text(value, "state", view->state, sizeof view->state);
    json_object_put(value);
}

static void read_wanted(const struct etcd_entry *entry, struct record_view *view)
{
    json_object *value = json_tokener_parse(entry->value);

    view->wanted = true;
    copy_text(value, "from", view->from, sizeof view->from);
    copy_text(value, "to", view->to, sizeof view->to);
    json_object_put(value);
}

static void read_user(const struct etcd_entry *entry, struct record_user *user)
{
    json_object *value = json_tokener_parse(entry->value);

    copy_host(entry, user->host);
    user->changed = entry->changed;
    user->generation = etcd_number(value, "generation");
    user->fenced = etcd_number(value, "fenced");
    json_object_put(value);
}

/* More users than there is room for must not be overlooked. */
static int read_view(const json_object *answer, struct record_view *view)
{
    struct etcd_entry entry;

    *view = (struct record_view){0};
    if (etcd_entry(answer, 0, 0, &entry))
        read_holder(&entry, view);
    if (etcd_entry(answer, 1, 0, &entry))
        read_wanted(&entry, view);
    while (etcd_entry(answer, 2, view->user_count, &entry)) {
        if (view->user_count == RECORD_USERS)
            return -E2BIG;
        read_user(&entry, &view->users[view->user_count++]);
    }
    while (view->waiting_count < RECORD_USERS && etcd_entry(answer, 3, view->waiting_count, &entry))
        copy_host(&entry, view->waiting[view->waiting_count++]);
    return 0;
}

int record_look(const struct record *record, struct record_view *view)
{
    char holder[KEY_MAX], wanted[KEY_MAX], users[KEY_MAX], waiting[KEY_MAX];
    json_object *answer;
    int result = transact(record, NULL,
                          etcd_list(etcd_get(key_of(record, "holder", "", holder)), etcd_get(key_of(record, "wanted", "", wanted)),
                                    etcd_get_below(key_of(record, "user/", "", users)),
                                    etcd_get_below(key_of(record, "waiting/", "", waiting)), NULL),
                          &answer);

    if (!result)
        result = read_view(answer, view);
    json_object_put(answer);
    return result;
}

const struct record_user *record_user(const struct record_view *view, const char *host)
{
    for (size_t i = 0; i < view->user_count; i++) {
        if (!strcmp(view->users[i].host, host))
            return &view->users[i];
    }
    return NULL;
}

/* ---- changing ---- */

int record_wait(const struct record *record)
{
    char key[KEY_MAX];

    return change(record, NULL, etcd_list(etcd_put(key_of(record, "waiting/", record->host, key), "{}", record->lease->id), NULL));
}

int record_campaign(struct record *record)
{
    char holder[KEY_MAX], user[KEY_MAX], waiting[KEY_MAX], value[VALUE_MAX], used[VALUE_MAX];
    json_object *answer;
    int result;

    key_of(record, "holder", "", holder);
    key_of(record, "user/", record->host, user);
    result = transact(record, etcd_list(etcd_if_created(holder, 0), etcd_if_created(user, 0), NULL),
                      etcd_list(etcd_put(holder, text_of_holder(record, "taking over", value), record->lease->id),
                                etcd_put(user, text_of_user(used, 0, 0), 0),
                                etcd_delete(key_of(record, "waiting/", record->host, waiting)), NULL),
                      &answer);
    if (!result && etcd_succeeded(answer))
        record->generation = etcd_revision(answer);
    else if (!result)
        result = -EBUSY;
    json_object_put(answer);
    return result;
}

int record_tell(const struct record *record, const char *state)
{
    char holder[KEY_MAX], user[KEY_MAX], value[VALUE_MAX], used[VALUE_MAX];

    return change(record, while_holder(record),
                  etcd_list(etcd_put(key_of(record, "holder", "", holder), text_of_holder(record, state, value), record->lease->id),
                            etcd_put(key_of(record, "user/", record->host, user), text_of_user(used, record->generation, 0), 0),
                            NULL));
}

int record_fenced(const struct record *record, const char *host)
{
    char key[KEY_MAX], value[VALUE_MAX];

    return change(record, while_holder(record),
                  etcd_list(etcd_put(key_of(record, "user/", host, key), text_of_user(value, 0, record->generation), 0), NULL));
}

int record_leave(const struct record *record)
{
    char user[KEY_MAX];

    return change(record, while_holder(record), etcd_list(etcd_delete(key_of(record, "user/", record->host, user)), NULL));
}

int record_proved(const struct record *record, const struct record_user *user)
{
    char key[KEY_MAX];

    key_of(record, "user/", user->host, key);
    return change(record, etcd_list(etcd_if_changed(key, user->changed), NULL), etcd_list(etcd_delete(key), NULL));
}

int record_want(const struct record *record, const char *from, const char *to)
{
    char key[KEY_MAX], value[VALUE_MAX];

    snprintf(value, sizeof value, "{\"from\": \"%s\", \"to\": \"%s\"}", from, to);
    return change(record, NULL, etcd_list(etcd_put(key_of(record, "wanted", "", key), value, record->lease->id), NULL));
}

int record_want_nothing(const struct record *record)
{
    char key[KEY_MAX];

    return change(record, NULL, etcd_list(etcd_delete(key_of(record, "wanted", "", key)), NULL));
}
