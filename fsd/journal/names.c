#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* They are names no more, but of the change, should it have to be taken back. */
static int give_up_below(struct names *names, const char *path, struct name_change *change)
{
    struct name_list taken;
    struct name *name;
    int result = take_below(names, path, &taken);
    while (result == 0 && (name = SLIST_FIRST(&taken)) != NULL) {
        SLIST_REMOVE_HEAD(&taken, next);
        SLIST_INSERT_HEAD(&change->gone, name, next);
    }
    return result;
}

static int rename_below(struct names *names, const char *old, const char *new, struct name_change *change)
{
    struct name_list taken;
    int result = take_below(names, old, &taken);
    if (result == 0)
        result = give_up_below(names, new, change);
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

static int apply(struct names *names, struct name_change *change)
{
    switch (change->change) {
    case JOURNAL_RENAME:
    case JOURNAL_REPLACE:
        return rename_below(names, change->old_path, change->new_path, change);
    case JOURNAL_EXCHANGE:
        return exchange(names, change->old_path, change->new_path);
    case JOURNAL_LINK:
        return link_to(names, change->old_path, change->new_path);
    case JOURNAL_UNLINK:
        return give_up_below(names, change->old_path, change);
    default:
        return 0;
    }
}

static bool is_move(enum journal_change change)
{
    return change == JOURNAL_RENAME || change == JOURNAL_REPLACE;
}

/* The latest change is taken back. */
static int revert(struct names *names, struct name_change *change)
{
    struct name_change unused = {0};
    struct name *name;
    int result = 0;
    if (is_move(change->change))
        result = rename_below(names, change->new_path, change->old_path, &unused);
    else if (change->change == JOURNAL_EXCHANGE)
        result = exchange(names, change->new_path, change->old_path);
    else if (change->change == JOURNAL_LINK)
        result = give_up_below(names, change->new_path, &unused);
    free_list(&unused.gone);
    while ((name = SLIST_FIRST(&change->gone)) != NULL) {
        SLIST_REMOVE_HEAD(&change->gone, next);
        insert(names, name);
    }
    return result;
}

static void free_change(struct name_change *change)
{
    if (change == NULL)
        return;
    free_list(&change->gone);
    free(change->old_path);
    free(change->new_path);
    free(change);
}

static struct name_change *new_change(const struct journal_name *from, uint64_t number)
{
    struct name_change *change = calloc(1, sizeof(*change));
    if (change == NULL)
        return NULL;
    change->change = from->change;
    change->number = number;
    change->old_path = strdup(from->old_path);
    change->new_path = from->new_path == NULL ? NULL : strdup(from->new_path);
    if (change->old_path == NULL || (from->new_path != NULL && change->new_path == NULL)) {
        free_change(change);
        return NULL;
    }
    return change;
}

void names_begin(struct names *names, uint64_t durable)
{
    *names = (struct names){.durable = durable};
    STAILQ_INIT(&names->made);
}

/* Takes the change. */
static int make_it(struct names *names, struct name_change *change)
{
    int result = apply(names, change);
    if (change->number > names->durable)
        STAILQ_INSERT_TAIL(&names->made, change, next);
    else
        free_change(change);
    return result;
}

int names_made(struct names *names)
{
    struct name_change *change = names->open;
    names->open = NULL;
    return change == NULL ? 0 : make_it(names, change);
}

static int add_owner(struct names *names, const struct journal_name *change)
{
    struct name *name = find(names, change->old_path);
    return name == NULL ? 0 : image_add_owner(name->file, change->owner);
}

static bool same_path(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* After its effect, what was replaced cannot be told any more. */
static bool is_again(const struct name_change *before, const struct journal_name *change)
{
    return before != NULL && (before->change == change->change || (is_move(before->change) && is_move(change->change))) &&
           same_path(before->old_path, change->old_path) && same_path(before->new_path, change->new_path);
}

/* The worker that died over it had made it, or it would have been recorded again. */
static int make_doubted(struct names *names)
{
    const struct name_change *doubted = names->doubted;
    if (doubted == NULL || names->doubted_made)
        return 0;
    const struct journal_name name = {.change = doubted->change, .old_path = doubted->old_path, .new_path = doubted->new_path};
    struct name_change *change = new_change(&name, doubted->number);
    names->doubted_made = true;
    return change == NULL ? -ENOMEM : make_it(names, change);
}

static void close_open(struct names *names, bool doubted)
{
    if (doubted && names->open != NULL) {
        free_change(names->doubted);
        names->doubted = names->open;
        names->doubted_made = false;
    } else {
        free_change(names->open);
    }
    names->open = NULL;
}

/* A worker died over it, and the next one records it again. */
static bool is_recorded_again(struct names *names, const struct journal_name *change, bool *made)
{
    bool again = is_again(names->doubted, change);
    *made = again && names->doubted_made;
    if (again) {
        free_change(names->doubted);
        names->doubted = NULL;
    }
    return again;
}

int names_change(struct names *names, const struct journal_name *change, uint64_t number)
{
    bool made = false;
    if (change->change == JOURNAL_UNDONE || change->change == JOURNAL_DOUBTED) {
        close_open(names, change->change == JOURNAL_DOUBTED);
        return 0;
    }
    int result = names_made(names);
    if (result == 0 && change->change == JOURNAL_OWNER) /* whether it was made or not, this one will do */
        return add_owner(names, change);
    if (result == 0 && !is_recorded_again(names, change, &made))
        result = make_doubted(names);
    if (result < 0 || made)
        return result;
    names->open = new_change(change, number);
    return names->open == NULL ? -ENOMEM : 0;
}

/* A file that has its name by a change: its metadata was flushed before the commit, and with it the change and all before. */
static void count_shown(struct names *names, const char *path)
{
    struct name_change *change, *last = NULL;
    STAILQ_FOREACH (change, &names->made, next) {
        if (strcmp(change->old_path, path) == 0 || (change->new_path != NULL && strcmp(change->new_path, path) == 0))
            last = change;
    }
    while (last != NULL && (change = STAILQ_FIRST(&names->made)) != NULL) {
        STAILQ_REMOVE_HEAD(&names->made, next);
        last = change == last ? NULL : last;
        free_change(change);
    }
}

int names_commit(struct names *names, struct image_file *file, const char *path)
{
    count_shown(names, path);
    struct name *name = find(names, path);
    if (name != NULL && name->file == file)
        return 0;
    bool by_doubted = names->doubted != NULL && is_move(names->doubted->change) && rest_of(path, names->doubted->new_path) != NULL;
    int result = by_doubted ? make_doubted(names) : 0;
    return result < 0 ? result : names_set(names, file, path);
}

static bool is_there(int store, const char *path)
{
    int fd = path == NULL ? -ENOENT : path_open(store, path);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
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

/* The new name was there before the changes that may have been taken back, and one of them took it away. */
static bool comes_back(const struct names *names, const struct name_change *change)
{
    const struct name_change *before;
    STAILQ_FOREACH (before, &names->made, next) {
        if (before == change)
            return false;
        if (is_move(before->change) && strcmp(before->old_path, change->new_path) == 0)
            return true;
    }
    return false;
}

/* Of a change that is not the first, whose old name need not have been there. Such are in the store though they were not counted where several
 * workers died over changes. */
static bool is_shown(const struct names *names, const struct name_change *change, int store)
{
    return is_move(change->change) && !comes_back(names, change) && !is_there(store, change->old_path) &&
           is_there(store, change->new_path);
}

/* What is at both places cannot be told apart: it is not written to. */
static int forget_both(struct names *names, struct name_change *change)
{
    int result = give_up_below(names, change->old_path, change);
    return result < 0 || change->new_path == NULL ? result : give_up_below(names, change->new_path, change);
}

int names_ask(struct names *names, int store)
{
    struct name_change *change;
    bool made;
    int result = 0;
    if (names->open == NULL && !names->doubted_made) {
        names->open = names->doubted;
        names->doubted = NULL;
    }
    if (names->open != NULL) {
        if (names->durable == UINT64_MAX) /* then all but this one were made */
            names->durable = names->open->number - 1;
        result = names_made(names);
    }
    if (result < 0 || STAILQ_EMPTY(&names->made))
        return result;
    bool known = ask(STAILQ_FIRST(&names->made), store, &made);
    while (result == 0 && (change = STAILQ_LAST(&names->made, name_change, next)) != STAILQ_FIRST(&names->made)) {
        if (known && made && is_shown(names, change, store)) /* and so were those before */
            break;
        STAILQ_REMOVE(&names->made, change, name_change, next);
        result = revert(names, change);
        free_change(change);
    }
    change = STAILQ_FIRST(&names->made);
    if (result == 0 && !known)
        result = forget_both(names, change);
    else if (result == 0 && !made)
        result = revert(names, change);
    return result;
}

void names_free(struct names *names)
{
    struct name *name, *next;
    struct name_change *change;
    RB_FOREACH_SAFE (name, name_tree, &names->all, next)
        names_drop_one(names, name);
    while ((change = STAILQ_FIRST(&names->made)) != NULL) {
        STAILQ_REMOVE_HEAD(&names->made, next);
        free_change(change);
    }
    free_change(names->open);
    free_change(names->doubted);
}
