#!/usr/bin/env bash
# The unit tests of the library pass on a mount as they do elsewhere.
. "$(dirname "$0")/../lib.sh"
BUILD_FOLDER=$(realpath "$BUILD_FOLDER")
scratch
start_mount
ran=0
for name in anonymous checked guard lock locks notify open resize sync; do
    program=$BUILD_FOLDER/tests/unit/library-$name
    [ -x "$program" ] || skip "the unit tests are not built (cmocka)"
    if ! TEST_FOLDER=$MOUNT timeout 100 "$program" >"$SCRATCH/said" 2>&1; then
        cat "$SCRATCH/said" >&2
        fail "library-$name fails on a mount"
    fi
    grep '^SKIP' "$SCRATCH/said" >&2 || true
    ran=$((ran + 1))
done
stop_mount
echo "$ran programs passed on a mount"
