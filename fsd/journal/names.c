#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/image.h"
#include "journal/names.h"
#include "journal/path.h"

int name_compare(const struct name *a, const struct name *b)
{
    return strcmp(a->path, b->path);
}

RB_GENERATE(name_tree, name, link, name_compare)

static struct name *make(struct image_file *file, const char *head, const char *tail)
{
    struct name *name = malloc(sizeof(*name) + strlen(head) + strlen(tail) + 1);
    if (name != NULL) {
        name->file = file;
        stpcpy(stpcpy(name->path, head), tail);
    }
    return name;
}

void names_drop_one(struct names *names, struct name *name)
{
    RB_REMOVE(name_tree, &names->all, name);
    SLIST_REMOVE(&name->file->names, name, name, next);
    free(name);
}

/* Whoever was called so is not any more. */
static void insert(struct names *names, struct name *name)
{
    struct name *before = RB_FIND(name_tree, &names->all, name);
    if (before != NULL)
        names_drop_one(names, before);
    RB_INSERT(name_tree, &names->all, name);
    SLIST_INSERT_HEAD(&name->file->names, name, next);
}

static struct name *find(struct names *names, const char *path)
{
    struct name *key = make(NULL, path, "");
    struct name *name = key == NULL ? NULL : RB_FIND(name_tree, &names->all, key);
    free(key);
    return name;
}

void names_drop(struct names *names, struct image_file *file)
{
    while (!SLIST_EMPTY(&file->names))
        names_drop_one(names, SLIST_FIRST(&file->names));
}

int names_set(struct names *names, struct image_file *file, const char *path)
{
    struct name *name = make(file, path, ""); /* the path may be one of those that are dropped */
    if (name == NULL)
        return -ENOMEM;
    names_drop(names, file);
    insert(names, name);
    return 0;
}

/* What the path is called when `old` has become `new`: the rest behind it, or NULL where it is something else. */
static const char *rest_of(const char *path, const char *old)
{
    size_t length = strlen(old);
    if (strncmp(path, old, length) != 0 || (path[length] != 0 && path[length] != '/'))
        return NULL;
    return path + length;
}

/* Takes all names at and below a path out of the tree, into a list. */
static int take_below(struct names *names, const char *path, struct name_list *taken)
{
    struct name *key = make(NULL, path, ""), *name, *next;
    if (key == NULL)
        return -ENOMEM;
    SLIST_INIT(taken);
    /* Between the two may be names that only begin like it ("a", "a.c", "a/b"): they are passed over. */
    for (name = RB_NFIND(name_tree, &names->all, key); name != NULL && strncmp(name->path, path, strlen(path)) == 0; name = next) {
        next = RB_NEXT(name_tree, &names->all, name);
        if (rest_of(name->path, path) == NULL)
            continue;
        RB_REMOVE(name_tree, &names->all, name);
        SLIST_REMOVE(&name->file->names, name, name, next);
        SLIST_INSERT_HEAD(taken, name, next);
    }
    free(key);
    return 0;
}

static void free_list(struct name_list *list)
{
    struct name *name;
    while ((name = SLIST_FIRST(list)) != NULL) {
        SLIST_REMOVE_HEAD(list, next);
        free(name);
    }
}

/* Puts names back under another path. */
static int put_below(struct names *names, struct name_list *taken, const char *old, const char *new)
{
    struct name *name;
    int result = 0;
    SLIST_FOREACH (name, taken, next) {
        struct name *moved = make(name->file, new, rest_of(name->path, old));
        if (moved != NULL)
            insert(names, moved);
        else
            result = -ENOMEM;
    }
    free_list(taken);
    return result;
}

static int forget_below(struct names *names, const char *path)
{
    struct name_list taken;
    int result = take_below(names, path, &taken);
    free_list(&taken);
    return result;
}

static int rename_below(struct names *names, const char *old, const char *new)
{
    struct name_list taken;
    int result = take_below(names, old, &taken);
    if (result == 0 && strcmp(old, new) != 0)
        result = forget_below(names, new);
    return result < 0 ? result : put_below(names, &taken, old, new);
}

static int exchange(struct names *names, const char *one, const char *other)
{
    struct name_list from_one, from_other;
    int result = take_below(names, one, &from_one);
    if (result < 0)
        return result;
    result = take_below(names, other, &from_other);
    int first = put_below(names, &from_one, one, other);
    if (result == 0)
        result = put_below(names, &from_other, other, one);
    return result == 0 ? first : result;
}

