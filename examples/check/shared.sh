#!/usr/bin/env bash
# Python and C count in one structure at once; no count is lost.
. "$(dirname "$0")/common.sh"
need_program python3
case " ${SANITIZERS:-} " in *" address "* | *" thread "*) skip "python3 cannot load a library that is built with a sanitizer" ;; esac
PROGRAM=$(realpath "$(dirname "$0")/../shared.py")
export PYTHONDONTWRITEBYTECODE=1

in_python() {
    timeout 60 python3 "$PROGRAM" "$@"
}

on_any_folder() {
    local counter
    ! in_python 2>/dev/null || fail "without a file it does not fail"
    example shared-counter counter 5000 >/dev/null &
    counter=$!
    in_python counter 5000 >/dev/null
    wait "$counter" || fail "the C process failed"
    same "C counts on" 10001 "$(example shared-counter counter)"
    same "Python counts on" 10002 "$(in_python counter)"
    grep -q 'in Python' counter || fail "the file does not have Python's text"
}

check_example
