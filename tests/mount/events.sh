#!/usr/bin/env bash
# mapshare_event_fd: readable at commits and notices and not else, also for who slept in epoll_wait while the worker died.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
scratch
expect_deaths
head -c 4096 /dev/zero >"$STORE/quiet"
start_mount max_restarts=100,commit_interval=3600
timeout 60 "$(helper mount/events)" wakes "$MOUNT" || fail "events are missed, or told twice"
chmod 755 "$MOUNT"
as_user "$(helper mount/events)" denied "$MOUNT/watched" || fail "who may only read sees too much, or nothing"
stop_mount
