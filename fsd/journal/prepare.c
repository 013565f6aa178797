#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "journal/prepare.h"
#include "journal/scan.h"

int journal_leave(int folder, uint64_t size)
{
    struct superblock superblock;
    int fd, result = superblock_open_file(folder, O_RDWR | O_DIRECT, &fd);
    if (result < 0)
        return result;
    size = format_round_up(size < JOURNAL_SIZE_MIN ? JOURNAL_SIZE_MIN : size);
    result = superblock_read(fd, &superblock);
    bool larger = result == 0 && superblock.capacity + FORMAT_LOG_START > size;
    if (larger)
        result = scan_finds_nothing(fd);
    close(fd);
    if (result > 0)
        result = superblock_create_file(folder, size, superblock.sequence, superblock.generation);
    return result;
}

/* Who is late must not undo what was done since. */
static int check_generation(uint64_t generation, const struct superblock *superblock)
{
    if (generation == 0 || generation >= superblock->generation)
        return 0;
    log_line(LOG_FATAL,
             "generation %" PRIu64 " is over: the journal is of %" PRIu64
             "; where etcd was made anew, see mapshare-reach(7) for how its numbers may begin again",
             generation, superblock->generation);
    return -EPERM;
}

int prepare_file(int folder, uint64_t size, uint64_t generation, bool fresh, int *fd, struct superblock *superblock)
{
    size = format_round_up(size < JOURNAL_SIZE_MIN ? JOURNAL_SIZE_MIN : size);
    if (fresh)
        superblock_remove_half_made(folder);
    int result = superblock_open_file(folder, O_RDWR | O_DIRECT, fd);
    if (result == -ENOENT && fresh) {
        result = superblock_create_file(folder, size, 0, generation);
        if (result == 0)
            result = superblock_open_file(folder, O_RDWR | O_DIRECT, fd);
    }
    if (result < 0)
        return result;
    result = superblock_read(*fd, superblock);
    if (result < 0 || !fresh)
        return result;
    result = check_generation(generation, superblock);
    bool older = generation > superblock->generation;
    if (result < 0 || (!older && superblock->capacity + FORMAT_LOG_START == size))
        return result;

    result = scan_finds_nothing(*fd);
    if (result <= 0) /* start_fresh tells why */
        return result;
    result = superblock_create_file(folder, size, superblock->sequence, older ? generation : superblock->generation);
    if (result < 0 && older)
        return result;
    if (result < 0) {
        log_line(LOG_WARN, "cannot change the journal's size (%s): it keeps the old one", strerror(-result));
        return 0;
    }
    close(*fd);
    *fd = -1;
    result = superblock_open_file(folder, O_RDWR | O_DIRECT, fd);
    return result < 0 ? result : superblock_read(*fd, superblock);
}
