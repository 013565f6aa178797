/* A table of keys and values that any number of processes change, several pairs in one commit: all of them are durable, or none.
 *
 * The file is atomic, so after a crash it is as the last commit left it. That a process dies in the middle is another matter: what
 * it stored is still in memory. So each change is noted first in the file, and who gets the lock next takes back what was not finished.
 * An empty file is an empty table. It grows as it fills; the address stays. Who looks at all of it looks at the last commit, without the lock.
 * `mapshare backup` copies it meanwhile.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <mapshare.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024
#define NOTES 96             /* changes in one transaction */
#define STEP (64u << 10)     /* bytes by which the file grows */
#define RESERVE (1ull << 30) /* of address space: the most that it can have */

struct entry {
    uint64_t next; /* in the bucket: an index, since each process has the file at another address; 0: none */
    char key[40], value[80];
};

struct note { /* what was there before a change */
    uint64_t offset, size;
    char before[sizeof(struct entry)];
};

struct table {
    uint64_t entries; /* in use, from 1 */
    uint64_t notes;   /* of the transaction under way; 0: there is none */
    struct note note[NOTES];
    uint64_t bucket[BUCKETS];
    struct entry entry[];
};

static struct mapshare *ms;
static struct table *table;

/* Where a process may die, memory must not be in another order than the program. */
static void in_order(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

static void take_back(void)
{
    for (; table->notes > 0; table->notes--) {
        const struct note *note = &table->note[table->notes - 1];

        memcpy((char *)table + note->offset, note->before, note->size);
        in_order();
    }
}

static void begin(void)
{
    int held = mapshare_lock(ms);

    if (held == -1)
        err(1, "lock");
    if (held == 1) { /* its owner died */
        take_back();
        if (mapshare_consistent(ms))
            err(1, "consistent");
    }
}

/* To be called before what lies there is changed. */
static void about_to_change(void *what, size_t size)
{
    struct note *note = &table->note[table->notes];

    note->offset = (size_t)((char *)what - (char *)table);
    note->size = size;
    memcpy(note->before, what, size);
    in_order();
    table->notes++;
    in_order();
}

static void end(void)
{
    if (mapshare_unlock(ms))
        err(1, "unlock");
}

static void commit(void)
{
    in_order();
    table->notes = 0;
    if (mapshare_sync(ms, 0, 0, MS_SYNC, NULL)) /* all or nothing, on disk */
        err(1, "commit");
    end();
}

static uint64_t *bucket_of(const char *key)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    while (*key)
        hash = (hash ^ (unsigned char)*key++) * 1099511628211u;
    return &table->bucket[hash % BUCKETS];
}

static struct entry *find(const char *key)
{
    for (uint64_t index = *bucket_of(key); index > 0; index = table->entry[index].next)
        if (strcmp(table->entry[index].key, key) == 0)
            return &table->entry[index];
    return NULL;
}

/* An entry at the end, in no bucket yet. */
static struct entry *new_entry(const char *key)
{
    size_t needed = offsetof(struct table, entry) + (table->entries + 2) * sizeof(struct entry);

    if (needed > mapshare_size(ms) && mapshare_resize(ms, (needed + STEP - 1) / STEP * STEP))
        err(1, "resize");
    about_to_change(&table->entries, sizeof(table->entries));
    table->entries++;
    strcpy(table->entry[table->entries].key, key);
    return &table->entry[table->entries];
}

static void put(const char *key, const char *value)
{
    struct entry *entry = find(key);

    if (entry) {
        about_to_change(entry, sizeof(*entry));
        strcpy(entry->value, value);
        return;
    }
    entry = new_entry(key);
    strcpy(entry->value, value);
    entry->next = *bucket_of(key);
    about_to_change(bucket_of(key), sizeof(uint64_t));
    *bucket_of(key) = table->entries;
}

static void put_all(char **words, int count)
{
    for (int i = 0; i < count; i += 2)
        if (strlen(words[i]) >= sizeof(table->entry->key) || strlen(words[i + 1]) >= sizeof(table->entry->value))
            errx(1, "%s: too long, or its value is", words[i]);
    if (count > NOTES) /* a pair takes two notes at most */
        errx(1, "more than %d pairs", NOTES / 2);
    begin();
    for (int i = 0; i < count; i += 2)
        put(words[i], words[i + 1]);
    commit();
}

static int get(const char *key)
{
    const struct entry *entry;

    begin();
    entry = find(key);
    if (entry)
        puts(entry->value);
    end();
    return entry ? 0 : 1;
}

/* As the last commit left it, whatever others are doing: no lock, and nobody waits. */
static struct table *last_commit(void)
{
    struct mapshare_view *view = mapshare_snapshot(&ms, 1, 0);
    struct table *copy;
    uint64_t size;

    if (!view || mapshare_snapshot_size(view, 0, &size))
        err(1, "snapshot");
    copy = calloc(1, size + sizeof(struct table)); /* there may be no commit yet */
    if (!copy || mapshare_snapshot_read(view, 0, copy, size, 0) != (ssize_t)size)
        err(1, "reading a snapshot"); /* ESTALE: the daemon was replaced; try again */
    mapshare_snapshot_close(view);
    return copy;
}

static int list(void)
{
    struct table *copy = last_commit();

    for (uint64_t index = 1; index <= copy->entries; index++)
        printf("%s\t%s\n", copy->entry[index].key, copy->entry[index].value);
    free(copy);
    return 0;
}

int main(int argc, char **argv)
{
    struct mapshare_options options = {.size = sizeof(struct table) + STEP, .reserve = RESERVE, .flags = MAPSHARE_OPEN_ATOMIC};
    int status = 0;

    if (argc != 2 && argc != 3 && argc % 2 != 0) {
        fprintf(stderr, "usage: key-value FILE [KEY [VALUE [KEY VALUE]...]]\n"
                        "Shows all of the table in FILE, or the value of KEY; or stores pairs of keys and values, all or none.\n");
        return 2;
    }
    ms = mapshare_open(argv[1], O_RDWR | O_CREAT, 0644, &options);
    if (!ms && errno == ENOTSUP)
        errx(3, "%s is not on a mapsharefs mount", argv[1]);
    if (!ms)
        err(1, "%s", argv[1]);
    table = mapshare_addr(ms);
    if (argc > 3)
        put_all(argv + 2, argc - 2);
    else
        status = argc == 3 ? get(argv[2]) : list();
    return mapshare_close(ms) ? 1 : status;
}
