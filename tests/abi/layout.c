/* Sizes and offsets of the public structures, where pointers have 64 bits. A change here breaks programs that are built already. */
#include "config.h"

#include <stddef.h>
#include <stdio.h>

#include "mapshare.h"

#define HAS_SIZE(type, size) _Static_assert(sizeof(type) == (size), "size of " #type)
#define IS_AT(type, member, offset) _Static_assert(offsetof(type, member) == (offset), #type "." #member)

#if UINTPTR_MAX == UINT64_MAX
HAS_SIZE(struct mapshare_options, 48);
IS_AT(struct mapshare_options, struct_size, 0);
IS_AT(struct mapshare_options, size, 8);
IS_AT(struct mapshare_options, reserve, 16);
IS_AT(struct mapshare_options, flags, 24);
IS_AT(struct mapshare_options, reserved, 28);

HAS_SIZE(struct mapshare_receipt, 24);
IS_AT(struct mapshare_receipt, sequence, 0);
IS_AT(struct mapshare_receipt, time, 8);

HAS_SIZE(struct mapshare_range, 24);
IS_AT(struct mapshare_range, first, 0);
IS_AT(struct mapshare_range, last, 8);
IS_AT(struct mapshare_range, state, 16);
IS_AT(struct mapshare_range, reserved, 20);

HAS_SIZE(struct mapshare_status, 160);
IS_AT(struct mapshare_status, size, 0);
IS_AT(struct mapshare_status, committed_size, 8);
IS_AT(struct mapshare_status, atime, 16);
IS_AT(struct mapshare_status, mtime, 32);
IS_AT(struct mapshare_status, ctime, 48);
IS_AT(struct mapshare_status, commit, 64);
IS_AT(struct mapshare_status, kernel, 88);
IS_AT(struct mapshare_status, received, 96);
IS_AT(struct mapshare_status, committed, 104);
IS_AT(struct mapshare_status, writeback, 112);
IS_AT(struct mapshare_status, failed, 120);
IS_AT(struct mapshare_status, error, 128);
IS_AT(struct mapshare_status, on_mount, 132);
IS_AT(struct mapshare_status, atomic, 136);
IS_AT(struct mapshare_status, reserved, 140);

HAS_SIZE(struct mapshare_change, 40);
IS_AT(struct mapshare_change, sequence, 0);
IS_AT(struct mapshare_change, first, 8);
IS_AT(struct mapshare_change, last, 16);
IS_AT(struct mapshare_change, size, 24);
IS_AT(struct mapshare_change, kind, 32);
IS_AT(struct mapshare_change, reserved, 36);

HAS_SIZE(struct mapshare_event, 16);
IS_AT(struct mapshare_event, sequence, 0);
IS_AT(struct mapshare_event, notices, 8);

_Static_assert(MAPSHARE_PAGE_KERNEL == 1 && MAPSHARE_PAGE_RECEIVED == 2 && MAPSHARE_PAGE_COMMITTED == 3, "page states");
_Static_assert(MAPSHARE_PAGE_WRITEBACK == 4 && MAPSHARE_PAGE_FAILED == 5, "page states");
_Static_assert(sizeof(((struct mapshare_range *)NULL)->state) == 4, "no enumeration, whose size a compiler may choose");
_Static_assert(MAPSHARE_OPEN_ATOMIC == 1 && MAPSHARE_OPEN_POPULATE == 2, "flags of opening");
_Static_assert(MAPSHARE_LOCK_SHARED == 1 && MAPSHARE_LOCK_TRY == 2 && MAPSHARE_LOCKS == 32, "locks");
_Static_assert(MAPSHARE_CHANGE_STORED == 1 && MAPSHARE_CHANGE_HOLE == 2 && MAPSHARE_CHANGE_CUT == 3, "changes");
_Static_assert(MAPSHARE_CHANGE_GROWN == 4 && MAPSHARE_CHANGE_ANY == 5 && MAPSHARE_CHANGES_MOST == 4096, "changes");
_Static_assert(MAPSHARE_EVENT_COMMITS == 1 && MAPSHARE_EVENT_NOTICES == 2, "events");
_Static_assert(MAPSHARE_PAGE_SIZE == 4096 && MAPSHARE_VERSION >= 10000, "constants");

int main(void)
{
    return 0; /* it compiled */
}
#else
int main(void)
{
    puts("SKIP: the layout is fixed for 64-bit systems only");
    return 77;
}
#endif
