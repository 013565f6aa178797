/* Memory without a file, and handing memory to another process through a socket. */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* The sender names the reserve, so it is no more than its file is long, or this. */
#define RECEIVED_RESERVE_MOST ((uint64_t)1 << 30)
#define PARCEL_MAGIC 0x6d73686172653031u
#define SIZE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

/* What goes with the descriptor. */
struct parcel {
    uint64_t magic;
    uint64_t reserve;
};

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

/* Owned by nobody but its user, and of one size for ever: no receiver can be made to meet SIGBUS. */
static int create_memory(size_t size)
{
    int error, fd = memfd_create("mapshare", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("mapshare", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    if (fchmod(fd, 0600) == 0 && ftruncate(fd, (off_t)size) == 0 && fcntl(fd, F_ADD_SEALS, SIZE_SEALS | F_SEAL_SEAL) == 0)
        return fd;
    error = -errno;
    close(fd);
    return error;
}

static bool is_sealed(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & SIZE_SEALS) == SIZE_SEALS;
}

/* Memory without a name that its sender could still cut under our loads. A file can be cut, too, but by its owners, who have it by name. */
static int check_received(const struct mapshare *ms)
{
    bool is_memory = fcntl(ms->fd, F_GET_SEALS) >= 0 && ms->identity.stx_nlink == 0;

    return is_memory && !ms->anonymous ? -EPERM : 0;
}

/* Takes the descriptor in any case. */
static struct mapshare *from_descriptor(int fd, uint64_t reserve)
{
    struct mapshare *ms = mapshare_new(fd, (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
    int error = ms ? 0 : -errno;

    if (ms) {
        ms->anonymous = is_sealed(fd);
        error = check_received(ms);
        if (ms->anonymous)
            reserve = ms->known_size;
        else if (reserve > RECEIVED_RESERVE_MOST)
            reserve = RECEIVED_RESERVE_MOST;
    }
    if (error == 0)
        error = mapshare_map(ms, reserve, 0);
    if (error == 0) {
        mapshare_board_attach(ms);
        return ms;
    }
    if (ms)
        mapshare_free(ms);
    close(fd);
    errno = -error;
    return NULL;
}

struct mapshare *mapshare_anonymous(size_t size)
{
    int fd = size == 0 ? -EINVAL : size > PTRDIFF_MAX ? -ENOMEM : create_memory(size);

    if (fd < 0) {
        errno = -fd;
        return NULL;
    }
    return from_descriptor(fd, size);
}

int mapshare_send(struct mapshare *ms, int socket)
{
    struct parcel parcel = {.magic = PARCEL_MAGIC, .reserve = ms->reserve};
    struct iovec content = {&parcel, sizeof(parcel)};
    union control control = {0};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    ssize_t sent;

    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.header), &ms->fd, sizeof(int));
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return -1;
    return mapshare_result(sent == (ssize_t)sizeof(parcel) ? 0 : -EPROTO);
}

/* The one descriptor of the message, or -1; closes what else came. */
static int take_descriptor(struct msghdr *message)
{
    int taken = -1, count = 0;

    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
        size_t descriptors;

        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        descriptors = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < descriptors; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            if (count++ == 0)
                taken = fd;
            else
                close(fd);
        }
    }
    if (count == 1)
        return taken;
    if (taken >= 0)
        close(taken);
    return -1;
}

struct mapshare *mapshare_receive(int socket)
{
    struct parcel parcel = {0};
    struct iovec content = {&parcel, sizeof(parcel)};
    union control control;
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    ssize_t received;
    int fd;

    do
        received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return NULL;
    fd = take_descriptor(&message);
    if (received == sizeof(parcel) && fd >= 0 && parcel.magic == PARCEL_MAGIC && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return from_descriptor(fd, parcel.reserve);
    if (fd >= 0)
        close(fd);
    errno = received == 0 ? ENOTCONN : EPROTO;
    return NULL;
}
