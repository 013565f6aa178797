#include "config.h"

#include "request/group.h"

#include <errno.h>
#include <stdlib.h>

#include "file/commit.h"
#include "request/current.h"

#define GROUPS_MAX 256 /* of a user, being put together; beyond, the oldest was given up by its program */
#define GROUP_FILES_MAX 4096

struct group {
    struct group *next;
    uint64_t id;
    enum group_kind kind;
    uint32_t user; /* whose requests put it together: nobody else's add to it, or commit it */
    uint32_t count;
    struct {
        uint64_t handle;
        uint32_t file;
    } members[];
};

struct parked_commit {
    struct commit_waiter waiter;
    fuse_req_t request;
    struct mapshare_abi_commit in;
    uint32_t *files;
};

/* Its members' records were held since they were added. */
static void free_group(struct server *server, struct group *group)
{
    for (uint32_t i = 0; group && i < group->count; i++)
        file_put(&server->files, group->members[i].file);
    free(group);
}

/* Out of the list, of which each user's part stays bounded. The lock is held. */
static struct group *unlink_group(struct server *server, enum group_kind kind, uint64_t id)
{
    uint32_t length = 0, user = current_header()->uid;

    for (struct group **at = &server->groups; *at; at = &(*at)->next) {
        struct group *group = *at;
        bool is_it = group->id == id && group->kind == kind;

        if (group->user != user)
            continue;
        if (is_it || ++length == GROUPS_MAX) {
            *at = group->next;
            if (is_it)
                return group;
            free_group(server, group);
            break;
        }
    }
    return NULL;
}

int group_add(struct server *server, enum group_kind kind, uint64_t id, uint64_t handle, uint32_t file)
{
    struct group *group, *more;
    uint32_t count;
    int error = 0;

    pthread_mutex_lock(&server->group_lock);
    group = unlink_group(server, kind, id);
    count = group ? group->count : 0;
    more = count < GROUP_FILES_MAX ? realloc(group, sizeof *group + (count + 1) * sizeof group->members[0]) : NULL;
    if (more) {
        more->id = id;
        more->kind = kind;
        more->user = current_header()->uid;
        more->count = count + 1;
        more->members[count].handle = handle;
        more->members[count].file = file;
        server->joined[(uint32_t)handle] = 1;
        file_hold(&server->files, file);
        group = more;
    } else {
        error = -ENOMEM;
    }
    if (group) {
        group->next = server->groups;
        server->groups = group;
    }
    pthread_mutex_unlock(&server->group_lock);
    return error;
}

void group_leave(struct server *server, uint64_t handle)
{
    if (!server->joined[(uint32_t)handle])
        return;
    pthread_mutex_lock(&server->group_lock);
    server->joined[(uint32_t)handle] = 0;
    for (struct group **at = &server->groups; *at;) {
        struct group *group = *at;
        bool member = false;

        for (uint32_t i = 0; i < group->count; i++)
            member |= group->members[i].handle == handle;
        if (member) {
            *at = group->next;
            free_group(server, group);
        } else {
            at = &group->next;
        }
    }
    pthread_mutex_unlock(&server->group_lock);
}

int group_take(struct server *server, enum group_kind kind, uint64_t id, uint32_t count, uint32_t **files)
{
    struct group *group;

    pthread_mutex_lock(&server->group_lock);
    group = unlink_group(server, kind, id);
    pthread_mutex_unlock(&server->group_lock);
    *files = group && group->count == count ? calloc(count, sizeof **files) : NULL;
    for (uint32_t i = 0; i < count && *files; i++) {
        (*files)[i] = group->members[i].file;
        file_hold(&server->files, (*files)[i]);
    }
    free_group(server, group);
    return *files ? 0 : -ESTALE;
}

void group_give_back(struct server *server, uint32_t *files, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        file_put(&server->files, files[i]);
    free(files);
}

static void group_committed(struct commit_waiter *waiter, const struct commit_result *result)
{
    struct parked_commit *parked = (struct parked_commit *)waiter;
    struct timespec at = time_unpack(result->time);

    parked->in.sequence = result->sequence;
    parked->in.seconds = at.tv_sec;
    parked->in.nanoseconds = at.tv_nsec;
    group_give_back(server_of(parked->request), parked->files, parked->in.files);
    if (result->error)
        request_reply(parked->request, result->error == -EFBIG ? -ENOSPC : result->error);
    else
        fuse_reply_ioctl(parked->request, 0, &parked->in, sizeof parked->in);
    free(parked);
}

void group_commit(fuse_req_t request, struct server *server, const struct mapshare_abi_commit *in)
{
    struct parked_commit *parked = malloc(sizeof *parked);
    int error = parked ? 0 : -ENOMEM;
    uint32_t *files;

    if (!error)
        error = group_take(server, GROUP_TO_COMMIT, in->group, in->files, &files);
    if (error) {
        request_reply(request, error);
        free(parked);
        return;
    }
    *parked = (struct parked_commit){
        .waiter = {.files = files, .count = in->files, .done = group_committed}, .request = request, .in = *in, .files = files};
    commit_submit(&server->files, &parked->waiter, 1);
}
