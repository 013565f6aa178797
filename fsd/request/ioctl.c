/* What the library asks of a file through its descriptor: state, commits over several files, waiting for a commit. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "file/status.h"
#include "mapshare-abi.h"
#include "request/request.h"

#define GROUPS_MAX 1024 /* being put together; beyond, the oldest was given up by its program */
#define GROUP_FILES_MAX 4096

/* ---- commits over several files ---- */

struct group {
    struct group *next;
    uint64_t id;
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
    uint32_t files[];
};

/* Its members' records were held since they joined. */
static void free_group(struct server *server, struct group *group)
{
    for (uint32_t i = 0; group && i < group->count; i++)
        file_put(&server->files, group->members[i].file);
    free(group);
}

/* Out of the list, whose length stays bounded. The lock is held. */
static struct group *take_group(struct server *server, uint64_t id)
{
    uint32_t length = 0;

    for (struct group **at = &server->groups; *at; at = &(*at)->next, length++) {
        struct group *group = *at;

        if (group->id == id || length == GROUPS_MAX) {
            *at = group->next;
            if (group->id == id)
                return group;
            free_group(server, group);
            break;
        }
    }
    return NULL;
}

static int join(struct server *server, uint64_t id, uint64_t handle, uint32_t file)
{
    struct group *group, *more;
    uint32_t count;
    int error = 0;

    pthread_mutex_lock(&server->group_lock);
    group = take_group(server, id);
    count = group ? group->count : 0;
    more = count < GROUP_FILES_MAX ? realloc(group, sizeof *group + (count + 1) * sizeof group->members[0]) : NULL;
    if (more) {
        more->id = id;
        more->count = count + 1;
        more->members[count].handle = handle;
        more->members[count].file = file;
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

void request_leave_groups(struct server *server, uint64_t handle)
{
    pthread_mutex_lock(&server->group_lock);
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

static void group_committed(struct commit_waiter *waiter, const struct commit_result *result)
{
    struct parked_commit *parked = (struct parked_commit *)waiter;
    struct timespec at = time_unpack(result->time);

    parked->in.sequence = result->sequence;
    parked->in.seconds = at.tv_sec;
    parked->in.nanoseconds = at.tv_nsec;
    if (result->error)
        request_reply(parked->request, result->error == -EFBIG ? -ENOSPC : result->error);
    else
        fuse_reply_ioctl(parked->request, 0, &parked->in, sizeof parked->in);
    free(parked);
}

static void commit_group(fuse_req_t request, struct server *server, const struct mapshare_abi_commit *in)
{
    struct parked_commit *parked;
    struct group *group;

    pthread_mutex_lock(&server->group_lock);
    group = take_group(server, in->group);
    pthread_mutex_unlock(&server->group_lock);
    if (!group || group->count != in->files) {
        request_reply(request, -ESTALE);
        free_group(server, group);
        return;
    }
    parked = malloc(sizeof *parked + group->count * sizeof parked->files[0]);
    if (!parked) {
        request_reply(request, -ENOMEM);
        free_group(server, group);
        return;
    }
    *parked = (struct parked_commit){
        .waiter = {.files = parked->files, .count = group->count, .done = group_committed},
        .request = request,
        .in = *in,
    };
    for (uint32_t i = 0; i < group->count; i++)
        parked->files[i] = group->members[i].file;
    commit_submit(&server->files, &parked->waiter, 1); /* holds them too */
    free_group(server, group);
}

/* ---- waiting for a commit ---- */

struct commit_wait {
    struct commit_wait *next;
    fuse_req_t request;
    uint32_t file;
    int64_t deadline; /* CLOCK_MONOTONIC; INT64_MAX: never */
    struct mapshare_abi_wait in;
    bool interrupted;
};

static uint64_t sequence_of(struct server *server, uint32_t file)
{
    struct mapshare_abi_info info;

    status_info(&server->files, file, &info);
    return info.sequence;
}

/* True when it was answered. */
static bool try_answer(struct server *server, struct commit_wait *wait, int64_t now)
{
    wait->in.reached = sequence_of(server, wait->file);
    if (wait->in.reached < wait->in.sequence && !wait->interrupted && now < wait->deadline)
        return false;
    fuse_req_interrupt_func(wait->request, NULL, NULL); /* returns when `interrupted` is not running */
    file_put(&server->files, wait->file);
    if (wait->in.reached >= wait->in.sequence)
        fuse_reply_ioctl(wait->request, 0, &wait->in, sizeof wait->in);
    else if (wait->interrupted)
        request_reply(wait->request, -EINTR);
    else
        request_reply(wait->request, -ETIMEDOUT);
    return true;
}

void request_answer_waits(struct server *server)
{
    int64_t now = time_monotonic();

    pthread_mutex_lock(&server->wait_lock);
    for (struct commit_wait **at = &server->waits; *at;) {
        struct commit_wait *wait = *at;

        if (try_answer(server, wait, now)) {
            *at = wait->next;
            free(wait);
        } else {
            at = &wait->next;
        }
    }
    pthread_mutex_unlock(&server->wait_lock);
}

/* Only noted here: the library holds its own lock on the request. The next tick answers. */
static void interrupted(fuse_req_t request, void *data)
{
    (void)request;
    ((struct commit_wait *)data)->interrupted = true;
}

static void wait_for_commit(fuse_req_t request, struct server *server, uint32_t file, const struct mapshare_abi_wait *in)
{
    struct commit_wait *wait = malloc(sizeof *wait);

    if (!wait) {
        request_reply(request, -ENOMEM);
        return;
    }
    *wait = (struct commit_wait){.request = request, .file = file, .in = *in, .deadline = INT64_MAX};
    if (in->timeout_nanoseconds >= 0 && __builtin_add_overflow(time_monotonic(), in->timeout_nanoseconds, &wait->deadline))
        wait->deadline = INT64_MAX;
    file_hold(&server->files, file);
    fuse_req_interrupt_func(request, interrupted, wait);
    pthread_mutex_lock(&server->wait_lock);
    wait->next = server->waits;
    server->waits = wait;
    pthread_cond_signal(&server->tick);
    pthread_mutex_unlock(&server->wait_lock);
    request_answer_waits(server);
}

/* ---- page states ---- */

struct parked_ranges {
    struct probe_request probe;
    struct server *server;
    fuse_req_t request;
    uint32_t file;
    uint64_t first;
};

static void ranges_known(struct probe_request *probe)
{
    struct parked_ranges *parked = (struct parked_ranges *)probe;
    struct mapshare_abi_ranges out = {.first = parked->first, .kernel_known = !probe->error};
    struct mapshare_abi_run *runs = NULL;
    uint32_t count = 0;
    int error = 0;

    if (parked->file)
        error = status_runs(&parked->server->files, parked->file, parked->first, MAPSHARE_ABI_RUNS, probe->runs, probe->run_count,
                            &runs, &count);
    if (!error) {
        out.more = count > MAPSHARE_ABI_RUNS;
        out.count = out.more ? MAPSHARE_ABI_RUNS : count;
        if (out.count)
            memcpy(out.runs, runs, out.count * sizeof out.runs[0]);
    }
    if (error)
        request_reply(parked->request, error);
    else
        fuse_reply_ioctl(parked->request, 0, &out, sizeof out);
    free(runs);
    free(parked);
}

static void get_ranges(fuse_req_t request, struct server *server, uint32_t inode, const struct mapshare_abi_ranges *in)
{
    struct parked_ranges *parked = malloc(sizeof *parked);

    if (!parked) {
        request_reply(request, -ENOMEM);
        return;
    }
    *parked = (struct parked_ranges){
        .probe = {.question = PROBE_DIRTY, .inode = inode, .first = in->first, .limit = MAPSHARE_ABI_RUNS, .done = ranges_known},
        .server = server,
        .request = request,
        .file = server->arena.inodes[inode].file,
        .first = in->first,
    };
    if (file_may_be_mapped(&server->files, parked->file)) {
        if (probe_ask(server->probe, &parked->probe))
            return;
        parked->probe.error = -ENOSYS;
    }
    ranges_known(&parked->probe);
}

static void get_info(fuse_req_t request, struct server *server, uint32_t inode)
{
    struct mapshare_abi_info info = {.version = MAPSHARE_ABI_VERSION};
    uint32_t file = server->arena.inodes[inode].file;
    struct stat stat;

    if (file) {
        status_info(&server->files, file, &info);
    } else if (!request_attributes(server, inode, &stat)) {
        struct descriptor *descriptor;

        info.committed_size = stat.st_size;
        info.flags = server->options->atomic ? MAPSHARE_ABI_ATOMIC : 0;
        if (!descriptor_get(&server->descriptors, inode, &descriptor)) {
            if (request_stored_atomic(descriptor->fd))
                info.flags = MAPSHARE_ABI_ATOMIC;
            descriptor_put(&server->descriptors, descriptor);
        }
    }
    fuse_reply_ioctl(request, 0, &info, sizeof info);
}

/* ---- deny write ---- */

static int deny_write(struct server *server, uint32_t inode, struct handle *handle, bool deny)
{
    int error;
    uint32_t file = file_of(&server->files, inode, true, &error);

    if (!handle)
        return -EBADF;
    return file ? file_deny(&server->files, file, handle, deny) : error;
}

void request_ioctl(fuse_req_t request, fuse_ino_t node, unsigned command, void *argument, struct fuse_file_info *info,
                   unsigned flags, const void *in, size_t in_size, size_t out_size)
{
    struct server *server = server_of(request);
    uint32_t inode = request_inode(request, node), file = 0;
    struct handle *handle = handle_find(server, info->fh);
    int error = 0;

    (void)argument, (void)out_size;
    if (!inode)
        return;
    if (flags & FUSE_IOCTL_DIR || server->arena.inodes[inode].type != S_IFREG || _IOC_TYPE(command) != MAPSHARE_IOC_MAGIC ||
        (_IOC_DIR(command) & _IOC_WRITE && in_size < _IOC_SIZE(command))) {
        request_reply(request, -ENOTTY);
        return;
    }
    switch (command) {
    case MAPSHARE_IOC_INFO:
        get_info(request, server, inode);
        return;
    case MAPSHARE_IOC_RANGES:
        get_ranges(request, server, inode, in);
        return;
    case MAPSHARE_IOC_COMMIT:
        commit_group(request, server, in);
        return;
    case MAPSHARE_IOC_WAIT:
        file = file_of(&server->files, inode, true, &error);
        if (!file)
            break;
        wait_for_commit(request, server, file, in);
        return;
    case MAPSHARE_IOC_JOIN: /* having it open for writing is the permission */
        error = handle && (handle->flags & O_ACCMODE) != O_RDONLY ? 0 : -EBADF;
        if (!error)
            error = join(server, *(const uint64_t *)in, info->fh, server->arena.inodes[inode].file);
        break;
    case MAPSHARE_IOC_MAPPED:
        request_mark_atime(server, inode);
        break;
    case MAPSHARE_IOC_DENY_WRITE:
        error = deny_write(server, inode, handle, *(const uint32_t *)in);
        break;
    default:
        error = -ENOTTY;
    }
    if (error)
        request_reply(request, error);
    else
        fuse_reply_ioctl(request, 0, NULL, 0);
}
