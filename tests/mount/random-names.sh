#!/usr/bin/env bash
# Random calls that make, change, open and remove names as several users do the same on the mount as on a plain file system, deaths of the worker or not.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr python3
scratch
expect_deaths
start_mount max_restarts=1000
for run in "$RANDOM 700 0" "$RANDOM 700 0" "$RANDOM 300 30"; do
    echo "seed, calls, deaths: $run"
    rm -rf "$PLAIN" "${MOUNT:?}"/*
    mkdir "$PLAIN"
    chmod 777 "$PLAIN" "$MOUNT"
    # shellcheck disable=SC2086
    python3 "$TEST_FOLDER/mount/random-calls.py" "$PLAIN" "$MOUNT" $run || fail "the mount differs from the plain file system"
done
stop_mount
