#!/usr/bin/env bash
# map --follow draws again when pages change, over the last picture on a terminal, and does not hinder an unmount.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr tmux
scratch
start_mount commit_interval=1000

with_terminal
shown() { # TEXT: one picture, and it has this legend
    [ "$(terminal capture-pane -p | grep -c ' pages\?$')" = 1 ] && terminal capture-pane -p | grep -q -e "$1"
}

file=$MOUNT/file
head -c 8192 /dev/zero >"$file"
mapshare map --follow --svg="$SCRATCH/picture" "$file" >"$SCRATCH/said" 2>&1 &
svg=$!
kill_later $svg
"$MAPSHARE" map --follow "$file" >"$SCRATCH/pictures" 2>&1 &
plain=$!
kill_later $plain
wait_until 60 grep -q 'received 2 ' "$SCRATCH/pictures" || fail "no picture: $(cat "$SCRATCH/pictures")"
terminal new-session -d -x 200 -y 24 "env PS1='ready> ' bash --norc" || skip "tmux does not start"
terminal send-keys "clear; $MAPSHARE map --follow $file; echo status=\$?" Enter
wait_until 60 shown ' received 2  ' || fail "on a terminal: $(terminal capture-pane -p)"

head -c 4096 /dev/zero >>"$file"
wait_until 60 shown ' received 3  ' || fail "a page more, on a terminal: $(terminal capture-pane -p)"
wait_until 60 grep -q 'received 3 ' "$SCRATCH/pictures" || fail "a page more: $(cat "$SCRATCH/pictures")"
wait_until 60 grep -q '>received 3<' "$SCRATCH/picture" || fail "a page more, as SVG: $(cat "$SCRATCH/picture")"
mapshare sync "$file" >"$SCRATCH/receipt"
wait_until 60 shown ' received 0  ' || fail "after a commit: $(terminal capture-pane -p)"
wait_until 60 grep -q 'received 0 ' "$SCRATCH/pictures" || fail "after a commit: $(cat "$SCRATCH/pictures")"
[ -z "$(grep "^\. clean" "$SCRATCH/pictures" | uniq -d)" ] || fail "drawn without a change: $(cat "$SCRATCH/pictures")"

wait_until 60 mapshare unmount "$MOUNT" || fail "it hinders the unmount, for longer than a look takes"
wait_until 60 shown '^status=1' || fail "after the unmount: $(terminal capture-pane -p)"
wait_gone 60 "$plain" "$svg" || fail "it goes on after the unmount"
grep -q "$file: No such file" "$SCRATCH/pictures" || fail "after the unmount: $(cat "$SCRATCH/pictures")"
