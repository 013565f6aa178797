#!/usr/bin/env bash
# Snapshots on a mount: they stand still, have each commit of several files whole or not at all, end with their bound, their worker and their reader.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_tool
need_program getfattr
scratch
expect_deaths
expect_log 'its snapshots ended: what they need cannot be kept: No space left on device'
program=$(helper mount/snapshot)
FIRST_STORE=$STORE FIRST_MOUNT=$MOUNT
STORE=$SCRATCH/store2 MOUNT=$SCRATCH/mount2
mkdir "$STORE" "$MOUNT"
start_mount
OTHER_MOUNT=$MOUNT OTHER_KEEPER=$KEEPER
STORE=$FIRST_STORE MOUNT=$FIRST_MOUNT
start_mount allow_other
"$program" basics "$MOUNT" "$OTHER_MOUNT"
"$program" groups "$MOUNT" 2
echo secret >"$MOUNT/secret"
chmod 600 "$MOUNT/secret"
"$program" stranger "$MOUNT"

nothing_is_kept() {
    [ "$(stats_value snapshot_pages)" = 0 ]
}
wait_until 20 nothing_is_kept || fail "of closed snapshots $(stats_value snapshot_pages) pages are kept"

change() { # PAGES
    dd if=/dev/urandom of="$MOUNT/held" bs=4k count="$1" conv=notrunc,fsync status=none
}
hold() { # a reader of a snapshot of the file
    coproc READER { exec "$program" holds "$MOUNT/held"; }
    reader=$READER_PID
    kill_later "$reader"
    read -r answer <&"${READER[0]}"
    [ "$answer" = taken ] || fail "the reader says $answer"
}
ask() { # ANSWER
    echo >&"${READER[1]}"
    read -r answer <&"${READER[0]}"
    [ "$answer" = "$1" ] || fail "the reader finds $answer, not $1"
}
change 16
hold
change 8
ask same
[ "$(stats_value snapshot_pages)" = 8 ] || fail "$(stats_value user_0_snapshots) pages are kept"
"$MAPSHARE" cat --committed "$MOUNT/held" | cmp - "$MOUNT/held" || fail "what is committed is something else"

# A reader that is killed leaves nothing.
kill -9 "$reader"
wait "$reader" || true
wait_until 20 nothing_is_kept || fail "of a killed reader $(stats_value snapshot_pages) pages are kept"

# With the worker they end, and their readers are told.
hold
change 8
ask same
kill -9 "$(stats_value worker_pid)"
ask ESTALE
kill -9 "$reader"
wait "$reader" || true
hold
change 4
ask same
kill -9 "$reader"
wait "$reader" || true
stop_mount
MOUNT=$OTHER_MOUNT KEEPER=$OTHER_KEEPER
stop_mount

# Beyond its bound one is over, and writers do not notice.
STORE=$FIRST_STORE MOUNT=$FIRST_MOUNT
start_mount snapshot_size=1M
change 300
hold
change 256
ask same
change 257
ask ESTALE
wait_until 20 nothing_is_kept || fail "of a snapshot that is over $(stats_value snapshot_pages) pages are kept"
kill -9 "$reader"
wait "$reader" || true
stop_mount
