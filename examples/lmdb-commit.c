/* An LMDB database and a file beside it change in one commit: the database knows where each text lies, the file has the texts.
 *
 * LMDB alone could make its own file durable, before the other or after it. Here it syncs nothing (MDB_NOSYNC), both files are
 * atomic, and one commit makes both durable. LMDB's transaction is the lock: one process writes at a time.
 * Build it with: cc lmdb-commit.c $(pkg-config --cflags --libs libmapshare) -llmdb
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <mapshare.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct place { /* of a text, in the file */
    uint64_t offset, length;
};

static void check(int result, const char *what)
{
    if (result)
        errx(1, "%s: %s", what, mdb_strerror(result));
}

static struct mapshare *open_file(const char *path)
{
    struct mapshare_options options = {.size = 4096, .reserve = 1u << 30, .flags = MAPSHARE_OPEN_ATOMIC};
    struct mapshare *ms = mapshare_open(path, O_RDWR | O_CREAT, 0644, &options);

    if (!ms && errno == ENOTSUP)
        errx(3, "%s is not on a mapsharefs mount", path);
    if (!ms)
        err(1, "%s", path);
    return ms;
}

/* The number of the last text, 0 if there is none, and the end of it. */
static uint64_t last_text(MDB_cursor *cursor, uint64_t *end)
{
    MDB_val key, value;
    struct place place = {0, 0};
    uint64_t number = 0;

    if (mdb_cursor_get(cursor, &key, &value, MDB_LAST) == 0) {
        memcpy(&number, key.mv_data, sizeof(number));
        memcpy(&place, value.mv_data, sizeof(place));
    }
    *end = place.offset + place.length;
    return number;
}

static void append(MDB_cursor *cursor, struct mapshare *texts, const char *text)
{
    struct place place = {.length = strlen(text)};
    uint64_t number = last_text(cursor, &place.offset) + 1;
    MDB_val key = {sizeof(number), &number}, value = {sizeof(place), &place};

    while (place.offset + place.length > mapshare_size(texts))
        if (mapshare_resize(texts, 2 * mapshare_size(texts)))
            err(1, "resize");
    memcpy((char *)mapshare_addr(texts) + place.offset, text, place.length);
    check(mdb_cursor_put(cursor, &key, &value, MDB_APPEND), "put");
}

static void show(MDB_cursor *cursor, const struct mapshare *texts)
{
    MDB_val key, value;
    struct place place;

    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        memcpy(&place, value.mv_data, sizeof(place));
        printf("%.*s\n", (int)place.length, (char *)mapshare_addr(texts) + place.offset);
    }
}

int main(int argc, char **argv)
{
    struct mapshare *files[2];
    MDB_env *environment;
    MDB_txn *transaction;
    MDB_cursor *cursor;
    MDB_dbi database;

    if (argc < 2) {
        fprintf(stderr, "usage: lmdb-commit FOLDER [TEXT...]\nKeeps texts in FOLDER, and shows all that it has.\n");
        return 2;
    }
    if (chdir(argv[1]))
        err(1, "%s", argv[1]);
    files[0] = open_file("texts");
    check(mdb_env_create(&environment), "create");
    check(mdb_env_open(environment, ".", MDB_NOSYNC, 0644), argv[1]);
    files[1] = open_file("data.mdb"); /* once LMDB has made it */

    check(mdb_txn_begin(environment, NULL, 0, &transaction), "begin");
    check(mdb_dbi_open(transaction, NULL, MDB_INTEGERKEY, &database), "database");
    check(mdb_cursor_open(transaction, database, &cursor), "cursor");
    for (int i = 2; i < argc; i++)
        append(cursor, files[0], argv[i]);
    mdb_cursor_close(cursor);
    check(mdb_txn_commit(transaction), "commit"); /* others see it, but it is not durable */
    if (mapshare_commit(files, 2, NULL))          /* now it is: all, or nothing of it */
        err(1, "commit");

    check(mdb_txn_begin(environment, NULL, MDB_RDONLY, &transaction), "begin");
    check(mdb_cursor_open(transaction, database, &cursor), "cursor");
    show(cursor, files[0]);
    mdb_cursor_close(cursor);
    mdb_txn_abort(transaction);
    mdb_env_close(environment);
    return mapshare_close(files[0]) || mapshare_close(files[1]) ? 1 : 0;
}
