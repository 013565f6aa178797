/* Several processes write and read an LMDB environment, every second one through a writable map (MDB_WRITEMAP), each under its own
 * keys, with a counter that all add to. Arguments: a folder, "write" PROCESSES ROUNDS or "check" PROCESSES ROUNDS; or a folder and "count": whether it is of
 * one transaction, whose counter is printed. Compiled by the tests themselves. */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OK(call)                                                                                 \
    do {                                                                                         \
        int result = (call);                                                                     \
        if (result != 0) {                                                                       \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, mdb_strerror(result)); \
            _exit(1);                                                                            \
        }                                                                                        \
    } while (0)

static MDB_env *open_environment(const char *folder, unsigned flags)
{
    MDB_env *environment;

    OK(mdb_env_create(&environment));
    OK(mdb_env_set_mapsize(environment, 64 << 20));
    OK(mdb_env_open(environment, folder, flags, 0644));
    return environment;
}

static long read_number(MDB_txn *transaction, MDB_dbi database, const char *name)
{
    MDB_val key = {strlen(name), (void *)name}, value;
    int result = mdb_get(transaction, database, &key, &value);

    if (result == MDB_NOTFOUND)
        return 0;
    OK(result);
    return atol(value.mv_data);
}

static void put(MDB_txn *transaction, MDB_dbi database, const char *name, long number)
{
    char text[3000];
    MDB_val key = {strlen(name), (void *)name}, value = {sizeof(text), text};

    memset(text, 'v', sizeof(text));
    snprintf(text, sizeof(text), "%ld", number);
    OK(mdb_put(transaction, database, &key, &value, 0));
}

static void write_rounds(const char *folder, int process, int rounds)
{
    MDB_env *environment = open_environment(folder, process % 2 ? MDB_WRITEMAP : 0);
    MDB_txn *transaction;
    MDB_dbi database;
    char name[40];

    for (int round = 0; round < rounds; round++) {
        OK(mdb_txn_begin(environment, NULL, 0, &transaction));
        OK(mdb_dbi_open(transaction, NULL, 0, &database));
        put(transaction, database, "counter", read_number(transaction, database, "counter") + 1);
        snprintf(name, sizeof(name), "%d-%d", process, round);
        put(transaction, database, name, round);
        put(transaction, database, "same", read_number(transaction, database, "counter"));
        OK(mdb_txn_commit(transaction));
        OK(mdb_txn_begin(environment, NULL, MDB_RDONLY, &transaction));
        if (read_number(transaction, database, name) != round || read_number(transaction, database, "counter") <= round) {
            fprintf(stderr, "process %d round %d reads something else\n", process, round);
            _exit(1);
        }
        mdb_txn_abort(transaction);
    }
    mdb_env_close(environment);
}

static int check(const char *folder, int processes, int rounds)
{
    MDB_env *environment = open_environment(folder, 0);
    MDB_txn *transaction;
    MDB_dbi database;
    char name[40];

    OK(mdb_txn_begin(environment, NULL, MDB_RDONLY, &transaction));
    OK(mdb_dbi_open(transaction, NULL, 0, &database));
    for (int process = 0; process < processes; process++)
        for (int round = 0; round < rounds; round++) {
            snprintf(name, sizeof(name), "%d-%d", process, round);
            if (read_number(transaction, database, name) != round)
                return fprintf(stderr, "%s is lost\n", name), 1;
        }
    if (read_number(transaction, database, "counter") != (long)processes * rounds)
        return fprintf(stderr, "counter is %ld\n", read_number(transaction, database, "counter")), 1;
    mdb_txn_abort(transaction);
    mdb_env_close(environment);
    return 0;
}

static int count(const char *folder)
{
    MDB_env *environment = open_environment(folder, 0);
    MDB_txn *transaction;
    MDB_dbi database;
    long counter, same;

    OK(mdb_txn_begin(environment, NULL, MDB_RDONLY, &transaction));
    OK(mdb_dbi_open(transaction, NULL, 0, &database));
    counter = read_number(transaction, database, "counter");
    same = read_number(transaction, database, "same");
    mdb_txn_abort(transaction);
    mdb_env_close(environment);
    printf("%ld\n", counter);
    return counter != same;
}

int main(int argc, char **argv)
{
    int processes, rounds, failures = 0, status;

    if (argc == 3 && strcmp(argv[2], "count") == 0)
        return count(argv[1]);
    if (argc != 5)
        return 2;
    processes = atoi(argv[3]);
    rounds = atoi(argv[4]);
    if (strcmp(argv[2], "check") == 0)
        return check(argv[1], processes, rounds);
    for (int process = 0; process < processes; process++)
        if (fork() == 0) {
            write_rounds(argv[1], process, rounds);
            _exit(0);
        }
    while (wait(&status) > 0)
        failures += status != 0;
    return failures > 0;
}
