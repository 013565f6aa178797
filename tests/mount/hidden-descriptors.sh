#!/usr/bin/env bash
# The daemon uses nothing of libc that keeps a descriptor open, or opens one when it likes: in the table that keeper and workers share it
# would be closed as a dead worker's, and its number used by a file.
. "$(dirname "$0")/../lib.sh"
need_program nm
need_mount
forbidden='v?syslog|openlog|setlogmask|setlocale|newlocale|bindtextdomain|textdomain|iconv_open|get(pw|gr|sp)(nam|uid|gid|ent)(_r)?|getgrouplist|getaddrinfo|gethostby[a-z]*|
setpwent|initgroups|getservby[a-z]*|dlopen|catopen|wordexp|popen|system'
program=$MAPSHAREFS
[ "$(head -c 2 "$program")" = '#!' ] && program=$(dirname "$program")/.libs/$(basename "$program")
used=$(nm -D --undefined-only "$program" | sed 's/.* //; s/@.*//')
[ "$(grep -c . <<<"$used")" -gt 50 ] || fail "the list of what is used is too short"
found=$(grep -Ex "${forbidden//$'\n'/}" <<<"$used" || true)
[ -z "$found" ] || fail "used: $found"
