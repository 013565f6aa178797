#!/usr/bin/env bash
# A reader that started with an empty log sees megabytes of lines come, in order.
. "$(dirname "$0")/common.sh"

on_any_folder() {
    local reader
    explains_itself growing-log
    example growing-log log >seen &
    reader=$!
    seq 1 40000 >lines
    xargs -n 8000 "$BUILD_FOLDER/examples/growing-log" log <lines
    example growing-log log end
    wait "$reader" || fail "the reader failed"
    echo end >>lines
    cmp lines seen || fail "the reader saw something else"
    [ "$(stat -c %s log)" -gt 200000 ] || fail "the log did not grow"
}

check_example
