#!/usr/bin/env bash
# What is journaled ahead of a commit that never comes does not fill the journal for ever.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
start_mount journal_size=4M,commit_interval=600
timeout -k 1 40 "$(helper mount/abandoned-ahead)" "$MOUNT" || fail "status $?"
stop_mount
start_mount journal_size=4M,commit_interval=600,atomic
timeout -k 1 40 "$(helper mount/abandoned-ahead)" "$MOUNT" || fail "atomic files: status $?"
stop_mount
