#!/usr/bin/env bash
# Colours are for terminals: not in a pipe, not with NO_COLOR or TERM=dumb.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr script
scratch
start_mount

truncate -s 1M "$MOUNT/file"
escape=$'\033'
on_terminal() { # VARIABLE=VALUE...
    env -u NO_COLOR TERM=xterm "$@" script -qec "$MAPSHARE map $MOUNT/file" "$SCRATCH/typescript" </dev/null >"$SCRATCH/seen"
}
on_terminal
grep -q "$escape" "$SCRATCH/seen" || fail "no colours on a terminal"
grep -q clean "$SCRATCH/seen" || fail "no legend on a terminal"
on_terminal NO_COLOR=
grep -q "$escape" "$SCRATCH/seen" || fail "an empty NO_COLOR takes the colours away"
for setting in NO_COLOR=1 TERM=dumb; do
    on_terminal $setting
    grep -q "$escape" "$SCRATCH/seen" && fail "colours with $setting"
    grep -q clean "$SCRATCH/seen" || fail "no picture with $setting"
done
TERM=xterm mapshare map "$MOUNT/file" | LC_ALL=C grep -q '[^ -~]' && fail "more than plain ASCII in a pipe"
stop_mount
