#include "config.h"

#include "command.h"
#include "message.h"
#include "output.h"
#include "store_folder.h"

#include "journal/apart.h"
#include "process/left.h"
#include "store/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void tell(const char *path, const char *text)
{
    if (path)
        message("%s: %s", quoted(path), text);
    else
        message("%s", text);
}

/* What the mount before had received may be in an arena (option arena). Only a mount can commit that, and only before a recovery. */
static int check_arena(const char *store, int folder, int lock, bool give_up)
{
    static struct arena_header header;
    char path[PATH_MAX];
    const char *fault;
    int arena, private, error = 0;

    if (!left_find(folder, lock, "", path))
        return 0;
    arena = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (arena < 0)
        return 0;
    private = openat(folder, MAPSHARE_PRIVATE_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    fault = trust_doubt(arena, S_IFREG) ?: left_fault(folder, private, arena, &header);
    if (fault) {
        message("%s: %s: what it has beyond the store's commits is lost", quoted(path), fault);
    } else if (!give_up) {
        message(
            "%s: all processes of the mount before died at once, and %s has what they had received and not committed: mount the "
            "store, which commits that, or drop it with --give-up",
            quoted(store), path);
        error = -ECANCELED;
    } else {
        message("%s: gave up what it has beyond the store's commits", quoted(path));
    }
    if (private >= 0)
        close(private);
    close(arena);
    return error;
}

static int replay(const char *store, int folder, bool give_up, struct recover_report *report)
{
    int lock = store_folder_lock(folder);
    int result;

    if (lock < 0)
        return lock;
    result = check_arena(store, folder, lock, give_up) ?: recover_apart(folder, give_up, tell, report);
    close(lock);
    return result;
}

static void plain_print(const struct recover_report *report)
{
    if (!report->commits)
        printf("nothing to replay: the store's files are complete\n");
    else
        printf("replayed %" PRIu64 " commits up to sequence %" PRIu64 ": %" PRIu64 " pages of %" PRIu64 " files\n", report->commits,
               report->sequence, report->pages, report->files);
    if (report->files_missing)
        printf("skipped %" PRIu64 " files that were removed since\n", report->files_missing);
    if (report->files_lost)
        printf("gave up %" PRIu64 " pages of %" PRIu64 " files that cannot be found\n", report->pages_lost, report->files_lost);
    if (report->commits_lost)
        printf("gave up at least %" PRIu64 " commits behind damage in the journal\n", report->commits_lost);
    else if (report->torn_bytes)
        printf("dropped %" PRIu64 " bytes after the last commit: begun, never acknowledged\n", report->torn_bytes);
}

static void report_json(const struct recover_report *report)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "commits", json_object_new_uint64(report->commits));
    json_object_object_add(object, "sequence", json_object_new_uint64(report->sequence));
    json_object_object_add(object, "pages", json_object_new_uint64(report->pages));
    json_object_object_add(object, "files", json_object_new_uint64(report->files));
    json_object_object_add(object, "files_missing", json_object_new_uint64(report->files_missing));
    json_object_object_add(object, "files_lost", json_object_new_uint64(report->files_lost));
    json_object_object_add(object, "pages_lost", json_object_new_uint64(report->pages_lost));
    json_object_object_add(object, "commits_lost", json_object_new_uint64(report->commits_lost));
    json_object_object_add(object, "torn_bytes", json_object_new_uint64(report->torn_bytes));
    json_print(object);
}

enum exit_status command_recover(const struct arguments *arguments)
{
    const char *path = arguments->operands[0];
    struct recover_report report = {0};
    int folder = store_folder_open(path);
    int result;

    if (folder < 0)
        return STATUS_FAILURE;
    result = replay(path, folder, arguments->give_up, &report);
    if (result == -EWOULDBLOCK) {
        store_folder_tell_used(path);
    } else if (result && report.commits_lost && !arguments->give_up) {
        message("%s: the journal is damaged: at least %" PRIu64
                " commits behind the damage are lost; --give-up keeps what is before it",
                quoted(path), report.commits_lost);
    } else if (result == -ENOTRECOVERABLE) {
        message("%s: %" PRIu64 " pages of %" PRIu64
                " files have no place, so nothing was changed; put the files back under the names above, "
                "or give these pages up with --give-up",
                quoted(path), report.pages_lost, report.files_lost);
    } else if (result) {
        if (result != -EFAULT && result != -ECANCELED) /* a crash, or an arena, was told */
            store_folder_tell_error(path, folder, result);
    } else if (arguments->json) {
        report_json(&report);
    } else {
        plain_print(&report);
    }
    close(folder);
    return result ? STATUS_FAILURE : STATUS_OK;
}
