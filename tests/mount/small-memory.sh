#!/usr/bin/env bash
# The daemon in a control group with little memory: it asks for what there is, works with it, and refuses what would have it killed.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr
[ -z "${SANITIZERS:-}" ] || skip "a sanitizer takes more memory than the group has"
scratch
expect_log 'cache_size is used up: pages go to the spill file'

make_group() { # of either version
    local folder
    for folder in /sys/fs/cgroup/memory /sys/fs/cgroup "$SCRATCH/groups"; do
        [ "$folder" = "$SCRATCH/groups" ] && { mkdir "$folder"; mount -t cgroup2 none "$folder" 2>/dev/null || continue; USED_LOOPS+=("$folder"); }
        GROUP=$folder/mapshare-test-$$
        mkdir "$GROUP" 2>/dev/null || continue
        for LIMIT in "$GROUP/memory.limit_in_bytes" "$GROUP/memory.max"; do [ ! -e "$LIMIT" ] || return 0; done
        rmdir "$GROUP"
    done
    return 1
}
leave_group() {
    local pid
    for pid in $(cat "$GROUP/cgroup.procs"); do echo "$pid" >"$GROUP/../cgroup.procs"; done 2>/dev/null
    wait_until 20 rmdir "$GROUP"
}

make_group || skip "no memory controller of cgroups"
trap 'ended=$?; leave_group || true; clean_up $ended' EXIT
printf '#!/bin/bash\necho $$ >"%s"\nexec "%s" "$@"\n' "$GROUP/cgroup.procs" "$MAPSHAREFS" >"$SCRATCH/small"
chmod +x "$SCRATCH/small"
MAPSHAREFS=$SCRATCH/small # in the group from its first page of memory on

echo $((128 << 20)) >"$LIMIT"
! "$MAPSHAREFS" -o cache_size=24M "$STORE" "$MOUNT" 2>"$SCRATCH/said" || { USED_MOUNTS+=("$MOUNT"); fail "mounted, though the limit is less than what is needed"; }
grep -q "cache_size=24M: the control group's limit of memory is 128M" "$SCRATCH/said" || fail "a limit that is too low: $(cat "$SCRATCH/said")"

echo $((192 << 20)) >"$LIMIT"
if [ -e "$GROUP/memory.high" ]; then
    echo $((130 << 20)) >"$GROUP/memory.high"
    ! "$MAPSHAREFS" -o cache_size=24M "$STORE" "$MOUNT" 2>"$SCRATCH/said" || { USED_MOUNTS+=("$MOUNT"); fail "mounted, though memory.high is less than what is needed"; }
    grep -q "limit of memory is 130M" "$SCRATCH/said" || fail "memory.high is too low: $(cat "$SCRATCH/said")"
    echo max >"$GROUP/memory.high"
else
    skip_part "no memory.high: the controller is of the first version"
fi
start_mount cache_size=24M,journal_size=8M,commit_interval=1
start_operations one two
head -c 60000000 /dev/urandom >"$PLAIN/large"
cp "$PLAIN/large" "$MOUNT/large" || fail "a file that is larger than the cache cannot be written"
cmp "$PLAIN/large" "$MOUNT/large" || fail "a file that is larger than the cache differs"
end_operations
[ "$(stats_value restarts)" = 0 ] && [ "$(stats_value keeper_restarts)" = 0 ] || fail "processes were killed"
"$MAPSHARE" unmount "$MOUNT" || fail "mapshare unmount ended with $?"
compare_operations
cmp "$PLAIN/large" "$STORE/large" || fail "the store's large file differs"
