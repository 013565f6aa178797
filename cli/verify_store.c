/* The journal, which somebody else may have made, is read in a process that has given up
 * what it does not need; so that process prints, too. */
#include "config.h"

#include "backup/source.h"
#include "mapshare-abi.h"
#include "message.h"
#include "mounts.h"
#include "output.h"
#include "store_folder.h"
#include "verify_memory.h"
#include "verify_store.h"

#include "journal/apart.h"
#include "journal/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct verification {
    const char *path;
    int folder;
    struct json_object *json, *findings; /* NULL: for people */
    uint64_t wrong;
    bool used; /* a daemon has it */
    struct backup_source source;
};

/* A sentence, and whether it tells of something that does not hold. */
static void find(struct verification *verification, bool wrong, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void find(struct verification *verification, bool wrong, const char *format, ...)
{
    struct json_object *object;
    va_list arguments;
    char *text;
    int length;

    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    verification->wrong += wrong;
    if (length < 0)
        return;
    if (!verification->json) {
        printf("%s: %s\n", wrong ? "wrong" : "note", text);
    } else {
        object = json_object_new_object();
        json_object_object_add(object, "wrong", json_object_new_boolean(wrong));
        json_object_object_add(object, "text", json_name(text));
        json_object_array_add(verification->findings, object);
    }
    free(text);
}

static void add_number(struct verification *verification, const char *key, uint64_t number)
{
    json_object_object_add(verification->json, key, json_object_new_uint64(number));
}

/* ---- the lock ---- */

/* The second line of the lock's file; "": none. */
static void read_state(int folder, char *state, size_t size)
{
    int lock = openat(folder, MAPSHARE_PRIVATE_FOLDER "/lock", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char text[1024] = "", *line;

    if (lock >= 0 && pread(lock, text, sizeof text - 1, 0) <= 0)
        *text = '\0';
    if (lock >= 0)
        close(lock);
    line = strchr(text, '\n');
    snprintf(state, size, "%.*s", line ? (int)strcspn(line + 1, "\n") : 0, line ? line + 1 : "");
}

static void look_at_state(struct verification *verification, const struct journal_check *check)
{
    char state[512];

    read_state(verification->folder, state, sizeof state);
    if (verification->json)
        json_object_object_add(verification->json, "left", *state ? json_name(state) : NULL);
    else
        printf("left        %s\n", *state ? quoted(state) : "(not known)");
    if (!strncmp(state, MAPSHARE_LOCK_LOST, strlen(MAPSHARE_LOCK_LOST)))
        find(verification, true, "changes were lost when it was unmounted: %s", quoted(state + strlen(MAPSHARE_LOCK_LOST)));
    else if (!strcmp(state, MAPSHARE_LOCK_COMPLETE) && check->report.commits)
        find(verification, true, "it is said to be complete, and its journal has commits");
    else if (!strcmp(state, MAPSHARE_LOCK_SERVING) && !verification->used)
        find(verification, false, "its daemon ended without unmounting");
}

/* ---- the journal ---- */

static struct verification *telling; /* recover_tell has no context */

static void tell_lost(const char *path, const char *text)
{
    if (path)
        find(telling, true, "%s: %s", quoted(path), text);
    else
        find(telling, false, "%s", text);
}

static void find_error(struct verification *verification, int error)
{
    const char *what, *doubt = error == -EPERM ? journal_doubt(verification->folder, &what) : NULL;

    if (doubt)
        find(verification, true, "%s: %s: not used; check who made it", what, doubt);
    else if (error == -EBADMSG || error == -EUCLEAN)
        find(verification, true, "the journal is damaged");
    else
        find(verification, true, "the journal: %s", strerror(-error));
}

static void print_journal(struct verification *verification, const struct journal_check *check)
{
    const struct recover_report *report = &check->report;
    char size[OUTPUT_SIZE_SIZE];

    if (!verification->json) {
        printf("superblocks %s, %s\n", check->superblocks[0] ? "whole" : "not whole",
               check->superblocks[1] ? "whole" : "not whole");
        printf("journal     %s: %" PRIu64 " records, %" PRIu64 " commits, the last one %" PRIu64 "\n",
               output_size(size, check->capacity), report->chunks, report->commits, report->sequence);
        return;
    }
    add_number(verification, "journal_size", check->capacity);
    add_number(verification, "records", report->chunks);
    add_number(verification, "commits", report->commits);
    add_number(verification, "sequence", report->sequence);
}

static void look_at_superblocks(struct verification *verification, const struct journal_check *check)
{
    for (int i = 0; i < 2; i++) {
        if (!check->superblocks[i])
            find(verification, check->left_empty, "superblock %d is not whole%s", i,
                 check->left_empty ? "" : ": it was written when the machine stopped, or is damaged; the other one counts");
    }
    if (!check->own && check->capacity)
        find(verification, false, "the store is a copy: files are known by their paths alone");
}

static void print_recovery(struct verification *verification, const struct journal_check *check)
{
    const struct recover_report *report = &check->report;

    if (verification->json) {
        add_number(verification, "files", report->files);
        add_number(verification, "pages", report->pages);
        add_number(verification, "sizes", check->sizes);
        add_number(verification, "files_missing", report->files_missing);
        add_number(verification, "files_lost", report->files_lost);
        add_number(verification, "commits_lost", report->commits_lost);
        add_number(verification, "torn_bytes", report->torn_bytes);
    } else if (report->commits_lost || report->files_lost) {
        puts("recovery    would refuse, unless that is given up");
    } else if (report->commits) {
        printf("recovery    would write %" PRIu64 " pages of %" PRIu64 " files, and change %" PRIu64 " sizes\n", report->pages,
               report->files, check->sizes);
    } else {
        puts("recovery    would have nothing to do");
    }
}

static void look_at_log(struct verification *verification, const struct journal_check *check)
{
    const struct recover_report *report = &check->report;

    if (report->commits_lost)
        find(verification, true, "the journal is damaged: at least %" PRIu64 " commits behind the damage", report->commits_lost);
    else if (report->torn_bytes)
        find(verification, false, "%" PRIu64 " bytes after the last commit were begun, and never acknowledged", report->torn_bytes);
    if (report->files_missing)
        find(verification, false, "%" PRIu64 " files of the journal were removed", report->files_missing);
}

/* ---- what else is in the private folder ---- */

struct leftovers {
    uint64_t removed, unknown, saved, modes;
    bool half_made;
};

static bool is_known(const char *name)
{
    static const char *const names[] = {".", "..", "lock", "journal", "names", "reserve", "key", "index", "linked", "spill"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!strcmp(name, names[i]))
            return true;
    }
    return false;
}

static void visit(struct leftovers *left, const char *name)
{
    if (!strcmp(name, "removed") || is_known(name))
        return;
    if (!strcmp(name, "journal.new"))
        left->half_made = true;
    else if (!strncmp(name, "mode-", 5))
        left->modes++;
    else if (!strncmp(name, "saved-", 6))
        left->saved++;
    else
        left->unknown++;
}

static DIR *open_folder(int store, const char *path)
{
    int fd = openat(store, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC);

    if (fd < 0 && errno == EPERM)
        fd = openat(store, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? NULL : fdopendir(fd);
}

static int look_through(struct verification *verification, struct leftovers *left)
{
    DIR *folder = open_folder(verification->folder, MAPSHARE_PRIVATE_FOLDER);
    const struct dirent *entry;

    if (!folder)
        return -errno;
    while ((entry = readdir(folder)))
        visit(left, entry->d_name);
    closedir(folder);
    folder = open_folder(verification->folder, MAPSHARE_PRIVATE_FOLDER "/removed");
    while (folder && (entry = readdir(folder)))
        left->removed += entry->d_type != DT_DIR;
    if (folder)
        closedir(folder);
    return 0;
}

static void look_at_leftovers(struct verification *verification)
{
    struct leftovers left = {0};
    int error = look_through(verification, &left);

    if (error)
        find(verification, true, MAPSHARE_PRIVATE_FOLDER ": %s", strerror(-error));
    if (verification->json)
        add_number(verification, "removed", left.removed);
    if (left.removed && !verification->used)
        find(verification, false, "%" PRIu64 " removed files still take space, until it is mounted", left.removed);
    if (left.modes && !verification->used)
        find(verification, false, "%" PRIu64 " files have another mode for a moment that did not end; a mount sets it right",
             left.modes);
    if (left.half_made)
        find(verification, false, "a journal was not made to its end; a mount removes it");
    if (left.saved)
        find(verification, false, "%" PRIu64 " folders of pages that were saved when a mount could not go on", left.saved);
    if (left.unknown)
        find(verification, false, "%" PRIu64 " names in " MAPSHARE_PRIVATE_FOLDER " that this version does not know", left.unknown);
}

/* ---- all of it ---- */

/* In the process that has given up what it does not need. */
static int look(void *context)
{
    struct verification *verification = context;
    const struct backup_source *source = &verification->source;
    struct journal_check check;
    int error;

    telling = verification;
    if (source->root >= 0)
        error = journal_check_part(verification->folder, source->position, source->number, source->head, &check);
    else
        error = journal_check(verification->folder, tell_lost, &check);
    look_at_state(verification, &check);
    if (!error || check.capacity)
        print_journal(verification, &check);
    look_at_superblocks(verification, &check);
    if (error && error != -ENOENT)
        find_error(verification, error);
    look_at_log(verification, &check);
    look_at_leftovers(verification);
    if (!error && source->root < 0)
        print_recovery(verification, &check);
    if (verification->json) {
        json_object_object_add(verification->json, "findings", verification->findings);
        json_print(verification->json);
    }
    if (fflush(stdout) || ferror(stdout)) {
        message("standard output: %s; give it a place with room", strerror(errno));
        return -1;
    }
    if (verification->wrong)
        message("%s: %" PRIu64 " found wrong", quoted(verification->path), verification->wrong);
    return verification->wrong ? -1 : 0;
}

static void tell_crash(const char *path, const char *text)
{
    (void)path;
    message("%s", text);
}

/* The daemon keeps its journal until we have read it. One that only reads the store changes nothing. */
static int look_with_daemon(struct verification *verification)
{
    char *resolved = realpath(verification->path, NULL);
    struct mount_entry entry;
    int result = resolved ? mounts_of_store(resolved, &entry) : -errno;
    bool reads_only;

    free(resolved);
    if (result) {
        message("%s: in use by a daemon whose mount is not seen here; unmount it first, or look where it is mounted",
                quoted(verification->path));
        return -1;
    }
    reads_only = mounts_has_option(&entry, "ro");
    result = verify_memory(entry.point, verification->json);
    if (!result && !reads_only)
        result = backup_source_open(&verification->source, entry.point);
    if (!result)
        result = run_apart(look, verification, tell_crash);
    if (!result && !reads_only)
        result = backup_source_keeps(&verification->source);
    backup_source_end(&verification->source);
    mounts_free(&entry);
    return result;
}

int verify_store(const char *store, struct json_object *json)
{
    struct verification verification = {.path = store, .json = json, .source = {.root = -1, .log.from = -1}};
    int result;

    verification.folder = store_folder_open(store);
    if (verification.folder < 0)
        return -1;
    if (json) {
        json_object_object_add(json, "store", json_name(store));
        verification.findings = json_object_new_array();
    }
    verification.used = store_folder_is_used(verification.folder);
    result = verification.used ? look_with_daemon(&verification) : run_apart(look, &verification, tell_crash);
    json_object_put(verification.findings);
    close(verification.folder);
    return result ? -1 : 0;
}
