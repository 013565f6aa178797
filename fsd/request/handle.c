#include "config.h"

#include "request/handle.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "cache/seal.h"
#include "log.h"
#include "request/current.h"
#include "request/group.h"
#include "request/poller.h"

int handle_table_open(struct server *server)
{
    struct arena *arena = &server->arena;
    size_t bytes = (arena->header->inode_max + 1ul) * sizeof server->opens[0];
    int error = slots_open(&server->handle_slots, &arena->header->handle_used, arena->header->handle_max);

    pthread_mutex_init(&server->handle_lock, NULL);
    server->joined = calloc(arena->header->handle_max + 1ul, 1);
    server->opens = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!server->joined || server->opens == MAP_FAILED)
        return -ENOMEM;
    for (uint32_t i = arena->header->handle_used; i && !error; i--) {
        uint32_t inode = arena->handles[i].inode;

        if (inode && (inode > arena->header->inode_used || !arena->inodes[inode].number)) { /* invariant 13 */
            log_line(LOG_WARN, "takeover: an open file that names no record is dropped");
            atomic_store(&arena->handles[i].inode, 0);
            inode = 0;
        }
        if (inode) {
            inode_hold(&server->inodes, inode);
            user_count(user_find(&server->inodes.users, arena->handles[i].user), HOLDS_HANDLES);
            server->opens[inode]++;
        } else {
            slots_give(&server->handle_slots, i);
        }
    }
    return error;
}

/* What processes share of a file ends with its last open. The lock is held: whoever opens the file from here on finds that ended. */
static void count_close(struct server *server, uint32_t inode)
{
    const struct inode *truth = &server->arena.inodes[inode];

    if (--server->opens[inode] == 0)
        area_forget(&server->areas, truth->number, truth->generation, false);
}

static uint64_t number_of(const struct arena *arena, uint32_t index)
{
    return (uint64_t)arena->handles[index].generation << 32 | index;
}

/* An OPEN that is sent again got its handle already, if the dead worker came so far. The lock is held. */
static uint32_t find_resent(const struct arena *arena, uint64_t unique, uint32_t inode)
{
    for (uint32_t i = 1; i <= arena->header->handle_used; i++) {
        if (arena->handles[i].inode == inode && arena->handles[i].unique == (unique & ~RESENT))
            return i;
    }
    return 0;
}

static struct user *requester(struct server *server)
{
    return user_find(&server->inodes.users, current_header()->uid);
}

int handle_check(struct server *server)
{
    struct user *user = requester(server);

    if (!user_take(&server->inodes.users, user, HOLDS_HANDLES))
        return -EDQUOT;
    user_give(user, HOLDS_HANDLES);
    return 0;
}

/* The lock is held. 0: there are no more. */
static uint32_t make_handle(struct server *server, uint32_t inode, uint32_t flags)
{
    uint32_t index = slots_take(&server->handle_slots);
    struct handle *handle = &server->arena.handles[index];
    uint32_t file = server->arena.inodes[inode].file;

    if (!index)
        return 0;
    handle->generation++;
    handle->flags = flags;
    handle->user = current_header()->uid;
    handle->deny = 0;
    handle->watch = (struct watch){0};
    handle->unique = current_header()->unique & ~RESENT;
    inode_hold(&server->inodes, inode);
    server->opens[inode]++;
    atomic_store(&handle->inode, inode);
    atomic_store(&handle->seal, handle_seal(handle, inode)); /* now it is open */
    if (file)
        file_count_handle(&server->files, file, handle, 1);
    return index;
}

int handle_open(struct server *server, uint32_t inode, uint32_t flags, uint64_t *number)
{
    struct user *user = requester(server);
    uint64_t unique = current_header()->unique;
    uint32_t index = 0;
    int error = 0;

    pthread_mutex_lock(&server->handle_lock);
    if (unique & RESENT)
        index = find_resent(&server->arena, unique, inode);
    if (!index && !user_take(&server->inodes.users, user, HOLDS_HANDLES))
        error = -EDQUOT;
    if (!index && !error) {
        index = make_handle(server, inode, flags);
        error = index ? 0 : -ENFILE;
        if (error)
            user_give(user, HOLDS_HANDLES);
    }
    *number = index ? number_of(&server->arena, index) : 0;
    pthread_mutex_unlock(&server->handle_lock);
    return error;
}

struct handle *handle_find(struct server *server, uint64_t number)
{
    uint32_t index = number;

    if (!index || index > server->arena.header->handle_used || number_of(&server->arena, index) != number)
        return NULL;
    return server->arena.handles[index].inode ? &server->arena.handles[index] : NULL;
}

void handle_close(struct server *server, uint64_t number)
{
    struct handle *handle;
    uint32_t inode = 0;

    handle = handle_find(server, number);
    if (handle)
        group_leave(server, number); /* while the number is nobody else's */
    if (handle && handle->watch.at)
        poller_end(server, handle->inode, number);
    pthread_mutex_lock(&server->handle_lock);
    handle = handle_find(server, number);
    if (handle) { /* NULL: a RELEASE that is sent again */
        inode = handle->inode;
        atomic_store(&handle->seal, 0); /* now it is not */
        atomic_store(&handle->inode, 0);
        if (server->arena.inodes[inode].file)
            file_count_handle(&server->files, server->arena.inodes[inode].file, handle, -1);
        user_give(user_find(&server->inodes.users, handle->user), HOLDS_HANDLES);
        slots_give(&server->handle_slots, (uint32_t)number);
        count_close(server, inode);
    }
    pthread_mutex_unlock(&server->handle_lock);
    if (inode)
        inode_put(&server->inodes, inode);
}
