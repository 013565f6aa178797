#!/usr/bin/env bash
# A client that is bound to one processor and asks alone is served there; when others ask, or many pages come, everywhere again. A mount that nobody uses
# takes no time of any processor.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program taskset python3
scratch
all=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)
last=${all##*[!0-9]}
[ "$last" != "$all" ] || skip "one processor"
start_mount
worker=$(stats_value worker_pid)
bound_to() { # PROCESSORS: how many of the worker's threads
    { grep -l "^Cpus_allowed_list:[[:space:]]*$1\$" /proc/"$worker"/task/*/status 2>/dev/null || true; } | wc -l
}
write_bound() { # PROCESSOR
    taskset -c "$1" python3 -c '
import os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
for i in range(300):
    os.pwrite(file, b"x" * 4096, i % 8 * 4096)' "$MOUNT/file"
}
[ "$(bound_to "$last")" = 0 ] || fail "threads are bound before anybody asks"
write_bound "$last"
followed=$(bound_to "$last")
[ "$followed" -gt 0 ] || fail "a lone client that is bound is not followed"
released() { # by whichever threads serve: each looks before it waits
    ls "$MOUNT" >"$SCRATCH/listing"
    stat "$MOUNT/file" "$MOUNT/nothing$RANDOM" >"$SCRATCH/listing" 2>&1
    [ "$(bound_to "$last")" = 0 ]
}
wait_until 30 released || fail "$(bound_to "$last") threads stay bound to $last though others ask"
[ "$(bound_to "$all")" -ge "$followed" ] || fail "threads may not run where they could: $(grep -h Cpus_allowed_list /proc/"$worker"/task/*/status)"

write_bound "$last" &
write_bound 0 &
wait
python3 -c '
import os, sys
with open(sys.argv[1], "rb") as file:
    if file.read() != b"x" * 32768:
        sys.exit("wrong bytes")' "$MOUNT/file" || fail "see above"

# Real-time priority would keep a thread that follows from running.
wait_until 30 released || fail "threads stay bound"
if is_root && command -v chrt >/dev/null && chrt -f 1 true 2>/dev/null; then
    chrt -f 1 taskset -c "$last" dd if=/dev/zero of="$MOUNT/file" bs=4k count=300 conv=notrunc status=none
    [ "$(bound_to "$last")" = 0 ] || fail "who has real-time priority is followed"
else
    skip_part "no real-time priority here"
fi

used() { # ticks
    awk '{ print $14 + $15 }' "/proc/$worker/stat"
}
idles() {
    local before
    before=$(used)
    sleep 1
    [ "$(used)" = "$before" ]
}
wait_until 30 idles || fail "the worker works though nobody asks"
stop_mount
