#!/usr/bin/env bash
# Reads a file while it shrinks and grows, and lives.
. "$(dirname "$0")/common.sh"

on_any_folder() {
    local reader shrinker status=0
    explains_itself safe-reader
    printf '\1\2\3' >small
    same "a small file" "3 bytes, sum 6" "$(example safe-reader small)"
    head -c 4000000 /dev/zero | tr '\0' '\1' >file
    same "a whole file" "4000000 bytes, sum 4000000" "$(example safe-reader file)"
    (while :; do truncate -s 100000 file && truncate -s 4000000 file; done) &
    shrinker=$!
    example safe-reader file 300 >said &
    reader=$!
    wait "$reader" || status=$?
    kill "$shrinker"
    wait "$shrinker" || true
    same "status of the reader" 0 "$status"
    same "rounds" 300 "$(wc -l <said)"
}

check_example
