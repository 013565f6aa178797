#!/usr/bin/env bash
# Both print the first strings, then both see the second ones.
. "$(dirname "$0")/common.sh"

on_any_folder() {
    local said
    explains_itself anonymous-zero x
    said=$(example anonymous-zero | cut -f 2)
    same lines 4 "$(wc -l <<<"$said")"
    same "the first strings" 2 "$(head -n 2 <<<"$said" | grep -c '^anonymous string 1, zero-backed string 1$')"
    same "the second strings" 2 "$(tail -n 2 <<<"$said" | grep -c '^anonymous string 2, zero-backed string 2$')"
}

check_example
