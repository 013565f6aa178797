/* Processes write and read an LMDB environment, every second one through a writable map (MDB_WRITEMAP). Each has a ring of keys of
 * its own, and all add to one counter. Compiled by the test itself. */
#include <lmdb.h>

#include "storm.h"

#define WRITERS 3
#define KEYS 200 /* of each process; they are written over and over */

#define OK(call)                                              \
    do {                                                      \
        int ok_result = (call);                               \
        CHECK(ok_result == 0, "%s", mdb_strerror(ok_result)); \
    } while (0)

static MDB_env *open_environment(unsigned flags)
{
    MDB_env *environment;

    OK(mdb_env_create(&environment));
    OK(mdb_env_set_mapsize(environment, 16 << 20));
    OK(mdb_env_open(environment, ".", flags, 0600));
    return environment;
}

static MDB_txn *begin(MDB_env *environment, unsigned flags, MDB_dbi *database)
{
    MDB_txn *transaction;

    OK(mdb_txn_begin(environment, NULL, flags, &transaction));
    OK(mdb_dbi_open(transaction, NULL, 0, database));
    return transaction;
}

static uint64_t get(MDB_txn *transaction, MDB_dbi database, const char *name)
{
    MDB_val key = {strlen(name), (void *)name}, value;
    int result = mdb_get(transaction, database, &key, &value);

    if (result == MDB_NOTFOUND)
        return 0;
    OK(result);
    return strtoull(value.mv_data, NULL, 10);
}

static void put(MDB_txn *transaction, MDB_dbi database, const char *name, uint64_t number)
{
    char text[1500];
    MDB_val key = {strlen(name), (void *)name}, value = {sizeof(text), text};

    memset(text, 'v', sizeof(text));
    snprintf(text, sizeof(text), "%lu", (unsigned long)number);
    OK(mdb_put(transaction, database, &key, &value, 0));
}

static const char *key_of(int number, uint64_t round)
{
    static char name[40];

    snprintf(name, sizeof(name), "%d-%lu", number, (unsigned long)(round % KEYS));
    return name;
}

static void job(int number)
{
    MDB_env *environment = open_environment(number % 2 ? MDB_WRITEMAP : 0);
    uint64_t random = job_seed(number);
    MDB_txn *transaction;
    MDB_dbi database;

    while (!storm->stop) {
        uint64_t round = storm->told[number] + 1;

        transaction = begin(environment, 0, &database);
        put(transaction, database, "counter", get(transaction, database, "counter") + 1);
        put(transaction, database, key_of(number, round), round);
        OK(mdb_txn_commit(transaction));
        storm->told[number] = round;
        transaction = begin(environment, MDB_RDONLY, &database);
        CHECK(get(transaction, database, key_of(number, round)) == round, "round %lu", (unsigned long)round);
        CHECK(get(transaction, database, "counter") >= round, "round %lu", (unsigned long)round);
        mdb_txn_abort(transaction);
        breathe(&random, 6000);
    }
    mdb_env_close(environment);
}

static void check(void)
{
    MDB_env *environment = open_environment(MDB_RDONLY | MDB_NOLOCK);
    uint64_t sum = 0;
    MDB_dbi database;
    MDB_txn *transaction = begin(environment, MDB_RDONLY, &database);

    for (int i = 0; i < WRITERS; i++) {
        uint64_t last = storm->told[i];

        sum += last;
        for (uint64_t round = last >= KEYS ? last - KEYS + 1 : 1; round <= last; round++)
            CHECK(get(transaction, database, key_of(i, round)) == round, "process %d, round %lu", i, (unsigned long)round);
    }
    CHECK(get(transaction, database, "counter") == sum, "%lu, told %lu", (unsigned long)get(transaction, database, "counter"),
          (unsigned long)sum);
    mdb_txn_abort(transaction);
    mdb_env_close(environment);
}

int main(int argc, char **argv)
{
    return storm_main(argc, argv, &(struct client){.jobs = WRITERS, .job = job, .check = check});
}
