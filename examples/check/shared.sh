#!/usr/bin/env bash
# Python and C count in one structure at once; no count is lost.
. "$(dirname "$0")/common.sh"
need_program python3
case " ${SANITIZERS:-} " in *" address "* | *" thread "*) skip "python3 cannot load a library that is built with a sanitizer" ;; esac
PROGRAM=$(realpath "$(dirname "$0")/../shared.py")
export PYTHONDONTWRITEBYTECODE=1

on_any_folder() {
    counts_with_c Python python3 "$PROGRAM"
}

check_example
