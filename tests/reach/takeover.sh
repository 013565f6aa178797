#!/usr/bin/env bash
# A machine that serves a store on a replicated volume fails, in every way that can be had here, and another takes over: everything acknowledged is there,
# and nothing is acknowledged by the first one afterwards. Real engines, on machines that are network namespaces.
#
# usage: [ENGINE=gluster|ceph] takeover.sh [SCENARIO...]
. "$(dirname "$0")/../lib.sh"
. "$TEST_FOLDER/reach/bed.sh"
. "$TEST_FOLDER/reach/scenarios.sh"
scratch
need_bed
SCENARIOS=("$@")
[ $# -gt 0 ] || SCENARIOS=(alone worker killed power cut frozen brick unfenced recovery quorum etcd switch)
MNT=$SCRATCH/mount
LEASE=2
TOOK=() # milliseconds, of the scenarios that have nothing but one machine's failure

standby_start() { # MACHINE [HOOK [PATIENCE]]
    mkdir -p "$LOGS"
    : >"$LOGS/$1"
    rm -f "$LOGS/$1-status"
    on "$1" env "${ENGINE_ENVIRONMENT[@]}" WRITER="$WRITER" ACKS="$LOGS/acks-$1" \
        setsid sh -c '"$@"; echo $? >"$0"' "$LOGS/$1-status" "$STANDBY" --etcd="$(etcd_endpoints)" --name="$NAME" \
        --host="${ADDRESS[$1]}" --hook="${2:-$HOOK}" --patience="${3:-60}" --lease="$LEASE" --clients="$BED/clients" \
        -o "$DEFAULT_OPTIONS,allow_other" "$VOLUME_AT/$NAME" "$MNT" >"$LOGS/$1" 2>&1 </dev/null &
}

standby_ended() { # MACHINE STATUS
    wait_until 120 test -s "$LOGS/$1-status" || fail "mapshare-standby on $1 does not end: $(cat "$LOGS/$1")"
    [ "$(cat "$LOGS/$1-status")" = "$2" ] || fail "mapshare-standby on $1 ended with $(cat "$LOGS/$1-status"), not $2: $(cat "$LOGS/$1")"
}

standby_end() { # MACHINE: in order
    pkill -TERM -x --ns "${MACHINE[$1]}" --nslist net mapshare-standb
    standby_ended "$1" 0
}

is_served_by() { # MACHINE
    grep -q " $MNT fuse.mapsharefs" "/proc/${MACHINE[$1]}/mounts" && grep -q ' serves ' "$LOGS/$1"
}

last_ack() { # MACHINE
    local last
    last=$(grep '^[0-9]' "$LOGS/acks-$1" 2>/dev/null | tail -n 1)
    echo "${last:-0}"
}

is_writing() { # MACHINE
    local before
    before=$(last_ack "$1")
    wait_until 60 eval '[ "$(last_ack '"$1"')" -gt '$((before + 5))' ]'
}

end_writer() { # MACHINE
    pkill -TERM -x --ns "${MACHINE[$1]}" --nslist net writer || true
    wait_until 60 eval "! pgrep -x --ns ${MACHINE[$1]} --nslist net writer" || fail "the writer on $1 does not end"
}

no_errors() { # MACHINE...
    local name
    for name in "$@"; do
        ! grep '^E' "$LOGS/acks-$name" || fail "a client on $name saw errors"
    done
}

in_store() { # NUMBER: the store's own file has it, by the volume
    local seen
    seen=$(on "${TAKER:-a}" "$WRITER" check "$VOLUME_AT/$NAME/numbers") || fail "the store's file cannot be read, or is torn"
    [ "$seen" -ge "$1" ] || fail "the store has $seen, $1 was acknowledged"
}

taken_over() { # MACHINE: after what was just done to a
    local milliseconds
    wait_until 120 is_served_by "$1" || fail "$1 does not serve: $(cat "$LOGS/$1")"
    milliseconds=$((($(date +%s%N) - FAULT_AT) / 1000000))
    TAKER=$1
    on "$1" "$WRITER" check "$MNT/numbers" >/dev/null || fail "$1 has a torn file"
    is_writing "$1" || fail "no commits on $1"
    FOUND=$(sed -n 's/^F //p' "$LOGS/acks-$1" | tail -n 1)
    no_late_acks
    echo "    mounted after $milliseconds ms; $(sed -n 's/.*: \(.* is fenced: .*\)/\1/p; s/.*: \(the store is free: .*\)/\1/p; s/.*mount \(is mounted: .*\)/\1/p' "$LOGS/$1" | paste -sd ';')"
    [[ " killed power cut frozen " != *" ${NAME%-*} "* ]] || TOOK+=("$milliseconds")
}

no_late_acks() { # by any machine before the one that serves now: strictly none
    local name
    for name in "${USERS[@]}"; do
        [ "$name" = "$TAKER" ] || [ "$(last_ack "$name")" -le "$FOUND" ] ||
            fail "$(last_ack "$name") was acknowledged on $name, $TAKER has found $FOUND: $(cat "$LOGS/$TAKER")"
    done
}

# What every scenario ends with: nothing more was acknowledged by a, and what its successor acknowledged is there.
check_end() {
    [ -n "$TAKER" ] || return 0
    sleep 1 # a machine that is healed, and wrote on, would use the time
    no_late_acks
    if is_served_by "$TAKER"; then
        end_writer "$TAKER"
        no_errors "$TAKER"
        standby_end "$TAKER"
    fi
    in_store "$(last_ack "$TAKER")"
}

# As new: whatever a scenario has done to them.
reset_machines() {
    local name
    for name in "${USERS[@]}"; do
        machine_kill "$name"
        machine_heal "$name"
        on "$name" sh -c "umount -l '$MNT' '$VOLUME_AT' 2>/dev/null; ip route flush type blackhole 2>/dev/null; true"
    done
    engine_let_all_in
    for name in "${USERS[@]}"; do engine_mount "$name"; done
}

run_scenario() { # NAME
    NAME=$1-$RANDOM LOGS=$BED/log-$NAME FOUND=0 TAKER=
    on a mkdir "$VOLUME_AT/$NAME"
    mkdir -p "$LOGS"
    standby_start a
    wait_until 120 is_served_by a || fail "$1: a does not serve: $(cat "$LOGS/a")"
    standby_start b
    wait_until 120 grep -q 'standing by' "$LOGS/b" || fail "$1: b does not stand by: $(cat "$LOGS/b")"
    is_writing a || fail "$1: a's clients do not commit"
    "scenario_$1"
    check_end
    echo "$1: acknowledged on a $(last_ack a), b $(last_ack b), c $(last_ack c); as expected"
    wait_until 20 on "${TAKER:-a}" rm -rf "${VOLUME_AT:?}/$NAME" # what one client has just removed another may still list
    reset_machines
}

bed_make
# The clients of a mount: the writer.
cat >"$BED/clients" <<'X'
#!/bin/sh
case $1 in
start) setsid "$WRITER" write "$2/numbers" "$ACKS" >/dev/null 2>&1 </dev/null & ;;
stop)
    pkill -TERM -x --ns $$ --nslist net writer
    while pgrep -x --ns $$ --nslist net writer >/dev/null; do sleep 0.02; done
    ;;
esac
X
# shellcheck disable=SC2016
printf '#!/bin/sh\n[ "$1" != unfence ] || exec %s "$@"\nexit 1\n' "$HOOK" >"$BED/hook-fails"
# shellcheck disable=SC2016
printf '#!/bin/sh\n[ "$1" != unfence ] || exec %s "$@"\nsleep 1000\n' "$HOOK" >"$BED/hook-hangs"
chmod +x "$BED"/{clients,hook-fails,hook-hangs}

for scenario in "${SCENARIOS[@]}"; do
    if [ "$scenario" = alone ]; then run_alone; else run_scenario "$scenario"; fi
done
[ ${#TOOK[@]} -gt 0 ] || exit 0
slowest=$(printf '%s\n' "${TOOK[@]}" | sort -n | tail -n 1)
echo "the slowest of ${#TOOK[@]} simple takeovers: $slowest ms"
if [ "$(awk '{print ($1 < 2)}' /proc/loadavg)" = 1 ]; then
    [ "$slowest" -le 5000 ] || fail "a takeover took $slowest ms on a quiet machine"
else
    skip_part "the machine is busy: how long a takeover takes is not judged"
fi
