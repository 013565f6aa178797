#!/usr/bin/env bash
# top shows the commits of the last second, fits a small terminal, leaves on q, and does not hinder an unmount.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr tmux
scratch
start_mount commit_interval=1000

with_terminal
terminal new-session -d -x 80 -y 24 "env PS1='ready> ' bash --norc" || skip "tmux does not start"
shows() { # -J: a long folder's name does not break a line
    terminal capture-pane -J -p | grep -q -e "$1"
}
wait_until 10 shows 'ready>' || fail "no prompt"
run_top() {
    terminal send-keys "clear; $MAPSHARE top $MOUNT; echo status=\$?" Enter
    wait_until 10 shows '^q leaves' || fail "top shows: $(terminal capture-pane -p)"
}

run_top
commits_shown() {
    echo text >>"$MOUNT/file"
    mapshare sync "$MOUNT/file"
    shows '^commits  *[1-9][0-9.]*/s  *[1-9]'
}
wait_until 20 commits_shown || fail "no commit is shown: $(terminal capture-pane -p)"
shows '^journal  *\[' || fail "no journal: $(terminal capture-pane -p)"
terminal resize-window -x 24 -y 5
wait_until 5 shows '^daemon   keeper' || fail "a small terminal: $(terminal capture-pane -p)"
terminal resize-window -x 80 -y 24
terminal send-keys q
wait_until 5 shows '^status=0' || fail "q does not leave: $(terminal capture-pane -p)"

run_top
mapshare unmount "$MOUNT" || fail "top hinders the unmount"
wait_until 5 shows 'no longer mounted' || fail "after the unmount: $(terminal capture-pane -p)"
wait_until 5 shows '^status=1' || fail "status after the unmount: $(terminal capture-pane -p)"
