#include "config.h"

#include "backup/index_write.h"
#include "backup/job.h"
#include "backup/place.h"
#include "backup/reuse.h"
#include "backup/tree.h"
#include "backup/walk.h"
#include "clock.h"
#include "command.h"
#include "mapshare-abi.h"
#include "message.h"
#include "output.h"
#include "statistics.h"
#include "store_folder.h"

#include "journal/objects.h"
#include "store/identity.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <search.h>
#include <time.h>
#include <unistd.h>

#define NICE 10
#define PASSES 5      /* of copying, before names are frozen */
#define FEW_FILES 16u /* are left to be copied then */
#define FREEZES 5     /* tries, as workers die */

/* What came of it. */
struct outcome {
    uint64_t sequence, end;
    struct recover_report replay;
};

/* ---- the store of a mount ---- */

/* The mount's store as its daemon has it: the number in its lock is that of the keeper. */
static int check_store(const char *mount, const char *path)
{
    struct statistics statistics;
    uint64_t keeper;

    if (!statistics_read_or_tell(mount, &statistics))
        return -1;
    keeper = statistics_number(&statistics, "keeper_pid");
    statistics_free(&statistics);
    if ((uint64_t)store_folder_keeper(path) == keeper)
        return 0;
    if (access(path, R_OK | X_OK))
        message_error(path, -errno);
    else
        message("%s: is not, or may not be seen as, the store of %s; run as root, or as its owner, where it was mounted",
                quoted(path), quoted(mount));
    return -1;
}

