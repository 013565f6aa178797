#include "config.h"

#include "sandbox/capabilities.h"

#include <errno.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Root's number means nothing any more: neither executing nor changing it gives or takes capabilities. */
#define LOCKED (SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED)

/* Those in use become `use`; of those that may be used, only `keep` stay. */
static int change(uint64_t keep, uint64_t use)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    if (syscall(SYS_capget, &header, data))
        return -errno;
    for (int i = 0; i < 2; i++) {
        data[i].permitted &= (uint32_t)(keep >> 32 * i);
        data[i].effective = data[i].permitted & (uint32_t)(use >> 32 * i);
        data[i].inheritable = 0;
    }
    return syscall(SYS_capset, &header, data) ? -errno : 0;
}

int capabilities_keep(uint64_t set, uint64_t for_now)
{
    int error = 0;

    for (int number = 0; prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++) {
        if (!(set & CAPABILITY(number)) && prctl(PR_CAPBSET_DROP, number, 0, 0, 0))
            error = -errno;
    }
    if (prctl(PR_SET_SECUREBITS, LOCKED, 0, 0, 0) && prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) != LOCKED)
        error = -errno;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return change(set | for_now, set | for_now) ?: error;
}

void capabilities_hand_on(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    if (syscall(SYS_capget, &header, data))
        return;
    for (int i = 0; i < 2; i++)
        data[i].inheritable = data[i].permitted;
    if (syscall(SYS_capset, &header, data))
        return;
    for (int number = 0; number < 64; number++) {
        if (data[number / 32].permitted & 1u << number % 32)
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0);
    }
}

int capabilities_drop_others(uint64_t set)
{
    return change(set, set);
}

int capabilities_use(uint64_t set)
{
    return change(~0ull, set);
}
