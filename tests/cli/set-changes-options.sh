#!/usr/bin/env bash
# What can be changed while it is mounted is changed at once, all of what is named or nothing; it outlives a worker and a program, and shows in
# the list of options and in the log. The rest is refused by its name.
. "$(dirname "$0")/lib.sh"
need_mount
need_root
need_program getfattr setfattr python3
need_open_fuse "$0"
scratch
expect_deaths
expect_log "$MOUNT: set by user 0: " 'request [0-9]+ of node' 'commit [0-9]+ of [0-9]+ files' 'the program was replaced' \
    'cache_size is used up: pages go to the spill file'
start_mount cache_size=40M,cache_max=96M,journal_size=64M,commit_interval=3600,max_restarts=1,user_handles=1000
chmod 777 "$MOUNT"

options_are() { # OPTION...
    local option
    mapshare options "$MOUNT" >"$SCRATCH/options"
    for option; do
        grep -qx "$option" "$SCRATCH/options" || fail "no $option in $(tr '\n' ' ' <"$SCRATCH/options")"
    done
}
kill_worker() {
    local worker
    worker=$(stats_value worker_pid)
    kill -9 "$worker"
    wait_until 30 another_worker "$worker" || fail "no other worker"
}
another_worker() { [ "$(stats_value worker_pid)" != "$1" ]; }

[ "$(mapshare set "$MOUNT" commit_interval=3600 user_waits=77 max_restarts=1000)" = "$(printf 'user_waits=77\nmax_restarts=1000')" ] ||
    fail "set does not print what it changed"
options_are commit_interval=3600 user_waits=77 max_restarts=1000 cache_size=40M cache_max=96M journal_max=64M
grep -q "mapsharefs: $MOUNT: set by user 0: user_waits=77,max_restarts=1000$" "$SCRATCH/daemon.log" || fail "not in the log"
for _ in 1 2 3; do kill_worker; done # more than were allowed at the mount
options_are user_waits=77 max_restarts=1000

refused 1 "threads cannot be changed while it is mounted; unmount it" mapshare set "$MOUNT" user_waits=78 threads=9
refused 1 "journal_size cannot be changed" mapshare set "$MOUNT" journal_size=8M
refused 1 "ro: for the kernel; change it with mount -o remount" mapshare set "$MOUNT" user_waits=78 ro
refused 1 "cache_size=200M: this mount has room for 96M (cache_max)" mapshare set "$MOUNT" user_waits=78 cache_size=200M
refused 1 "user_share=101: out of range; give 1 to 100" mapshare set "$MOUNT" user_waits=78 user_share=101
refused 1 "nonsense: unknown option" mapshare set "$MOUNT" user_waits=78,nonsense
refused 2 "OPTION: missing" mapshare set "$MOUNT"
refused 1 "only root and the mount's owner" as_user "$MAPSHARE" set "$MOUNT" user_waits=78
options_are user_waits=77

# pages that lie where the cache no longer is stay, and are written
head -c 28M /dev/urandom >"$PLAIN/file"
touch "$MOUNT/file"
setfattr -n user.mapshare.atomic -v 1 "$MOUNT/file"
dd if="$PLAIN/file" of="$MOUNT/file" bs=1M conv=notrunc status=none
mapshare set "$MOUNT" cache_size=16M >"$SCRATCH/set"
[ "$(stats_value frames_total)" = 4096 ] || fail "$(stats_value frames_total) frames after cache_size=16M"
[ "$(stats_value frames_received)" = 7168 ] || fail "$(stats_value frames_received) pages of 7168 are received"
kill_worker
cmp "$PLAIN/file" "$MOUNT/file" || fail "the file differs in a smaller cache"
mapshare sync "$MOUNT/file" >"$SCRATCH/sync" || fail "the file cannot be committed in a smaller cache"
is_free() { [ "$(stats_value frames_committed)" = 0 ] && [ "$(stats_value frames_free)" -gt 2048 ]; }
wait_until 60 is_free || fail "$(attribute stats "$MOUNT" | grep frames)"
[ "$(stats_value frames_free)" -le 4096 ] || fail "$(stats_value frames_free) of 4096 frames are free"
mapshare set "$MOUNT" cache_size=96M >"$SCRATCH/set"
kill_worker
[ "$(stats_value frames_total)" = 24576 ] && [ "$(stats_value frames_free)" -gt 20000 ] || fail "$(attribute stats "$MOUNT" | grep frames)"
cat "$PLAIN/file" "$PLAIN/file" | dd of="$MOUNT/file" bs=1M conv=notrunc status=none
[ "$(stats_value frames_spilled_max)" = 0 ] || fail "56M do not fit into a cache of 96M"
kill_worker
cat "$PLAIN/file" "$PLAIN/file" | cmp - "$MOUNT/file" || fail "the file differs in a larger cache"

# each takes effect
mapshare set "$MOUNT" commit_interval=1 log_level=trace user_handles=16 noatime >"$SCRATCH/set"
echo text >"$MOUNT/default"
refused 1 "not the root of its mount; give $MOUNT" mapshare set "$MOUNT/default" user_waits=78
committed() { [ "$(attribute committed "$MOUNT/default")" != 0 ] || [ "$(attribute commit "$MOUNT/default")" != none ]; }
wait_until 60 committed || fail "commit_interval=1: a file is not committed"
grep -q 'request [0-9]* of node' "$SCRATCH/daemon.log" || fail "log_level=trace: no request is told of"
mapshare set "$MOUNT" log_level=note >"$SCRATCH/set"
opens() {
    # shellcheck disable=SC2016
    as_user python3 -c 'import sys; files = [open(sys.argv[1]) for _ in range(20)]' "$MOUNT/default" 2>"$SCRATCH/said"
}
! opens || fail "user_handles=16: 20 files can be open"
mapshare set "$MOUNT" user_handles=1000 >"$SCRATCH/set"
opens || fail "user_handles=1000: $(cat "$SCRATCH/said")"
rule_is() { [[ ,$(awk -v at="$(realpath "$MOUNT")" '$5 == at { print $6 }' /proc/self/mountinfo), == *,$1,* ]]; }
wait_until 30 rule_is noatime || fail "noatime is not in the mount table"
mapshare set "$MOUNT" relatime commit_interval=3600 >"$SCRATCH/set"
wait_until 30 rule_is relatime || fail "relatime is not in the mount table"

mapshare upgrade "$MOUNT" >"$SCRATCH/upgraded"
options_are user_waits=77 user_handles=1000 commit_interval=3600 cache_size=96M relatime
[ "$(stats_value frames_total)" = 24576 ] || fail "after an upgrade"
mapshare unmount "$MOUNT"
wait_gone 30 "$KEEPER" || fail "the keeper does not end"
cmp -n $((28 << 20)) "$PLAIN/file" "$STORE/file" || fail "the store's file differs"
