#!/usr/bin/env bash
# The daemon waits by no clock that can be set: nothing in it waits until a time of day.
. "$(dirname "$0")/../lib.sh"
need_program nm
need_mount
program=$MAPSHAREFS
[ "$(head -c 2 "$program")" = '#!' ] && program=$(dirname "$program")/.libs/$(basename "$program")
used=$(nm -D --undefined-only "$program" | sed 's/.* //; s/@.*//')
grep -qx pthread_cond_clockwait <<<"$used" || fail "nothing waits by the monotonic clock"
found=$(grep -Ex 'pthread_(cond|mutex|rwlock)_timed[a-z]*|sem_timedwait|mq_timed[a-z]*' <<<"$used" || true)
[ -z "$found" ] || fail "used: $found"
