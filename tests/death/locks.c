/* Locks and notices: the daemon's memory, which lives beside the files. A process dies with a lock, and those who come later are told. */
#include "config.h"

#include "operations.h"

#include "../mount/check.h"
#include "mapshare.h"

static struct mapshare *open_shared(const char *path)
{
    struct mapshare *ms = mapshare_open(path, O_RDWR | O_CREAT, 0640, &(struct mapshare_options){.size = PAGE});

    CHECK(ms, "%s", path);
    return ms;
}

static void die_with_lock(const char *path, uint32_t number)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        CHECK(mapshare_lock_at(open_shared(path), number, 0, NULL) == 0);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void take_all(struct mapshare *ms, uint32_t dead)
{
    for (uint32_t i = 0; i < MAPSHARE_LOCKS; i++) {
        CHECK(mapshare_lock_at(ms, i, MAPSHARE_LOCK_TRY, NULL) == (i == dead), "lock %u", i);
        CHECK(i != dead || mapshare_consistent_at(ms, i) == 0);
        CHECK(mapshare_unlock_at(ms, i) == 0);
    }
}

void operate_on_locks(void)
{
    struct mapshare *ms = open_shared("locked"), *other = open_shared("locked");
    uint64_t seen = 0;

    CHECK(mapshare_notify(ms) == 0);
    CHECK(mapshare_watch(other, &seen, &(struct timespec){0}) == 0 && seen == 1);
    take_all(ms, MAPSHARE_LOCKS);
    CHECK(mapshare_lock_shared(other) == 0 && mapshare_unlock(ms) == 0); /* a share is the process's */
    CHECK(mapshare_resize(ms, 2 * PAGE) == 0 && mapshare_resize(ms, PAGE) == -1 && errno == EBUSY);
    CHECK(mapshare_close(other) == 0 && mapshare_resize(ms, PAGE) == 0);
    CHECK(mapshare_close(ms) == 0);

    die_with_lock("locked", 7); /* nobody has it open afterwards */
    ms = open_shared("locked");
    take_all(ms, 7);
    die_with_lock("locked", 3);
    CHECK(mapshare_close(ms) == 0);
    ms = open_shared("locked");
    take_all(ms, 3);

    die_with_lock("locked", 1); /* the file ends with it */
    CHECK(unlink("locked") == 0 && mapshare_close(ms) == 0);
    ms = open_shared("locked");
    take_all(ms, MAPSHARE_LOCKS);
    CHECK(fsync(mapshare_fd(ms)) == 0 && mapshare_close(ms) == 0);
}
