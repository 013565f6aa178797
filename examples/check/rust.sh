#!/usr/bin/env bash
# Rust and C count in one structure at once; no count is lost.
. "$(dirname "$0")/common.sh"
need_program rustc python3
[ -z "${SANITIZERS:-}" ] || skip "rustc does not link what the library's sanitizers need"
SOURCE=$(realpath "$(dirname "$0")/../rust/counter.rs")

on_any_folder() {
    [ -x "$SCRATCH/counter" ] || rustc -D warnings -O -L "$BUILD_FOLDER/.libs" -o "$SCRATCH/counter" "$SOURCE"
    counts_with_c Rust "$SCRATCH/counter"
}

check_example
