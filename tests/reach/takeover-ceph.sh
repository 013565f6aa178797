#!/usr/bin/env bash
# takeover.sh on CephFS.
ENGINE=ceph exec bash "$(dirname "$0")/takeover.sh" "$@"
