#!/usr/bin/env bash
# Times long past and far ahead are kept as the store's file system keeps them: of files that were written, over a commit, and over a remount.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
start_mount
dates=(1901-12-14 1969-12-31T23:59:59.999999999Z 1970-01-01T00:00:00Z 2038-01-20 2106-02-08 2242-03-16T12:56:32Z 2262-04-12 2300-01-01T00:00:00.123456789Z 2446-05-10 2600-01-01)
date_all() { # FOLDER
    local i
    for i in "${!dates[@]}"; do
        echo x >"$1/file$i" # known as changed: its times are the daemon's
        touch -d "${dates[i]}" "$1/file$i"
    done
}
dates_of() { # FOLDER
    (cd "$1" && for file in file*; do stat -c '%n %y %x' "$file"; done)
}
date_all "$PLAIN"
date_all "$MOUNT"
dates_of "$PLAIN" >"$SCRATCH/expected"
diff -u "$SCRATCH/expected" <(dates_of "$MOUNT") >&2 || fail "at once"
sync "$MOUNT"/file*
diff -u "$SCRATCH/expected" <(dates_of "$MOUNT") >&2 || fail "after a commit"
stop_mount
diff -u "$SCRATCH/expected" <(dates_of "$STORE") >&2 || fail "in the store"
start_mount
diff -u "$SCRATCH/expected" <(dates_of "$MOUNT") >&2 || fail "after a remount"
stop_mount
