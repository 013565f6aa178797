#!/usr/bin/env bash
# The worker is killed while it finishes an unmounted store: the next one finishes it, nothing is lost. The probe's death is no loss. So it is with the
# keeper, and mapshare unmount knows.
. "$(dirname "$0")/../lib.sh"
need_mount
need_tool
need_program getfattr
scratch
expect_deaths
RANDOM=${SEED:=$((RANDOM))}
echo "seed: SEED=$SEED" >&2
for round in 1 2 3 4 5 6; do
    start_mount commit_interval=600
    dd if=/dev/urandom of="$PLAIN/data" bs=1M count=30 status=none
    cp "$PLAIN/data" "$MOUNT/data-$round"
    kill -9 "$(stats_value probe_pid)"
    attribute dirty "$MOUNT/data-$round" >/dev/null || fail "no attributes after the probe's death"
    worker=$(stats_value worker_pid)
    if is_root; then umount "$MOUNT"; else fusermount3 -u "$MOUNT"; fi
    sleep "0.0$((RANDOM % 10))"
    kill -9 "$worker" 2>/dev/null || true
    wait_gone 30 "$KEEPER" || fail "the keeper stays"
    cmp "$PLAIN/data" "$STORE/data-$round" || fail "round $round: the store is not complete"
    rm "$STORE/data-$round"
done

expect_log 'the keeper was ended; its stand-by keeps the mount from now on'
start_mount commit_interval=600,fault=write/files/500ms
has_standby() { [ "$(stats_value standby_pid)" != 0 ]; }
wait_until 30 has_standby || fail "nobody stands by"
USED_KEEPERS+=("$(stats_value standby_pid)")
cp "$PLAIN/data" "$MOUNT/data"
"$MAPSHARE" unmount "$MOUNT" 2>"$SCRATCH/said" &
unmounting=$!
not_mounted() { ! is_mounted "$MOUNT"; }
wait_until 30 not_mounted || fail "it is not unmounted"
kill -9 "$KEEPER"
wait "$unmounting" || fail "unmounted by the keeper that stood by: $(cat "$SCRATCH/said")"
cmp "$PLAIN/data" "$STORE/data" || fail "the store is not complete"
