#!/usr/bin/env bash
# top shows the files that are not in the store, sorted as asked, on a small and on a large terminal, with and without colours.
. "$(dirname "$0")/lib.sh"
need_mount
need_root # to ask as another user
need_program getfattr python3 setpriv tmux
scratch
start_mount commit_interval=1000

with_terminal
shows() {
    terminal capture-pane -p | grep -q -E -e "$1"
}
await() { # REGEX
    wait_until 60 shows "$1" || fail "no '$1' in: $(terminal capture-pane -p)"
}
in_order() { # NAME...: the files, from the top
    [ "$(terminal capture-pane -p | sed -n 's|.* folder/\(..\)$|\1|p' | tr '\n' ' ')" = "$* " ]
}

mkdir "$MOUNT/folder"
for count in 3:bb 2:cc 1:aa; do
    head -c "${count%:*}0000" /dev/zero >"$MOUNT/folder/${count#*:}"
done
long=$(printf 'long-%.0s' {1..20})end
echo text >"$MOUNT/$long"
[ "$(mapshare top --json "$MOUNT" | json_value "[f['received'] for f in o['not_in_store']], o['files']")" = "[8, 5, 3, 1] 4" ] || fail "JSON"
mapshare top --once "$MOUNT" | grep -Eq '^ +8 +0 +0 +0 +none +- +folder/bb$' || fail "once: $(mapshare top --once "$MOUNT")"
as_user "$MAPSHARE" top --once "$MOUNT" | grep -q '^files *only root and the mount' || fail "another user is not told"
[ "$(as_user "$MAPSHARE" top --json "$MOUNT" | json_value "o['not_in_store']")" = None ] || fail "another user's JSON"

terminal new-session -d -x 200 -y 50 "env -u NO_COLOR TERM=screen-256color PS1='ready> ' bash --norc" || skip "tmux does not start"
await 'ready>'
terminal send-keys "clear; $MAPSHARE top $MOUNT; NO_COLOR=1 $MAPSHARE top $MOUNT" Enter
await '^RECEIVED COMMITTED .* SIZE FILE, 4 not in the store$'
await '^ +8 +0 +0 +0.0 +none +29.3 KiB folder/bb$'
await "^ +1 .* $long$"
await '^ +5 .*cc$'
in_order bb cc aa || fail "by what is not committed: $(terminal capture-pane -p)"
terminal send-keys n
wait_until 60 in_order aa bb cc || fail "by name: $(terminal capture-pane -p)"
mapshare sync "$MOUNT/folder/cc" >"$SCRATCH/receipt"
touch "$SCRATCH/at-work"
while [ -e "$SCRATCH/at-work" ]; do # the rate is that of files that were listed before
    echo more >>"$MOUNT/folder/cc"
    mapshare sync "$MOUNT/folder/cc"
done >"$SCRATCH/receipts" &
kill_later $!
terminal send-keys s
cc_leads() { # with a rate
    in_order cc bb aa && shows ' ([1-9][0-9.]+|0\.[1-9]) +[0-9.]+ s .*folder/cc$'
}
wait_until 60 cc_leads || fail "by commits: $(terminal capture-pane -p)"
rm "$SCRATCH/at-work"
terminal capture-pane -e -p | grep -q $'\033\[[0-9;]*4[1-6]m' || fail "no colours: $(terminal capture-pane -e -p)"

fits() { # ROWS: the last is the footer's, and those before are whole
    terminal capture-pane -p >"$SCRATCH/screen"
    [ "$(wc -l <"$SCRATCH/screen")" = "$1" ] && sed -n '1p;$p' "$SCRATCH/screen" | tr '\n' ' ' | grep -q '^mapshare .*q leaves' &&
        [ "$(grep -Ec '^(daemon   keeper|commits  |pages    |frames   \[.*\]$|journal  \[.*\]$|RECEIVED )' "$SCRATCH/screen")" = 6 ] &&
        grep -q '^         [0-9.]* .*B of 16.0 MiB, [0-9]* %$' "$SCRATCH/screen" && grep -q ' free [0-9]*$' "$SCRATCH/screen"
}
terminal resize-window -x 60 -y 14
wait_until 60 fits 14 || fail "60 columns, 14 lines: $(cat "$SCRATCH/screen")"
terminal send-keys u
terminal resize-window -x 60 -y 24
wait_until 60 fits 24 || fail "60 columns, 24 lines: $(cat "$SCRATCH/screen")"
await ' \.\.[-long]*-end$'
terminal resize-window -x 200 -y 50
wait_until 60 fits 50 || fail "200 columns, 50 lines: $(cat "$SCRATCH/screen")"
await ' SIZE FILE,'

terminal send-keys q
colourless() {
    shows '^RECEIVED' && ! terminal capture-pane -e -p | grep -q $'\033\[[0-9;]*4[1-6]m'
}
wait_until 60 colourless || fail "colours in spite of NO_COLOR"
terminal send-keys q
await 'ready>'
stop_mount
