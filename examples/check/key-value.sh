#!/usr/bin/env bash
# Pairs that are stored together are there together or not at all, though a writer dies amid them; the table grows.
. "$(dirname "$0")/common.sh"

on_plain_folder() {
    local status=0
    explains_itself key-value
    explains_itself key-value table one 1 two
    example key-value table 2>said || status=$?
    same "status off the mount" 3 "$status"
    grep -q 'not on a mapsharefs mount' said || fail "off the mount it says: $(cat said)"
}

store() { # NAME COUNT [KEY VALUE]...: these, then COUNT pairs whose keys begin with NAME, in one commit
    local words
    mapfile -t words < <(seq -f "$1-%.0f" "$2" | sed 'h; s/$/-value/; H; x')
    example key-value table "${@:3}" "${words[@]}"
}

on_mount() {
    local i pid limit status=0
    example key-value table left 0 right 0
    same "a value" 0 "$(example key-value table right)"
    example key-value table none || status=$?
    same "status of a key that is not there" 1 "$status"
    for i in {1..20}; do store "one$i" 48; done &
    pid=$!
    for i in {1..20}; do
        store "other$i" 48
        same "pairs that lack others of their commit, amid two writers" 2 $(($(example key-value table | wc -l) % 48))
    done
    wait "$pid" || fail "the other writer failed"
    same "pairs" 1922 "$(example key-value table | wc -l)"
    same "the last" other20-48-value "$(example key-value table other20-48)"

    limit=$(($(stat -c %s table) / 1024)) # who wants to grow it further dies, with the lock, and left changed
    [ "$limit" -gt 256 ] || fail "the table did not grow"
    for i in {1..20}; do
        (ulimit -f "$limit" && store "last$i" 47 left "$i") 2>said || break
    done
    [ "$i" -lt 20 ] || fail "nobody died"
    same "what the last who lived had stored" "$((i - 1))" "$(example key-value table left)"
    same "pairs of those who lived" "$((1922 + (i - 1) * 47))" "$(example key-value table | wc -l)"
    same "pairs of the one who died" 0 "$(example key-value table | grep -c "^last$i-" || true)"
    ! example key-value table "last$i-1" || fail "a key of the one who died is found"
    store "last$i" 47 left "$i"
    same "after one who lived" "$i" "$(example key-value table left)"
}

check_example
