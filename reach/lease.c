#include "config.h"

#include "lease.h"

#include <errno.h>
#include <stdbool.h>

#include "say.h"

static int64_t life(const struct lease *lease)
{
    return (int64_t)lease->seconds * 1000;
}

int lease_patience(const struct lease *lease)
{
    return (int)(life(lease) / 4);
}

/* Its time began when the question was sent at the latest. */
static void counts_from(struct lease *lease, int64_t sent)
{
    lease->deadline = sent + life(lease) * 2 / 3;
    lease->renew_at = sent + life(lease) / 6;
}

static json_object *named(const char *name, int64_t number)
{
    json_object *object = json_object_new_object();

    json_object_object_add(object, name, json_object_new_int64(number));
    return object;
}

int lease_begin(struct lease *lease)
{
    int64_t sent = etcd_clock();
    json_object *answer;
    int result =
        etcd_post(lease->etcd, "/v3/lease/grant", named("TTL", lease->seconds), lease_patience(lease), sent + life(lease), &answer);

    if (result)
        return result;
    lease->id = etcd_number(answer, "ID");
    if (etcd_number(answer, "TTL") > lease->seconds) /* etcd has a least one */
        lease->seconds = (int)etcd_number(answer, "TTL");
    counts_from(lease, sent);
    json_object_put(answer);
    return lease->id ? 0 : -EIO;
}

static bool is_over(const struct lease *lease)
{
    return etcd_clock() >= lease->deadline;
}

int lease_keep(struct lease *lease)
{
    int64_t sent = etcd_clock();
    json_object *answer, *inner;
    int result;

    if (is_over(lease))
        return -ETIME;
    if (sent < lease->renew_at)
        return 0;
    result = etcd_post(lease->etcd, "/v3/lease/keepalive", named("ID", lease->id), lease_patience(lease), lease->deadline, &answer);
    if (result == -EIO) {
        lease->renew_at = etcd_clock() + life(lease) / 12;
    } else if (!result && json_object_object_get_ex(answer, "result", &inner) && etcd_number(inner, "TTL") > 0) {
        counts_from(lease, sent);
    } else if (result != -ETIME) {
        say("etcd does not know the lease any more");
        lease->deadline = 0;
    }
    json_object_put(answer);
    return is_over(lease) ? -ETIME : 0;
}

void lease_end(struct lease *lease)
{
    json_object *answer;

    if (lease->id && !etcd_post(lease->etcd, "/v3/lease/revoke", named("ID", lease->id), lease_patience(lease),
                                etcd_clock() + life(lease), &answer))
        json_object_put(answer);
    lease->id = 0;
}