static int link_to(struct names *names, const char *old, const char *new)
{
    struct name *name = find(names, old);
    if (name == NULL)
        return 0;
    struct name *other = make(name->file, new, "");
    if (other == NULL)
        return -ENOMEM;
    insert(names, other);
    return 0;
}

static void close_change(struct name_change *change)
{
    free(change->old_path);
    free(change->new_path);
    *change = (struct name_change){0};
}

static int apply(struct names *names, const struct name_change *change)
{
    switch (change->change) {
    case JOURNAL_RENAME:
    case JOURNAL_REPLACE:
        return rename_below(names, change->old_path, change->new_path);
    case JOURNAL_EXCHANGE:
        return exchange(names, change->old_path, change->new_path);
    case JOURNAL_LINK:
        return link_to(names, change->old_path, change->new_path);
    case JOURNAL_UNLINK:
        return forget_below(names, change->old_path);
    default:
        return 0;
    }
}

/* Made, but a power cut may have taken it back. */
static void put_in_doubt(struct names *names)
{
    if (names->doubt.change == 0) {
        names->doubt = names->open;
        names->open = (struct name_change){0};
    }
    close_change(&names->open);
}

int names_made(struct names *names)
{
    int result = 0;
    if (names->open.number > names->durable) {
        put_in_doubt(names);
    } else {
        result = apply(names, &names->open);
        close_change(&names->open);
    }
    return result;
}

static int add_owner(struct names *names, const struct journal_name *change)
{
    struct name *name = find(names, change->old_path);
    return name == NULL ? 0 : image_add_owner(name->file, change->owner);
}

int names_change(struct names *names, const struct journal_name *change, uint64_t number)
{
    int result = 0;
    if (change->change == JOURNAL_UNDONE)
        close_change(&names->open);
    else
        result = names_made(names);
    if (result < 0 || change->change == JOURNAL_UNDONE)
        return result;
    if (change->change == JOURNAL_OWNER) /* whether it was made or not, this one will do */
        return add_owner(names, change);
    names->open.old_path = strdup(change->old_path);
    if (change->new_path != NULL)
        names->open.new_path = strdup(change->new_path);
    if (names->open.old_path == NULL || (change->new_path != NULL && names->open.new_path == NULL)) {
        close_change(&names->open);
        return -ENOMEM;
    }
    names->open.number = number;
    names->open.change = change->change;
    return 0;
}

/* What is at both places cannot be told apart: it is not written to. */
static int forget_both(struct names *names, const struct name_change *change)
{
    int result = forget_below(names, change->old_path);
    return result < 0 || change->new_path == NULL ? result : forget_below(names, change->new_path);
}

static bool is_there(int store, const char *path)
{
    int fd = path == NULL ? -ENOENT : path_open(store, path);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* A file that has its name by this change: its metadata was flushed before the commit, and the change with it. */
static bool shows(const struct name_change *change, const char *path)
{
    return change->change != 0 &&
           (strcmp(change->old_path, path) == 0 || (change->new_path != NULL && strcmp(change->new_path, path) == 0));
}

int names_commit(struct names *names, struct image_file *file, const char *path)
{
    int result = 0;
    if (shows(&names->doubt, path)) {
        result = apply(names, &names->doubt);
        close_change(&names->doubt);
    }
    struct name *name = find(names, path);
    if (result == 0 && (name == NULL || name->file != file))
        result = names_set(names, file, path);
    return result;
}

/* Whether the store has the change. False: it does not tell. The old name was there before. */
static bool ask(const struct name_change *change, int store, bool *made)
{
    bool old = is_there(store, change->old_path);
    *made = !old;
    switch (change->change) {
    case JOURNAL_RENAME: /* what is at the new name may be what was there before that was freed */
    case JOURNAL_REPLACE:
        return !old || !is_there(store, change->new_path);
    case JOURNAL_LINK: /* one name will do */
        return true;
    case JOURNAL_UNLINK:
        return !old;
    default:
        return false;
    }
}

int names_ask(struct names *names, int store)
{
    int result = 0;
    bool made;
    if (names->open.number <= names->durable && names->durable != UINT64_MAX)
        result = names_made(names);
    else
        put_in_doubt(names);
    if (result < 0 || names->doubt.change == 0)
        return result;
    if (!ask(&names->doubt, store, &made))
        result = forget_both(names, &names->doubt);
    else if (made)
        result = apply(names, &names->doubt);
    close_change(&names->doubt);
    return result;
}

void names_free(struct names *names)
{
    struct name *name, *next;
    RB_FOREACH_SAFE (name, name_tree, &names->all, next)
        names_drop_one(names, name);
    close_change(&names->open);
    close_change(&names->doubt);
}
