#!/usr/bin/env bash
# All lines come through in order, many more than there are slots; the reader may be there first or last.
. "$(dirname "$0")/common.sh"

on_any_folder() {
    local reader
    explains_itself ring-buffer ring fetch
    seq 1 20000 >lines
    example ring-buffer ring get >seen &
    reader=$!
    (cat lines; echo end) | example ring-buffer ring put
    wait "$reader" || fail "the reader failed"
    cmp lines seen || fail "the reader saw something else"
    printf 'one\ntwo\nend\n' | example ring-buffer ring put
    same "a reader that comes later" $'one\ntwo' "$(example ring-buffer ring get)"
}

check_example
