#include "config.h"

#include <errno.h>
#include <string.h>

#include "daemon.h"

struct fake_daemon fake;

static int fails(int error)
{
    errno = error;
    return -1;
}

static int answer_ranges(struct mapshare_abi_ranges *ranges)
{
    size_t most = fake.per_answer ? fake.per_answer : MAPSHARE_ABI_RUNS;

    ranges->count = 0;
    ranges->more = 0;
    ranges->kernel_known = fake.kernel_known;
    for (size_t i = 0; i < fake.run_count; i++) {
        if (fake.runs[i].last < ranges->first)
            continue;
        if (ranges->count == most) {
            ranges->more = 1;
            break;
        }
        ranges->runs[ranges->count++] = fake.runs[i];
    }
    return 0;
}

static int join(int fd, uint64_t group)
{
    int error = fake.fail_join;

    fake.fail_join = 0;
    if (error)
        return fails(error);
    fake.groups[fake.join_count] = group;
    fake.joined[fake.join_count++] = fd;
    return 0;
}

static int commit(struct mapshare_abi_commit *commit)
{
    uint32_t members = 0;

    fake.commit_count++;
    for (size_t i = 0; i < fake.join_count; i++)
        members += fake.groups[i] == commit->group;
    if (fake.stale_left > 0) {
        fake.stale_left--;
        return fails(ESTALE);
    }
    if (members != commit->files)
        return fails(ESTALE);
    if (fake.fail_commit)
        return fails(fake.fail_commit);
    commit->sequence = 77;
    commit->seconds = 1234;
    commit->nanoseconds = 5678;
    return 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
    if (!fake.is_there)
        return __real_ioctl(fd, request, argument);
    switch (request) {
    case MAPSHARE_IOC_INFO:
        memcpy(argument, &fake.info, sizeof(fake.info));
        return 0;
    case MAPSHARE_IOC_RANGES:
        return answer_ranges(argument);
    case MAPSHARE_IOC_JOIN:
        return join(fd, *(uint64_t *)argument);
    case MAPSHARE_IOC_COMMIT:
        return commit(argument);
    case MAPSHARE_IOC_WAIT:
        fake.wait_count++;
        memcpy(&fake.last_wait, argument, sizeof(fake.last_wait));
        return 0;
    case MAPSHARE_IOC_MAPPED:
        fake.mapped_count++;
        return 0;
    case MAPSHARE_IOC_AREA:
        return fails(ENOSPC); /* it has no memory to share */
    default:
        return fails(ENOTTY);
    }
}
