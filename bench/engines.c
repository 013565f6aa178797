/* The same change, a number of values of 4,000 bytes, made durable by LMDB, by SQLite and by msync of a mapped file. */
#include "config.h"

#include "measure.h"

#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define VALUE_SIZE 4000
#define VALUES ((size_t)16384)

static void report(const struct settings *settings, const char *engine, double spent)
{
    char metric[64];
    snprintf(metric, sizeof(metric), "%zu values, %s", settings->pages, engine);
    sample(metric, spent, "us");
}

static void lmdb_check(int result)
{
    if (result != 0) {
        errx(1, "lmdb: %s", mdb_strerror(result));
    }
}

static void lmdb_put(MDB_txn *transaction, MDB_dbi database, size_t number, char *value)
{
    MDB_val key = {sizeof(number), &number}, data = {VALUE_SIZE, value};
    lmdb_check(mdb_put(transaction, database, &key, &data, 0));
}

static void lmdb(const struct settings *settings)
{
    char path[PATH_MAX], value[VALUE_SIZE];
    unsigned seed = settings->seed;
    size_t *list = allocate(VALUES, sizeof(*list));
    MDB_env *environment;
    MDB_txn *transaction;
    MDB_dbi database;
    MDB_stat status;
    snprintf(path, sizeof(path), "%s/lmdb", settings->directory);
    memset(value, 'v', sizeof(value));
    mkdir(path, 0755);
    lmdb_check(mdb_env_create(&environment));
    lmdb_check(mdb_env_set_mapsize(environment, (size_t)1 << 30));
    lmdb_check(mdb_env_open(environment, path, 0, 0644));
    lmdb_check(mdb_txn_begin(environment, NULL, 0, &transaction));
    lmdb_check(mdb_dbi_open(transaction, NULL, MDB_INTEGERKEY, &database));
    lmdb_check(mdb_stat(transaction, database, &status));
    for (size_t number = 0; status.ms_entries == 0 && number < VALUES; number++) {
        lmdb_put(transaction, database, number, value);
    }
    lmdb_check(mdb_txn_commit(transaction));
    for (unsigned i = 0; i < settings->repeats; i++) {
        scattered_pages(list, settings->pages, VALUES, &seed);
        double begin = now_microseconds();
        lmdb_check(mdb_txn_begin(environment, NULL, 0, &transaction));
        for (size_t number = 0; number < settings->pages; number++) {
            value[0]++;
            lmdb_put(transaction, database, list[number], value);
        }
        lmdb_check(mdb_txn_commit(transaction));
        report(settings, "LMDB", now_microseconds() - begin);
    }
    mdb_env_close(environment);
    free(list);
}

static void sqlite_run(sqlite3 *database, const char *command)
{
    char *message = NULL;
    if (sqlite3_exec(database, command, NULL, NULL, &message) != SQLITE_OK) {
        errx(1, "sqlite: %s: %s", command, message);
    }
}

static void sqlite_put(sqlite3 *database, sqlite3_stmt *statement, size_t number, const char *value)
{
    sqlite3_bind_blob(statement, 1, value, VALUE_SIZE, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)number);
    if (sqlite3_step(statement) != SQLITE_DONE || sqlite3_reset(statement) != SQLITE_OK || sqlite3_changes(database) != 1) {
        errx(1, "sqlite: %s", sqlite3_errmsg(database));
    }
}

static sqlite3_stmt *sqlite_prepare(sqlite3 *database, const char *command)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(database, command, -1, &statement, NULL) != SQLITE_OK) {
        errx(1, "sqlite: %s: %s", command, sqlite3_errmsg(database));
    }
    return statement;
}

static void sqlite(const struct settings *settings)
{
    char path[PATH_MAX], value[VALUE_SIZE];
    unsigned seed = settings->seed;
    size_t *list = allocate(VALUES, sizeof(*list));
    sqlite3 *database;
    snprintf(path, sizeof(path), "%s/sqlite", settings->directory);
    memset(value, 'v', sizeof(value));
    if (sqlite3_open(path, &database) != SQLITE_OK) {
        errx(1, "%s: %s", path, sqlite3_errmsg(database));
    }
    sqlite_run(database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                         "CREATE TABLE IF NOT EXISTS entries(number INTEGER PRIMARY KEY, value BLOB); BEGIN");
    sqlite3_stmt *insert = sqlite_prepare(database, "INSERT INTO entries(value, number) VALUES(?, ?)");
    sqlite3_stmt *exists = sqlite_prepare(database, "SELECT 1 FROM entries LIMIT 1");
    if (sqlite3_step(exists) == SQLITE_DONE) {
        for (size_t number = 0; number < VALUES; number++) {
            sqlite_put(database, insert, number, value);
        }
    }
    sqlite3_finalize(exists);
    sqlite3_finalize(insert);
    sqlite_run(database, "COMMIT");
    sqlite3_stmt *update = sqlite_prepare(database, "UPDATE entries SET value = ? WHERE number = ?");
    for (unsigned i = 0; i < settings->repeats; i++) {
        scattered_pages(list, settings->pages, VALUES, &seed);
        double begin = now_microseconds();
        sqlite_run(database, "BEGIN");
        for (size_t number = 0; number < settings->pages; number++) {
            value[0]++;
            sqlite_put(database, update, list[number], value);
        }
        sqlite_run(database, "COMMIT");
        report(settings, "SQLite", now_microseconds() - begin);
    }
    sqlite3_finalize(update);
    sqlite3_close(database);
    free(list);
}

static void mapped(const struct settings *settings)
{
    char value[VALUE_SIZE];
    unsigned seed = settings->seed;
    size_t size = VALUES * PAGE;
    size_t *list = allocate(VALUES, sizeof(*list));
    memset(value, 'v', sizeof(value));
    int fd = open_data(settings, "data", size);
    char *memory = map_resident(fd, size);
    sync_mapping(memory, size);
    for (unsigned i = 0; i < settings->repeats; i++) {
        scattered_pages(list, settings->pages, VALUES, &seed);
        double begin = now_microseconds();
        for (size_t number = 0; number < settings->pages; number++) {
            value[0]++;
            memcpy(memory + list[number] * PAGE, value, sizeof(value));
        }
        sync_mapping(memory, size);
        report(settings, "mapped file", now_microseconds() - begin);
    }
    unmap(memory, size);
    close(fd);
    free(list);
}

int main(int argc, char **argv)
{
    static const struct measure_case cases[] = {
        {"lmdb", lmdb},
        {"sqlite", sqlite},
        {"mapped", mapped},
    };
    return measure_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
