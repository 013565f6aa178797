/* Options that can be changed while it is mounted: the daemon knows which these are. */
#include "config.h"

#include "command.h"
#include "inspect.h"
#include "message.h"
#include "output.h"
#include "statistics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The operands behind the mount, as one list. False after a message. */
static bool join(const struct arguments *arguments, char *list, size_t max)
{
    size_t used = 0;

    for (int i = 1; i < arguments->operand_count && used < max; i++)
        used += (size_t)snprintf(list + used, max - used, "%s%s", i > 1 ? "," : "", arguments->operands[i]);
    if (used < max)
        return true;
    message("set: too many options at once; give some of them");
    return false;
}

enum exit_status command_set(const struct arguments *arguments)
{
    const char *mount_point = arguments->operands[0];
    struct mapshare_abi_set change = {0};
    char *option, *rest = change.text;
    int result;

    if (arguments->operand_count < 2) {
        message("set: OPTION: missing; see 'mapshare options %s' for what holds", quoted(mount_point));
        return STATUS_USAGE;
    }
    if (!join(arguments, change.text, sizeof change.text))
        return STATUS_USAGE;
    result = inspect_set(mount_point, &change);
    change.text[sizeof change.text - 1] = '\0';
    if (result == -EPERM)
        message("%s: only root and the mount's owner may change its options", quoted(mount_point));
    else if (result)
        statistics_tell(mount_point, result);
    else if (change.error)
        message("%s", quoted(change.text));
    while (!result && !change.error && (option = strsep(&rest, ",")) && *option)
        puts(quoted(option));
    return result || change.error ? STATUS_FAILURE : STATUS_OK;
}
