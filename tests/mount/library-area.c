/* One step with the locks and notices of a file on a mount, as one of several processes. Prints what came of it.
 *
 * usage: library-area hold FILE          take lock 0 and keep it until killed
 *        library-area try FILE           try lock 0, and give it back, repaired
 *        library-area lock FILE          take lock 0, and give it back
 *        library-area resize FILE SIZE
 *        library-area watch FILE         wait for a notice, opened for reading
 *        library-area notify FILE
 *        library-area tell FILE KIND     the name of an area, through a descriptor for reading
 *        library-area areas FILE         the names of both, through one for writing
 *        library-area readlock FILE...   lock all bytes for reading, and keep them until killed
 *        library-area write NAME         whether that can be opened for writing
 *        library-area cycle FILE COUNT   lock and unlock */
#include "config.h"

#include "check.h"

#include <mapshare.h>
#include <sys/ioctl.h>

#include "mapshare-abi.h"

static struct mapshare *open_for(const char *path, int flags)
{
    struct mapshare *ms = mapshare_open(path, flags, 0, NULL);

    CHECK(ms, "%s", path);
    return ms;
}

static const char *told(int result)
{
    static char number[16];

    snprintf(number, sizeof(number), "%d", result);
    return result < 0 ? strerrorname_np(errno) : number;
}

static void tell(const char *path, int flags, uint32_t kind)
{
    struct mapshare_abi_area area = {.kind = kind};
    int fd = open(path, flags | O_CLOEXEC), result;

    CHECK(fd >= 0, "%s", path);
    result = ioctl(fd, MAPSHARE_IOC_AREA, &area);
    puts(result < 0 ? strerrorname_np(errno) : area.name);
    close(fd);
}

static void keep_locked(const char *path)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    CHECK(fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0, "%s", path);
}

static void cycle(struct mapshare *ms, int count)
{
    for (int i = 0; i < count; i++)
        CHECK(mapshare_lock(ms) == 0 && mapshare_unlock(ms) == 0);
    CHECK(mapshare_notify(ms) == 0);
}

int main(int argc, char **argv)
{
    const char *action = argv[1], *path = argv[2], *more = argc > 3 ? argv[3] : "";

    CHECK(argc > 2);
    alarm(100);
    if (strcmp(action, "hold") == 0) {
        printf("held %s\n", told(mapshare_lock(open_for(path, O_RDWR))));
        pause();
    } else if (strcmp(action, "try") == 0) {
        struct mapshare *ms = open_for(path, O_RDWR);
        int result = mapshare_trylock(ms);

        puts(told(result));
        CHECK(result != 1 || mapshare_consistent(ms) == 0);
        CHECK(result < 0 || mapshare_unlock(ms) == 0);
        CHECK(mapshare_close(ms) == 0);
    } else if (strcmp(action, "lock") == 0) {
        struct mapshare *ms = open_for(path, O_RDWR);

        puts(told(mapshare_lock(ms)));
        CHECK(mapshare_unlock(ms) == 0 && mapshare_close(ms) == 0);
    } else if (strcmp(action, "resize") == 0) {
        struct mapshare *ms = open_for(path, O_RDWR);

        puts(told(mapshare_resize(ms, strtoull(more, NULL, 0))));
        CHECK(mapshare_close(ms) == 0);
    } else if (strcmp(action, "watch") == 0) {
        struct mapshare *ms = open_for(path, O_RDONLY);
        uint64_t seen = 0;

        puts("watching");
        puts(told(mapshare_watch(ms, &seen, NULL)));
        CHECK(mapshare_close(ms) == 0);
    } else if (strcmp(action, "notify") == 0) {
        struct mapshare *ms = open_for(path, O_RDWR);

        puts(told(mapshare_notify(ms)));
        CHECK(mapshare_close(ms) == 0);
    } else if (strcmp(action, "tell") == 0) {
        tell(path, O_RDONLY, (uint32_t)atoi(more));
    } else if (strcmp(action, "areas") == 0) {
        tell(path, O_RDWR, MAPSHARE_ABI_BOARD);
        tell(path, O_RDWR, MAPSHARE_ABI_LOCKS);
    } else if (strcmp(action, "readlock") == 0) {
        for (int i = 2; i < argc; i++)
            keep_locked(argv[i]);
        puts("locked");
        pause();
    } else if (strcmp(action, "write") == 0) {
        puts(told(open(path, O_RDWR | O_CLOEXEC) < 0 ? -1 : 0));
    } else if (strcmp(action, "cycle") == 0) {
        struct mapshare *ms = open_for(path, O_RDWR);

        cycle(ms, atoi(more));
        CHECK(mapshare_close(ms) == 0);
        puts("done");
    } else {
        CHECK(false, "%s", action);
    }
    return 0;
}
