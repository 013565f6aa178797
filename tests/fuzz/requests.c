/* A kernel that sends any bytes: messages of the FUSE protocol, made of the fuzzer's input, to the serving loop of a real worker over a scratch store.
 *
 * Nothing is mounted and nothing recovered: a socket stands for /dev/fuse. A real kernel sends no name with a slash and none that leads up, and this
 * one does neither, so that the scratch store is not left. What a kernel always tells rightly (lengths, handles) is repaired in three of four messages.
 *
 * Input: messages of OPCODE NODE HANDLE USER LENGTH, a byte each, and LENGTH * 4 bytes behind the header. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/fuse.h>

#include "cache/damage.h"
#include "journal/superblock.h"
#include "log.h"
#include "mapshare-abi.h"
#include "process/daemon.h"
#include "sandbox/sandbox.h"

#define MESSAGES_MAX 16
#define MESSAGE_MAX (64u << 10)
#define NODES 16u
#define HANDLES 16u
#define SYNC_UNIQUE 2u

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static char folder[4096];
static struct options options = {.journal_size = 4 << 20,
                                 .threads = 2,
                                 .snapshot_size = 4 << 20,
                                 .cache_max = 32 << 20,
                                 .tuning = {.cache_size = 16 << 20,
                                            .journal_max = 4 << 20,
                                            .commit_interval = 3600,
                                            .user_share = 50,
                                            .user_handles = 1000,
                                            .user_waits = 64,
                                            .user_removed = 50,
                                            .user_probes = 2,
                                            .log_level = LOG_NOTE}};
static struct daemon house = {.options = &options};
static int kernel_end;
static uint64_t unique = 100, nodes[NODES] = {1}, handles[HANDLES];
static unsigned node_count = 1, handle_count;
static unsigned opened[MESSAGE_MAX / 64]; /* opcodes of what was sent, by unique */

static const uint32_t commands[] = {
    MAPSHARE_IOC_INFO,   MAPSHARE_IOC_RANGES,       MAPSHARE_IOC_COMMIT,     MAPSHARE_IOC_WAIT,          MAPSHARE_IOC_JOIN,
    MAPSHARE_IOC_MAPPED, MAPSHARE_IOC_AREA,         MAPSHARE_IOC_DENY_WRITE, MAPSHARE_IOC_VERIFY,        MAPSHARE_IOC_FILES,
    MAPSHARE_IOC_BACKUP, MAPSHARE_IOC_FEED,         MAPSHARE_IOC_WATCH,      MAPSHARE_IOC_NOTIFIED,      FS_IOC_GETFLAGS,
    FS_IOC_SETFLAGS,     MAPSHARE_IOC_SNAPSHOT_ADD, MAPSHARE_IOC_SNAPSHOT,   MAPSHARE_IOC_SNAPSHOT_SIZE, MAPSHARE_IOC_SET,
    MAPSHARE_IOC_LATENCY};

static void learn(const unsigned char *reply, size_t size)
{
    const struct fuse_out_header *out = (const void *)reply;
    const struct fuse_entry_out *entry = (const void *)(out + 1);
    const struct fuse_open_out *open = (const void *)(out + 1);
    unsigned opcode = opened[out->unique % (sizeof opened / sizeof opened[0])];

    if (out->error || !out->unique)
        return;
    if ((opcode == FUSE_LOOKUP || opcode == FUSE_CREATE || opcode == FUSE_MKDIR || opcode == FUSE_MKNOD || opcode == FUSE_LINK) &&
        size >= sizeof *out + sizeof *entry && entry->nodeid)
        nodes[node_count++ % NODES] = entry->nodeid;
    if (opcode == FUSE_CREATE)
        open = (const void *)(entry + 1);
    if ((opcode == FUSE_CREATE || opcode == FUSE_OPEN) && size >= (size_t)((const unsigned char *)(open + 1) - reply))
        handles[handle_count++ % HANDLES] = open->fh;
    if (!nodes[0])
        nodes[0] = 1;
}

