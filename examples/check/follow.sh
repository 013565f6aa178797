#!/usr/bin/env bash
# The mirror has what was committed, page by page, after truncations, too, and when the worker died.
. "$(dirname "$0")/common.sh"
need_program python3 getfattr
case " ${SANITIZERS:-} " in *" address "* | *" thread "*) skip "python3 cannot load a library that is built with a sanitizer" ;; esac
PROGRAM=$(realpath "$(dirname "$0")/../follow.py")
export PYTHONDONTWRITEBYTECODE=1
expect_deaths

is_copied() {
    cmp -s file copy
}

change() { # SIZE PAGE
    truncate -s "$1" file
    dd if=/dev/urandom of=file bs=4096 seek="$2" count=1 conv=notrunc,fsync 2>/dev/null
}

on_mount() {
    local follower status=0
    python3 "$PROGRAM" 2>/dev/null || status=$?
    same "status of wrong use" 1 "$status"
    change 100000 2
    python3 "$PROGRAM" file copy >said &
    follower=$!
    kill_later "$follower"
    wait_until 30 is_copied || fail "nothing is copied"
    change 100000 7
    wait_until 30 is_copied || fail "a page is not copied"
    kill -9 "$(stats_value worker_pid "$MOUNT")"
    change 9000 1
    wait_until 30 is_copied || fail "a truncation is not copied, or the worker's death ended it"
    kill "$follower"
    wait_gone 30 "$follower" || fail "it does not end"
}

check_example
