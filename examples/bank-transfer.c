/* Money moves from one file to another. No crash, at any moment, loses it or makes it twice: both files change in one commit.
 *
 * The files are atomic: nothing but the commit changes what is durable. So they must be on a mapsharefs mount.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mapshare.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct account {
    int64_t balance;
    int64_t before;  /* the balance when the transfer began */
    int64_t pending; /* 1: a transfer is under way */
};

static struct mapshare *open_account(const char *path)
{
    struct mapshare_options options = {.size = sizeof(struct account), .flags = MAPSHARE_OPEN_ATOMIC};
    struct mapshare *ms = mapshare_open(path, O_RDWR | O_CREAT, 0644, &options);

    if (!ms && errno == ENOTSUP)
        errx(3, "%s is not on a mapsharefs mount", path);
    if (!ms)
        err(1, "%s", path);
    return ms;
}

/* Says whether the owner before died with the lock. The lock of one file is enough: these two have no transfers with others. */
static bool lock(struct mapshare *ms)
{
    int held = mapshare_lock(ms);

    if (held == -1)
        err(1, "lock");
    return held == 1;
}

/* The compiler may not change the order of these stores: repair() relies on it. */
static void transfer(volatile struct account *from, volatile struct account *to, int64_t amount)
{
    from->before = from->balance;
    to->before = to->balance;
    from->pending = to->pending = 1;
    from->balance -= amount;
    to->balance += amount;
    from->pending = to->pending = 0;
}

/* A process that died in the middle may have changed one account only. A crash rolls memory back, a death does not. */
static void repair(struct account *one, struct account *other)
{
    if (one->pending || other->pending) {
        one->balance = one->before;
        other->balance = other->before;
        one->pending = other->pending = 0;
    }
}

int main(int argc, char **argv)
{
    struct mapshare *files[2];
    struct account *from, *to;
    int first;

    if (argc < 3 || argc > 4 || strcmp(argv[1], argv[2]) == 0) {
        fprintf(stderr,
                "usage: bank-transfer FROM TO [AMOUNT]\nMoves AMOUNT from file FROM to file TO, and shows both balances.\n");
        return 2;
    }
    files[0] = open_account(argv[1]);
    files[1] = open_account(argv[2]);
    from = mapshare_addr(files[0]);
    to = mapshare_addr(files[1]);

    first = strcmp(argv[1], argv[2]) > 0; /* the same one in both directions */
    if (lock(files[first])) {
        repair(from, to);
        if (mapshare_consistent(files[first]))
            err(1, "consistent");
    }
    if (argc == 4) {
        transfer(from, to, atoll(argv[3]));
        if (mapshare_commit(files, 2, NULL))
            err(1, "commit");
    }
    printf("%s %" PRId64 ", %s %" PRId64 "\n", argv[1], from->balance, argv[2], to->balance);
    if (mapshare_unlock(files[first]))
        err(1, "unlock");
    return mapshare_close(files[0]) || mapshare_close(files[1]) ? 1 : 0;
}