/* Replies and notices (unique 0), until the one for `until` came; 0: those that are there. */
static void hear(uint64_t until)
{
    static unsigned char reply[2 << 20];

    for (;;) {
        ssize_t n = recv(kernel_end, reply, sizeof reply, until ? 0 : MSG_DONTWAIT);
        const struct fuse_out_header *out = (const void *)reply;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && !until)
            return;
        if (n < (ssize_t)sizeof *out || out->len != n || (out->unique && (out->error > 0 || out->error < -4095))) {
            fprintf(stderr, "no reply of a file system: %zd bytes, length %u, error %d, to opcode %u\n", n, out->len, out->error,
                    opened[out->unique % (sizeof opened / sizeof opened[0])]);
            abort();
        }
        learn(reply, n);
        if (until && out->unique == until)
            return;
    }
}

static void post(const void *message, size_t size)
{
    struct pollfd poller = {.fd = kernel_end, .events = POLLOUT};

    while (send(kernel_end, message, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        hear(0);
        poll(&poller, 1, 10);
    }
}

static void synchronise(void)
{
    struct fuse_in_header header = {
        .len = sizeof header, .opcode = FUSE_STATFS, .unique = SYNC_UNIQUE, .nodeid = 1, .pid = getpid()};

    post(&header, sizeof header);
    hear(SYNC_UNIQUE);
}

/* Which of them have a handle's number at their start. */
static bool has_handle(unsigned opcode)
{
    switch (opcode) {
    case FUSE_READ:
    case FUSE_WRITE:
    case FUSE_RELEASE:
    case FUSE_FSYNC:
    case FUSE_FLUSH:
    case FUSE_READDIR:
    case FUSE_READDIRPLUS:
    case FUSE_RELEASEDIR:
    case FUSE_IOCTL:
    case FUSE_POLL:
    case FUSE_FALLOCATE:
    case FUSE_LSEEK:
    case FUSE_COPY_FILE_RANGE:
        return true;
    default:
        return false;
    }
}

static void confine(unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '/' || (bytes[i] == '.' && i && bytes[i - 1] == '.'))
            bytes[i] = 'x';
    }
}

/* What a kernel always tells rightly. */
static void repair(unsigned char *body, size_t size, unsigned opcode, unsigned handle)
{
    if (has_handle(opcode) && size >= 8 && handle_count)
        memcpy(body, &handles[handle % (handle_count < HANDLES ? handle_count : HANDLES)], 8);
    if (opcode == FUSE_WRITE && size >= sizeof(struct fuse_write_in)) {
        struct fuse_write_in *in = (void *)body;

        in->size = size - sizeof *in;
        in->offset %= 1 << 24;
    }
    if (opcode == FUSE_IOCTL && size >= sizeof(struct fuse_ioctl_in)) {
        struct fuse_ioctl_in *in = (void *)body;

        in->cmd = commands[in->cmd % (sizeof commands / sizeof commands[0])];
        in->flags = 0;
        in->in_size = size - sizeof *in;
        in->out_size = _IOC_SIZE(in->cmd);
    }
    if (opcode == FUSE_SETXATTR && size >= FUSE_COMPAT_SETXATTR_IN_SIZE) {
        struct fuse_setxattr_in *in = (void *)body;
        size_t name = strnlen((char *)body + FUSE_COMPAT_SETXATTR_IN_SIZE, size - FUSE_COMPAT_SETXATTR_IN_SIZE);
        size_t left = size - FUSE_COMPAT_SETXATTR_IN_SIZE - name;

        in->size = left ? left - 1 : 0;
    }
    if (opcode == FUSE_READ || opcode == FUSE_READDIR || opcode == FUSE_READDIRPLUS) {
        struct fuse_read_in *in = (void *)body;

        if (size >= sizeof *in)
            in->size %= 128 << 10;
    }
}

/* The scratch store is in memory. */
static void bound(unsigned char *body, size_t size, unsigned opcode)
{
    struct fuse_fallocate_in *in = (void *)body;

    if (opcode == FUSE_FALLOCATE && size >= sizeof *in) {
        in->offset %= 1 << 24;
        if (in->length != MAPSHARE_ABI_ROLLBACK_LENGTH)
            in->length %= 1 << 20;
    }
}

