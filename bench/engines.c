/* The same change, a number of values of 4,000 bytes, made durable by LMDB, SQLite, LevelDB and msync of a mapped file: some times, or for a while. */
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
#ifdef HAVE_LEVELDB
#include <leveldb/c.h>
#endif

#define VALUE_SIZE 4000

/* How many values there are; a commit changes some of them, which `list` names. */
struct engine {
    const char *name, *file;
    void *(*open)(const struct settings *settings, const char *path, size_t values, const char *value);
    void (*commit)(void *database, const size_t *list, size_t count, char *value);
    void (*close)(void *database);
};

/* ---- LMDB ---- */

struct lmdb {
    MDB_env *environment;
    MDB_dbi database;
};

static void lmdb_check(int result)
{
    if (result != 0) {
        errx(1, "lmdb: %s", mdb_strerror(result));
    }
}

static void lmdb_put(MDB_txn *transaction, MDB_dbi database, size_t number, const char *value)
{
    MDB_val key = {sizeof(number), &number}, data = {VALUE_SIZE, (void *)value};
    lmdb_check(mdb_put(transaction, database, &key, &data, 0));
}

static void *lmdb_open(const struct settings *settings, const char *path, size_t values, const char *value)
{
    static struct lmdb lmdb;
    MDB_txn *transaction;
    MDB_stat status;
    (void)settings;
    mkdir(path, 0755);
    lmdb_check(mdb_env_create(&lmdb.environment));
    lmdb_check(mdb_env_set_mapsize(lmdb.environment, values * 65536));
    lmdb_check(mdb_env_open(lmdb.environment, path, 0, 0644));
    lmdb_check(mdb_txn_begin(lmdb.environment, NULL, 0, &transaction));
    lmdb_check(mdb_dbi_open(transaction, NULL, MDB_INTEGERKEY, &lmdb.database));
    lmdb_check(mdb_stat(transaction, lmdb.database, &status));
    for (size_t number = 0; status.ms_entries == 0 && number < values; number++) {
        lmdb_put(transaction, lmdb.database, number, value);
    }
    lmdb_check(mdb_txn_commit(transaction));
    return &lmdb;
}

static void lmdb_commit(void *database, const size_t *list, size_t count, char *value)
{
    const struct lmdb *lmdb = database;
    MDB_txn *transaction;
    lmdb_check(mdb_txn_begin(lmdb->environment, NULL, 0, &transaction));
    for (size_t i = 0; i < count; i++) {
        value[0]++;
        lmdb_put(transaction, lmdb->database, list[i], value);
    }
    lmdb_check(mdb_txn_commit(transaction));
}

static void lmdb_close(void *database)
{
    mdb_env_close(((struct lmdb *)database)->environment);
}

/* ---- SQLite ---- */

struct sqlite {
    sqlite3 *database;
    sqlite3_stmt *update;
};

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

static void *sqlite_open(const struct settings *settings, const char *path, size_t values, const char *value)
{
    static struct sqlite sqlite;
    (void)settings;
    if (sqlite3_open(path, &sqlite.database) != SQLITE_OK) {
        errx(1, "%s: %s", path, sqlite3_errmsg(sqlite.database));
    }
    sqlite_run(sqlite.database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                "CREATE TABLE IF NOT EXISTS entries(number INTEGER PRIMARY KEY, value BLOB); BEGIN");
    sqlite3_stmt *insert = sqlite_prepare(sqlite.database, "INSERT INTO entries(value, number) VALUES(?, ?)");
    sqlite3_stmt *exists = sqlite_prepare(sqlite.database, "SELECT 1 FROM entries LIMIT 1");
    if (sqlite3_step(exists) == SQLITE_DONE) {
        for (size_t number = 0; number < values; number++) {
            sqlite_put(sqlite.database, insert, number, value);
        }
    }
    sqlite3_finalize(exists);
    sqlite3_finalize(insert);
    sqlite_run(sqlite.database, "COMMIT");
    sqlite.update = sqlite_prepare(sqlite.database, "UPDATE entries SET value = ? WHERE number = ?");
    return &sqlite;
}

static void sqlite_commit(void *database, const size_t *list, size_t count, char *value)
{
    const struct sqlite *sqlite = database;
    sqlite_run(sqlite->database, "BEGIN");
    for (size_t i = 0; i < count; i++) {
        value[0]++;
        sqlite_put(sqlite->database, sqlite->update, list[i], value);
    }
    sqlite_run(sqlite->database, "COMMIT");
}

static void sqlite_close(void *database)
{
    const struct sqlite *sqlite = database;
    sqlite3_finalize(sqlite->update);
    sqlite3_close(sqlite->database);
}

/* ---- LevelDB ---- */

#ifdef HAVE_LEVELDB
static void leveldb_check(const char *error)
{
    if (error != NULL) {
        errx(1, "leveldb: %s", error);
    }
}

static void leveldb_commit(void *database, const size_t *list, size_t count, char *value)
{
    leveldb_writeoptions_t *options = leveldb_writeoptions_create();
    leveldb_writebatch_t *batch = leveldb_writebatch_create();
    char *error = NULL;
    leveldb_writeoptions_set_sync(options, 1);
    for (size_t i = 0; i < count; i++) {
        value[0]++;
        leveldb_writebatch_put(batch, (const char *)&list[i], sizeof(list[i]), value, VALUE_SIZE);
    }
    leveldb_write(database, options, batch, &error);
    leveldb_check(error);
    leveldb_writebatch_destroy(batch);
    leveldb_writeoptions_destroy(options);
}

