#!/usr/bin/env bash
# Eight unrelated processes count at once; no count is lost, and the number outlives them.
. "$(dirname "$0")/common.sh"

on_any_folder() {
    local i counters=()
    explains_itself shared-counter
    for i in 1 2 3 4 5 6 7 8; do
        example shared-counter counter 5000 >/dev/null &
        counters+=($!)
    done
    for i in "${counters[@]}"; do
        wait "$i" || fail "a counter failed"
    done
    same "one more" 40001 "$(example shared-counter counter)"
}

check_example
