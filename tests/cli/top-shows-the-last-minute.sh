#!/usr/bin/env bash
# top draws the last minute of commits, bytes and latencies, the journal with its tail, and who is over a share; files are filtered and
# chosen by keys, and Enter shows the pages of one.
. "$(dirname "$0")/lib.sh"
need_mount
need_root # as a user who has a share
need_program getfattr setfattr setpriv tmux python3
scratch
expect_log 'cache_size is used up: pages go to the spill file'
start_mount commit_interval=1000,user_share=1
chmod 777 "$MOUNT"

with_terminal
screen() { terminal capture-pane -p; }
shows() { screen | grep -q -E -e "$1"; }
await() { wait_until 60 shows "$1" || fail "no '$1' in: $(screen)"; }
key() { terminal send-keys "$@"; }

for name in apple banana cherry; do head -c 10000 /dev/zero >"$MOUNT/$name"; done
touch "$MOUNT/atomic"
setfattr -n user.mapshare.atomic -v 1 "$MOUNT/atomic"
chown 65534 "$MOUNT/atomic"
as_user dd if=/dev/zero of="$MOUNT/atomic" bs=1M count=2 conv=notrunc status=none
mapshare top --once "$MOUNT" >"$SCRATCH/once"
grep -Eq '^user +65534 +memory [0-9]+ spilled [1-9][0-9]* .*, over the share$' "$SCRATCH/once" || fail "once: $(cat "$SCRATCH/once")"
grep -Eq '^request  [0-9]+, p50 [0-9.]+ (us|ms|s), p99 ' "$SCRATCH/once" || fail "once: $(cat "$SCRATCH/once")"

terminal new-session -d -x 120 -y 40 "env LC_ALL=C PS1='ready> ' bash --norc" || skip "tmux does not start"
await 'ready>'
key "clear; $MAPSHARE top $MOUNT" Enter
await '^q leaves; sort: u'
await '^journal  \[T +\]$'
await '^OVER ITS SHARE: +65534'
await '^arena    inodes [0-9]+ %'
history_shown() {
    echo more >>"$MOUNT/apple"
    mapshare sync "$MOUNT/apple"
    shows '^commits .*#[_.:=+*#-]*$' && shows '^pages .*MiB/s .*#[_.:=+*#-]*$' && shows '^latency  p50 [1-9][0-9.]* (us|ms|s) +.*#[_.:=+*#-]*$' &&
        shows '^         p99 [1-9][0-9.]* (us|ms|s), max .*#[_.:=+*#-]*$'
}
wait_until 60 history_shown || fail "no history: $(screen)"
[ "$(mapshare top --json "$MOUNT" | json_value "o['latency']['commit']['count'] == o['commits']")" = True ] || fail "JSON: $(mapshare top --json "$MOUNT")"

key / n a n
await '^only files with: nan_$'
key BSpace Enter
only_banana() { shows ' banana$' && ! shows ' (apple|cherry|atomic)$'; }
wait_until 60 only_banana || fail "the filter: $(screen)"
key Enter
await "^$MOUNT/banana: 9.8 KiB, 3 pages$"
await '^0  rrr$'
key Space Escape
await ' cherry$'
key n Down Down Down Enter # by name: the fourth
await "^$MOUNT/cherry: 9.8 KiB, 3 pages$"
terminal resize-window -x 60 -y 14
await '^w writeback 0 '
key Space
await '^latency  p50 .*, p99 .* (us|ms|s) '
shows ' cherry$' || fail "the chosen file is out of sight: $(screen)"
key q
await 'ready>'
as_user rm "$MOUNT/atomic"
stop_mount
