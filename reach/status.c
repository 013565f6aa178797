#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "say.h"
#include "status.h"

#define LOOK_NANOSECONDS 50000000

/* Asks etcd for somebody who takes no part. */
struct asker {
    struct lease lease;
    struct record record;
};

static bool asker_open(struct asker *asker, const struct standby_options *options, int seconds)
{
    struct etcd *etcd = etcd_open(&options->etcd);

    *asker = (struct asker){.lease = {.etcd = etcd, .seconds = seconds},
                            .record = {.etcd = etcd, .name = options->name, .lease = &asker->lease}};
    return etcd;
}

static int fail(const struct asker *asker, int error)
{
    say("etcd: %s", error == -EIO ? etcd_why(asker->record.etcd) : strerror(-error));
    return STANDBY_FAILED;
}

static void print_text(const struct record_view *view)
{
    char since[64] = "";
    time_t seconds = (time_t)view->since;
    struct tm local;

    if (localtime_r(&seconds, &local))
        strftime(since, sizeof since, "%F %T", &local);
    if (view->held)
        printf("holder      %s\ngeneration  %" PRId64 "\nstate       %s\nsince       %s\n", view->holder, view->generation,
               view->state, since);
    else
        printf("holder      nobody\n");
    for (size_t i = 0; i < view->waiting_count; i++)
        printf("stands by   %s\n", view->waiting[i]);
    for (size_t i = 0; i < view->user_count; i++) {
        if (view->users[i].fenced)
            printf("fenced      %s by generation %" PRId64 "\n", view->users[i].host, view->users[i].fenced);
        else if (!view->held || strcmp(view->users[i].host, view->holder))
            printf("not fenced  %s, which may have it open\n", view->users[i].host);
    }
    if (view->wanted)
        printf("wanted      %s\n", view->to[0] ? view->to : "another");
}

static json_object *text_or_null(bool known, const char *text)
{
    return known ? json_object_new_string(text) : NULL;
}

static void print_json(const struct record_view *view)
{
    json_object *object = json_object_new_object(), *waiting = json_object_new_array(), *users = json_object_new_array();

    json_object_object_add(object, "holder", text_or_null(view->held, view->holder));
    json_object_object_add(object, "generation", json_object_new_int64(view->generation));
    json_object_object_add(object, "state", text_or_null(view->held, view->state));
    json_object_object_add(object, "since", json_object_new_int64(view->since));
    for (size_t i = 0; i < view->waiting_count; i++)
        json_object_array_add(waiting, json_object_new_string(view->waiting[i]));
    json_object_object_add(object, "waiting", waiting);
    for (size_t i = 0; i < view->user_count; i++) {
        json_object *user = json_object_new_object();

        json_object_object_add(user, "host", json_object_new_string(view->users[i].host));
        json_object_object_add(user, "fenced", json_object_new_int64(view->users[i].fenced));
        json_object_array_add(users, user);
    }
    json_object_object_add(object, "users", users);
    json_object_object_add(object, "wanted", text_or_null(view->wanted, view->to));
    puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
    json_object_put(object);
}

int status_print(const struct standby_options *options, bool json)
{
    struct record_view view;
    struct asker asker;
    int result;

    if (!asker_open(&asker, options, options->patience_seconds))
        return STANDBY_FAILED;
    result = record_look(&asker.record, &view);
    if (result)
        result = fail(&asker, result);
    else if (json)
        print_json(&view);
    else
        print_text(&view);
    etcd_close(asker.record.etcd);
    return result;
}

/* ---- the switch ---- */

static bool may_switch(const struct record_view *view, const char *to)
{
    bool waits = view->waiting_count > 0 && !*to;

    for (size_t i = 0; i < view->waiting_count; i++)
        waits |= !strcmp(view->waiting[i], to);
    if (!view->held)
        say("nobody has the store: there is nothing to hand over");
    else if (!strcmp(view->holder, to))
        say("%s has the store already", to);
    else if (!waits)
        say("%s stands by; the holder stays", *to ? "that host does not" : "nobody");
    return view->held && strcmp(view->holder, to) && waits;
}

/* Until another serves. -EBUSY: the holder keeps it. */
static int await_switch(struct asker *asker, const char *from)
{
    static const struct timespec pause = {.tv_nsec = LOOK_NANOSECONDS};
    int64_t until = etcd_clock() + (int64_t)asker->lease.seconds * 1000, began = etcd_clock(), free_at = 0;
    struct record_view view;
    int result;

    while ((result = record_look(&asker->record, &view)) == 0 && etcd_clock() < until) {
        bool same = view.held && !strcmp(view.holder, from);

        if (!same && !free_at)
            free_at = etcd_clock();
        if (view.held && !same && !strcmp(view.state, "serving")) {
            printf("%s serves, generation %" PRId64 ": asked %" PRId64 " ms ago, %" PRId64 " ms after %s had left\n", view.holder,
                   view.generation, etcd_clock() - began, etcd_clock() - free_at, from);
            return 0;
        }
        if (same && !view.wanted)
            return -EBUSY;
        nanosleep(&pause, NULL);
    }
    return result ?: -ETIMEDOUT;
}

int status_switch(const struct standby_options *options, const char *to)
{
    struct record_view view;
    struct asker asker;
    int result;

    if (!asker_open(&asker, options, options->patience_seconds))
        return STANDBY_FAILED;
    result = record_look(&asker.record, &view);
    if (!result && !may_switch(&view, to))
        result = -EPERM;
    if (!result)
        result = lease_begin(&asker.lease);
    if (!result)
        result = record_want(&asker.record, view.holder, to);
    if (!result)
        result = await_switch(&asker, view.holder);
    if (result == -EBUSY)
        say("%s keeps the store: programs use it still; see what it says", view.holder);
    else if (result == -ETIMEDOUT)
        say("nobody else serves within %d seconds; --status tells more", options->patience_seconds);
    else if (result && result != -EPERM) /* why not is said */
        fail(&asker, result);
    lease_end(&asker.lease);
    etcd_close(asker.record.etcd);
    return result ? STANDBY_FAILED : STANDBY_DONE;
}
