#!/usr/bin/env bash
# Each key of user.mapshare.stats is in section 7 of the manual, and each one there is a key of a running daemon.
. "$(dirname "$0")/manual.sh"
need_mount
need_program getfattr
scratch
start_mount

told=$(attribute stats "$MOUNT" | sed -n 's/^\([a-z_]*\)=.*/\1/p')
explained=$(cat "$MANUAL"/*.7 | sed -n '/^\.It Va user\.mapshare\.stats$/,/^\.El/p' | sed -n 's/^\.It Va \([a-z].*\)/\1/p' | grep -v '^user' | tr -d ' ' | tr ',' '\n')
same_names user.mapshare.stats "$told" "section 7" "$explained"
stop_mount