static void send_message(const uint8_t *head, const uint8_t *body, size_t size)
{
    static const uint32_t users[] = {0, 1001, 1002, 65534};
    static unsigned char message[MESSAGE_MAX];
    struct fuse_in_header *header = (void *)message;

    *header = (struct fuse_in_header){
        .len = sizeof *header + size,
        .opcode = head[0] % 53,
        .unique = unique += 2,
        .nodeid = nodes[head[1] % (node_count < NODES ? node_count : NODES)],
        .uid = users[head[3] % 4],
        .gid = users[head[3] / 4 % 4],
        .pid = getpid(),
    };
    if (header->opcode == FUSE_INIT || header->opcode == FUSE_DESTROY)
        return; /* the mount's begin and end */
    if (header->opcode == FUSE_FALLOCATE && size < sizeof(struct fuse_fallocate_in))
        return; /* it would be for what was in memory before */
    memcpy(message + sizeof *header, body, size);
    message[sizeof *header + size] = 0; /* a name's end */
    header->len++;
    confine(message + sizeof *header, size);
    bound(message + sizeof *header, size, header->opcode);
    if (head[2] < 0xc0)
        repair(message + sizeof *header, size, header->opcode, head[2]);
    opened[header->unique % (sizeof opened / sizeof opened[0])] = header->opcode;
    post(message, header->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    const uint8_t *end = input + size;

    for (int i = 0; i < MESSAGES_MAX && end - input >= 5; i++) {
        const uint8_t *head = input;
        size_t length = head[4] * 4u;

        input += 5;
        if (length > (size_t)(end - input))
            length = end - input;
        send_message(head, input, length);
        input += length;
    }
    synchronise();
    return 0;
}

static void remove_folder(void)
{
    char command[sizeof folder + 16];

    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command))
        perror(folder);
}

static void *serve(void *argument)
{
    (void)argument;
    if (worker_run(&house, false))
        abort();
    return NULL;
}

static void begin(void)
{
    struct {
        struct fuse_in_header header;
        struct fuse_init_in in;
    } init = {.header = {.len = sizeof init, .opcode = FUSE_INIT, .unique = 1, .pid = 1},
              .in = {.major = 7, .minor = 36, .max_readahead = 1 << 20, .flags = ~(FUSE_INIT_EXT | FUSE_SETXATTR_EXT)}};

    post(&init, sizeof init);
    hear(1);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const names[] = {"file-0", "file-1", "file-2"};
    const char *memory = getenv("FUZZ_FOLDER"); /* which whoever starts us takes away, though we crash */
    int ends[2], channel[2];
    pthread_t thread;

    (void)argc;
    (void)argv;
    log_stop();
    sandbox_choose(true, false);
    snprintf(folder, sizeof folder, "%s/mapshare-fuzz-XXXXXX", memory ? memory : "/dev/shm");
    if (!mkdtemp(folder) || atexit(remove_folder))
        abort();
    chmod(folder, 01777);
    for (int i = 0; i < OWNED_COUNT; i++)
        house.owned[i] = -1;
    house.owned[OWNED_STORE] = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 3; i++)
        close(openat(house.owned[OWNED_STORE], names[i], O_RDWR | O_CREAT, 0666));
    if (mkdirat(house.owned[OWNED_STORE], JOURNAL_FOLDER, 0700) || mkdirat(house.owned[OWNED_STORE], "folder", 0777))
        abort();
    house.owned[OWNED_PRIVATE_FOLDER] = openat(house.owned[OWNED_STORE], JOURNAL_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    house.owned[OWNED_LOCK] = openat(house.owned[OWNED_PRIVATE_FOLDER], "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel))
        abort();
    for (int i = 0; i < 2; i++) {
        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &(int){4 << 20}, sizeof(int));
        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUFFORCE, &(int){4 << 20}, sizeof(int));
    }
    kernel_end = house.owned[OWNED_PROBE_END] = ends[0]; /* or the worker would close it */
    house.owned[OWNED_SESSION] = ends[1];
    house.owned[OWNED_WORKER_END] = channel[0];
    close(channel[1]); /* there is no mount to ask about */
    if (arena_create(&house.arena, -1, &options.tuning, options.cache_max, 0, -1))
        abort();
    house.arena.header->size_max = INT64_MAX;
    arena_seal(&house.arena);
    if (pthread_create(&thread, NULL, serve, NULL))
        abort();
    begin();
    return 0;
}