/* All values are put anew each time. */
static void *leveldb_open_new(const struct settings *settings, const char *path, size_t values, const char *value)
{
    leveldb_options_t *options = leveldb_options_create();
    char *error = NULL, first[VALUE_SIZE];
    (void)settings;
    memcpy(first, value, sizeof(first));
    leveldb_options_set_create_if_missing(options, 1);
    leveldb_t *database = leveldb_open(options, path, &error);
    leveldb_check(error);
    for (size_t number = 0; number < values; number++) {
        leveldb_commit(database, &number, number % 1024 == 1023 || number + 1 == values, first);
    }
    leveldb_options_destroy(options);
    return database;
}

static void leveldb_end(void *database)
{
    leveldb_close(database);
}
#endif

/* ---- a mapped file ---- */

struct mapped {
    char *memory;
    size_t size;
};

static void *mapped_open(const struct settings *settings, const char *path, size_t values, const char *value)
{
    static struct mapped mapped;
    (void)value;
    mapped.size = values * PAGE;
    int fd = open_data(settings, strrchr(path, '/') + 1, mapped.size);
    mapped.memory = map_resident(fd, mapped.size);
    sync_mapping(mapped.memory, mapped.size);
    close(fd);
    return &mapped;
}

static void mapped_commit(void *database, const size_t *list, size_t count, char *value)
{
    const struct mapped *mapped = database;
    for (size_t i = 0; i < count; i++) {
        value[0]++;
        memcpy(mapped->memory + list[i] * PAGE, value, VALUE_SIZE);
    }
    sync_mapping(mapped->memory, mapped->size);
}

static void mapped_close(void *database)
{
    unmap(((struct mapped *)database)->memory, ((struct mapped *)database)->size);
}

/* ---- */

static const struct engine lmdb_engine = {"LMDB", "lmdb", lmdb_open, lmdb_commit, lmdb_close};
static const struct engine sqlite_engine = {"SQLite", "sqlite", sqlite_open, sqlite_commit, sqlite_close};
static const struct engine mapped_engine = {"mapped file", "data", mapped_open, mapped_commit, mapped_close};
#ifdef HAVE_LEVELDB
static const struct engine leveldb_engine = {"LevelDB", "leveldb", leveldb_open_new, leveldb_commit, leveldb_end};
#endif

/* `repeats` commits, or as many as there are in `seconds`. */
static void run(const struct settings *settings, const struct engine *engine, double seconds)
{
    char path[PATH_MAX], metric[64], value[VALUE_SIZE];
    unsigned seed = settings->seed;
    size_t values = settings->size / PAGE, count = 0, room = 4096, *list = allocate(settings->pages, sizeof(*list));
    double *latencies = allocate(room, sizeof(*latencies));
    memset(value, 'v', sizeof(value));
    snprintf(path, sizeof(path), "%s/%s", settings->directory, engine->file);
    void *database = engine->open(settings, path, values, value);
    double begin = now_microseconds(), now = begin;
    while (seconds > 0 ? now - begin < seconds * 1e6 : count < settings->repeats) {
        scattered_pages(list, settings->pages, values, &seed);
        double before = now_microseconds();
        engine->commit(database, list, settings->pages, value);
        now = now_microseconds();
        if (count == room && (latencies = realloc(latencies, (room *= 2) * sizeof(*latencies))) == NULL) {
            err(1, "memory");
        }
        latencies[count++] = now - before;
    }
    if (seconds > 0) {
        snprintf(metric, sizeof(metric), "sustained, values a second, %s", engine->name);
        sample(metric, (double)(count * settings->pages) * 1e6 / (now - begin), "1/s");
        snprintf(metric, sizeof(metric), "sustained, %s", engine->name);
        sample_distribution(metric, latencies, count);
    }
    snprintf(metric, sizeof(metric), "%zu values, %s", settings->pages, engine->name);
    for (size_t i = 0; seconds <= 0 && i < count; i++) {
        sample(metric, latencies[i], "us");
    }
    engine->close(database);
    free(latencies);
    free(list);
}

#define ENGINE(name)                                              \
    static void name##_repeated(const struct settings *settings)  \
    {                                                             \
        run(settings, &name##_engine, 0);                         \
    }                                                             \
    static void name##_sustained(const struct settings *settings) \
    {                                                             \
        run(settings, &name##_engine, settings->seconds);         \
    }

ENGINE(lmdb)
ENGINE(sqlite)
ENGINE(mapped)
#ifdef HAVE_LEVELDB
ENGINE(leveldb)
#endif

int main(int argc, char **argv)
{
    static const struct measure_case cases[] = {
        {"lmdb", lmdb_repeated},
        {"sqlite", sqlite_repeated},
        {"mapped", mapped_repeated},
        {"lmdb-sustained", lmdb_sustained},
        {"sqlite-sustained", sqlite_sustained},
        {"mapped-sustained", mapped_sustained},
#ifdef HAVE_LEVELDB
        {"leveldb", leveldb_repeated},
        {"leveldb-sustained", leveldb_sustained},
#endif
    };
    return measure_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
