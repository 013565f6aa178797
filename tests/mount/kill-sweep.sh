#!/usr/bin/env bash
# The worker is killed at each system call that it makes for a client's operations: the client does not notice. SWEEP_STRIDE=10 tries a tenth.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
scratch
expect_deaths
for option in commit_interval=600 atomic; do
    echo "with $option"
    start_mount "max_restarts=1000000,threads=2,$option"
    timeout 300 "$(helper mount/kill-sweep)" "$MOUNT"
    cp "$MOUNT/mapped" "$SCRATCH"
    stop_mount
    cmp "$SCRATCH/mapped" "$STORE/mapped" || fail "the store lost bytes"
    [ "$(ls "$STORE")" = mapped ] || fail "left in the store: $(ls "$STORE")"
done
