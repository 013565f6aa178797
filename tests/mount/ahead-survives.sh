#!/usr/bin/env bash
# A commit whose pages were journaled ahead, before another file's commit, is whole after all processes are killed between two rounds
# of its checkpoint: the journal's tail may not pass those pages.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
head -c 67108864 /dev/zero | tr '\0' O >"$STORE/large"
head -c 4096 /dev/zero >"$STORE/small"
start_mount cache_size=256M,journal_size=256M,commit_interval=600
"$(helper mount/ahead-survives)" "$MOUNT/large" "$MOUNT/small" || fail "the commits failed"
for _ in $(seq 200); do
    [ "$(stats_value pages_checkpointed)" = 0 ] || break
    sleep 0.02
done
echo "killed with $(stats_value pages_checkpointed) pages checkpointed, $(stats_value frames_committed) committed"
kill_daemon
start_mount
stop_mount
[ "$(tr -d N <"$STORE/large" | wc -c)" = 0 ] || fail "$(tr -d N <"$STORE/large" | wc -c) bytes of an acknowledged commit are lost"
