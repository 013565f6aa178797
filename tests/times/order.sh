#!/usr/bin/env bash
# Marks of different objects are in the order in which they were made.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr python3
scratch
start_mount
mkdir "$MOUNT/order"
python3 "$TEST_FOLDER/times/order-of-marks.py" "$MOUNT/order" || fail "what came later looks older"
stop_mount
