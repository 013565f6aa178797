#!/usr/bin/env bash
# A client of the storm, see storm.h, with the program tests/mount/random-ops before: random operations on a file and on an atomic one
# in turn, each checked against a copy, a few seconds each time. What the files must hold is the note.
set -euo pipefail
program=$1 folder=$3 notes=$4

if [ "$2" = check ]; then
    cmp "$notes/plain" "$folder/plain"
    cmp "$notes/atomic" "$folder/atomic/atomic"
    exit
fi
stop=false
trap stop=true TERM
mkdir "$folder/atomic"
setfattr -n user.mapshare.atomic -v 1 "$folder/atomic"
turns=0
until $stop && [ "$turns" -ge 2 ]; do
    name=plain
    [ $((turns % 2)) = 0 ] || name=atomic/atomic
    rm -f "$folder/$name"
    SEED=$((SEED + turns)) "$program" "$folder" "$name" 3 "$notes/${name##*/}" >/dev/null 2>"$notes/log" || { cat "$notes/log" >&2; exit 1; }
    turns=$((turns + 1))
done
echo "$turns"