static int open_store(struct backup *backup)
{
    struct statx status;
    struct stat private;

    backup->store = store_folder_open(backup->store_name);
    if (backup->store < 0)
        return -1;
    backup->private = openat(backup->store, MAPSHARE_PRIVATE_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (backup->private < 0 || fstat(backup->private, &private) || statx(backup->store, "", AT_EMPTY_PATH, STATX_BTIME, &status)) {
        message_error(backup->store_name, -errno);
        return -1;
    }
    backup->foreign_modes = private.st_uid != 0;
    if (status.stx_mask & STATX_BTIME && identity_births(backup->store))
        return 0;
    message("%s: its file system does not tell when files were made, by which they are known again; unmount and copy it",
            quoted(backup->store_name));
    return -1;
}

static int find_store(struct backup *backup, const struct arguments *arguments)
{
    struct backup_parts *parts = &backup->parts;

    if (backup_parts_find(parts, arguments->operands, (size_t)arguments->operand_count - 1))
        return -1;
    backup->store_name = parts->store;
    if (check_store(parts->mount, parts->store) || open_store(backup))
        return -1;
    return backup_parts_exist(parts, backup->store);
}

/* ---- copying ---- */

/* What is left by the last pass is copied while names are frozen. */
static int copy_files(struct backup *backup)
{
    uint64_t copied = UINT64_MAX;
    int result = 0;

    setpriority(PRIO_PROCESS, 0, NICE); /* this thread; not the one that must keep up with the journal */
    for (int i = 0; i < PASSES && copied > FEW_FILES && !result; i++)
        result = backup_walk(backup, false, &copied);
    return result;
}

static int list_names(struct backup *backup, struct outcome *outcome)
{
    bool held = false;
    int result = 0;

    for (int i = 0; i < FREEZES && !held && !result; i++) {
        uint64_t begun = (uint64_t)clock_milliseconds(), copied;

        backup->listed_at = time(NULL);
        rewind(backup->list);
        if (ftruncate(fileno(backup->list), 0)) {
            message_error(backup->destination, -errno);
            return -1;
        }
        result = backup_source_freeze(&backup->source);
        if (!result)
            result = backup_walk(backup, true, &copied);
        if (!result)
            result = backup_parts_found(&backup->parts);
        if (!result)
            result = backup_source_thaw(&backup->source, &held, &outcome->sequence, &outcome->end);
        backup->list_milliseconds = (uint64_t)clock_milliseconds() - begun;
    }
    if (!result && !held) {
        message("%s: has too many names to be held still while they are listed, or its daemon died each time; unmount and copy it",
                quoted(backup->source.mount));
        result = -1;
    }
    if (!result && fflush(backup->list)) {
        message_error(backup->destination, -errno);
        result = -1;
    }
    return result;
}

static int replay(struct backup *backup, struct store *store, struct outcome *outcome)
{
    int error;

    if (backup_set_times(backup))
        return -1;
    error = objects_replay(store, backup->log, outcome->end, backup->objects, backup_note_replayed, backup, &outcome->replay);
    if (error == -EBADMSG)
        message("%s: the copy of the journal is damaged; the backup is not complete", quoted(backup->destination));
    else if (error)
        message_error(backup->destination, error);
    return error ? -1 : 0;
}

static int begin(struct backup *backup, struct store *store)
{
    const char *what, *doubt = journal_doubt(backup->store, &what);

    if (doubt) {
        store_folder_tell_error(backup->store_name, backup->store, -EPERM);
        return -1;
    }
    if (backup_source_open(&backup->source, backup->parts.mount) || backup_place_begin(backup))
        return -1;
    if (backup->earlier.name && backup_index_open(&backup->earlier, backup->store, backup->target, backup->destination))
        return -1;
    return backup_source_copy(&backup->source, store, backup->private, backup->log);
}

static int make_backup(struct backup *backup, const struct arguments *arguments, struct store *store, struct outcome *outcome)
{
    int result = find_store(backup, arguments);

    if (!result)
        result = begin(backup, store);
    if (!result)
        result = copy_files(backup);
    if (!result)
        result = backup_source_commit(&backup->source);
    if (!result)
        result = list_names(backup, outcome);
    if (!result)
        result = backup_source_finish(&backup->source, outcome->end);
    backup_source_end(&backup->source);
    if (!result)
        result = replay(backup, store, outcome);
    if (!result)
        result = backup_make_tree(backup);
    if (!result)
        result = backup_place_drop_objects(backup);
    if (!result)
        result = backup_index_write(backup);
    if (!result)
        result = backup_place_complete(backup);
    return result;
}

static void print(const struct backup *backup, const struct outcome *outcome)
{
    char size[OUTPUT_SIZE_SIZE];

    printf("%s: as of commit %" PRIu64 ": %" PRIu64 " names, %s copied, ", quoted(backup->destination), outcome->sequence,
           backup->listed, output_size(size, backup->bytes));
    if (backup->earlier.name)
        printf("%s shared with %s, ", output_size(size, backup->reused_bytes), quoted(backup->earlier.name));
    printf("%" PRIu64 " commits replayed; names were held still for %" PRIu64 " ms\n", outcome->replay.commits,
           backup->list_milliseconds);
}

static void print_json(const struct backup *backup, const struct outcome *outcome)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "destination", json_name(backup->destination));
    json_object_object_add(object, "sequence", json_object_new_uint64(outcome->sequence));
    json_object_object_add(object, "names", json_object_new_uint64(backup->listed));
    json_object_object_add(object, "bytes_copied", json_object_new_uint64(backup->bytes));
    json_object_object_add(object, "bytes_shared", json_object_new_uint64(backup->reused_bytes));
    json_object_object_add(object, "commits_replayed", json_object_new_uint64(outcome->replay.commits));
    json_object_object_add(object, "names_held_milliseconds", json_object_new_uint64(backup->list_milliseconds));
    json_print(object);
}

enum exit_status command_backup(const struct arguments *arguments)
{
    struct backup backup = {.destination = arguments->operands[arguments->operand_count - 1],
                            .store = -1,
                            .private = -1,
                            .target = -1,
                            .work = -1,
                            .objects = -1,
                            .log = -1,
                            .earlier = {.name = arguments->earlier, .root = -1},
                            .shows_progress = isatty(STDERR_FILENO),
                            .source = {.root = -1, .log.from = -1}};
    struct outcome outcome = {0};
    struct store *store;
    int result;

    if (arguments->operand_count < 2) {
        message("backup: DESTINATION: missing; see 'mapshare backup --help'");
        return STATUS_USAGE;
    }
    if (store_open_serial(&store) < 0) {
        message_error(backup.destination, -ENOMEM);
        return STATUS_FAILURE;
    }
    umask(0);
    result = make_backup(&backup, arguments, store, &outcome);
    if (backup.shows_progress)
        fputs("\r\033[K", stderr);
    if (!result && arguments->json)
        print_json(&backup, &outcome);
    else if (!result)
        print(&backup, &outcome);
    backup_place_close(&backup);
    backup_index_close(&backup.earlier);
    tdestroy(backup.replayed, free);
    if (backup.store >= 0)
        close(backup.store);
    if (backup.private >= 0)
        close(backup.private);
    store_close(store);
    backup_parts_free(&backup.parts);
    return result ? STATUS_FAILURE : STATUS_OK;
}
