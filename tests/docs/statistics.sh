#!/usr/bin/env bash
# Each key of user.mapshare.stats is in mapshare(7), and each one there is a key of a running daemon.
. "$(dirname "$0")/manual.sh"
need_mount
need_program getfattr
scratch
start_mount

told=$(attribute stats "$MOUNT" | sed -n 's/^\([a-z_]*\)=.*/\1/p')
explained=$(section "$MANUAL/mapshare.7" 'EXTENDED ATTRIBUTES' | sed -n 's/^\.It Va \([a-z].*\)/\1/p' | grep -v '^user' | tr -d ' ' | tr ',' '\n')
same_names user.mapshare.stats "$told" "mapshare(7)" "$explained"
stop_mount
