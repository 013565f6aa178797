#!/usr/bin/env bash
# The worker is killed while it finishes an unmounted store: the next one finishes it, nothing is lost. The probe's death is no loss.
. "$(dirname "$0")/../lib.sh"
need_mount
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
