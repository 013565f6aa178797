#!/usr/bin/env bash
# Damage in the middle of the journal, with acknowledged commits behind it: nothing is replayed in silence. A torn end is no damage.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
journal=$STORE/.mapshare/journal
commit() {
    printf '%s' "$1" >"$MOUNT/file"
    sync "$MOUNT/file"
}
damage() { # TEXT: the page with it
    local at
    at=$(grep -abo -m 1 "$1" "$journal" | cut -d: -f1)
    [ -n "$at" ] || fail "\"$1\" is not in the journal"
    printf 'X' | dd of="$journal" bs=1 seek="$at" conv=notrunc status=none
}
fill() {
    start_mount commit_interval=600
    for name in "$@"; do
        commit "the $name commit"
    done
    kill_daemon
}

fill first second third fourth
damage "the second commit"
if "$MAPSHAREFS" "$STORE" "$MOUNT" 2>"$SCRATCH/message"; then
    stop_mount
    fail "a store with a damaged journal was mounted"
fi
grep -q "the journal is damaged: at least 3 commits .*mapshare recover --give-up" "$SCRATCH/message" || fail "$(cat "$SCRATCH/message")"
"$MAPSHARE" recover "$STORE" 2>"$SCRATCH/message" && fail "recover did not refuse"
grep -q "the journal is damaged: at least 3 commits" "$SCRATCH/message" || fail "$(cat "$SCRATCH/message")"
"$MAPSHARE" recover --give-up "$STORE" >"$SCRATCH/report"
grep -q "^gave up at least 3 commits" "$SCRATCH/report" || fail "$(cat "$SCRATCH/report")"
[ "$(cat "$STORE/file")" = "the first commit" ] || fail "the file has \"$(cat "$STORE/file")\""
start_mount
[ "$(cat "$MOUNT/file")" = "the first commit" ] || fail "on the mount the file has \"$(cat "$MOUNT/file")\""
stop_mount

fill fifth sixth seventh
damage "the seventh commit" # as if torn by a crash: nothing tells that it was ever whole
start_mount
[ "$(cat "$MOUNT/file")" = "the sixth commit" ] || fail "after a torn end the file has \"$(cat "$MOUNT/file")\""
stop_mount

fill eighth ninth tenth eleventh
at=$(grep -abo -m 1 "the eighth commit" "$journal" | cut -d: -f1)
dd if=/dev/zero of="$journal" bs=4096 seek=$((at / 4096 - 1)) count=1 conv=notrunc status=none # the first header: the journal looks empty
"$MAPSHARE" recover "$STORE" 2>"$SCRATCH/message" && fail "a journal without its first header was taken for an empty one"
grep -q "the journal is damaged: at least 3 commits" "$SCRATCH/message" || fail "$(cat "$SCRATCH/message")"
"$MAPSHARE" recover --give-up "$STORE" >/dev/null
[ "$(cat "$STORE/file")" = "the sixth commit" ] || fail "the file has \"$(cat "$STORE/file")\""

fill eighth ninth tenth
damage "the ninth commit" # one is behind it, but not the next one
if "$MAPSHAREFS" "$STORE" "$MOUNT" 2>"$SCRATCH/message"; then
    stop_mount
    fail "a store whose last but one commit is damaged was mounted"
fi
grep -q "the journal is damaged: at least 2 commits" "$SCRATCH/message" || fail "$(cat "$SCRATCH/message")"
"$MAPSHARE" recover --give-up "$STORE" >/dev/null
[ "$(cat "$STORE/file")" = "the eighth commit" ] || fail "the file has \"$(cat "$STORE/file")\""

fill twelfth thirteenth fourteenth fifteenth
damage "the thirteenth commit"
if is_root && command -v chattr >/dev/null && chattr +i "$STORE/file" 2>/dev/null; then
    recovered=no
    "$MAPSHARE" recover --give-up "$STORE" 2>"$SCRATCH/message" && recovered=yes
    chattr -i "$STORE/file"
    [ "$recovered" = no ] || fail "what cannot be written was recovered"
    grep -q "Operation not permitted" "$SCRATCH/message" || fail "$(cat "$SCRATCH/message")"
    grep -q "damaged" "$SCRATCH/message" && fail "the error of giving up is told as damage: $(cat "$SCRATCH/message")"
else
    skip_part "cannot make a file immutable"
fi
"$MAPSHARE" recover --give-up "$STORE" >"$SCRATCH/report"
grep -q "^gave up at least 3 commits" "$SCRATCH/report" || fail "$(cat "$SCRATCH/report")"
[ "$(cat "$STORE/file")" = "the twelfth commit" ] || fail "the file has \"$(cat "$STORE/file")\""
