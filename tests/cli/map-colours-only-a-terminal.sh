#!/usr/bin/env bash
# Colours are for terminals: not in a pipe, not with NO_COLOR or TERM=dumb, unless --color says otherwise.
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
NO_COLOR=1 mapshare map --color=always "$MOUNT/file" | grep -q "$escape" || fail "no colours though --color=always"
TERM=xterm mapshare map --color=auto "$MOUNT/file" | grep -q "$escape" && fail "colours in a pipe with --color=auto"
env -u NO_COLOR TERM=xterm script -qec "$MAPSHARE map --color=never $MOUNT/file" "$SCRATCH/typescript" </dev/null >"$SCRATCH/seen"
grep -q clean "$SCRATCH/seen" || fail "no picture with --color=never"
grep -q "$escape" "$SCRATCH/seen" && fail "colours though --color=never"
stop_mount
