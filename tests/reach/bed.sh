# shellcheck shell=bash
# Machines for the tests of taking over: each a network, mount and host name of its own, all on one bridge. s1, s2, s3 have a volume, which is
# replicated, and an etcd; a, b, c have the volume mounted. ENGINE is what replicates: gluster or ceph. Nothing outside of the test's folder is changed,
# and nothing is left. To be sourced after lib.sh.

STORAGE=(s1 s2 s3)
USERS=(a b c)
declare -A ADDRESS=([s1]=10.91.0.1 [s2]=10.91.0.2 [s3]=10.91.0.3 [a]=10.91.0.11 [b]=10.91.0.12 [c]=10.91.0.13)
declare -A MACHINE=()    # the process that keeps it
ETCD=10.91.1             # etcd's own network, by the last number of the machine's
ENGINE=${ENGINE:-gluster}
# shellcheck source=gluster.sh
. "$TEST_FOLDER/reach/$ENGINE.sh"

need_bed() {
    local name
    need_root
    need_mount
    need_program "${ENGINE_PROGRAMS[@]}" etcd etcdctl ip nsenter unshare
    STANDBY=${MAPSHARE_STANDBY:-$(find_built mapshare-standby)} || skip "mapshare-standby is not built (libcurl is missing)"
    HOOK=$(realpath "$TEST_FOLDER/../reach/$ENGINE_HOOK")
    WRITER=$(helper reach/writer)
    unshare --net --uts true 2>/dev/null || skip "cannot make network namespaces"
    for name in "${STORAGE[@]}"; do
        ip link show "ms-$name" >/dev/null 2>&1 && skip "there is a network link ms-$name already"
    done
    return 0
}

on() { # MACHINE COMMAND...
    nsenter -t "${MACHINE[$1]}" -n -m -u "${@:2}"
}

# A daemon has no network, and its worker a mount namespace of its own: one is a process of the machine's, the other its child.
machine_pids() { # MACHINE: all that runs there but who keeps it
    local net mnt found
    net=$(stat -Lc %i "/proc/${MACHINE[$1]}/ns/net" 2>/dev/null) && mnt=$(stat -Lc %i "/proc/${MACHINE[$1]}/ns/mnt") || return 0
    mapfile -t found < <(find /proc/[0-9]*/ns -maxdepth 1 \( -lname "net:*$net*" -o -lname "mnt:*$mnt*" \) 2>/dev/null | cut -d/ -f3 | sort -u |
        grep -vx "${MACHINE[$1]}")
    [ ${#found[@]} -gt 0 ] || return 0
    {
        printf '%s\n' "${found[@]}"
        ps -o pid= --ppid "$(IFS=,; echo "${found[*]}")" || true # there are none
    } | tr -d ' ' | sort -un
}

machine_pid() { # MACHINE PROGRAM
    local pid
    for pid in $(machine_pids "$1"); do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$2" ] || echo "$pid"
    done
}

machine_kill() { # MACHINE [SIGNAL]: all at once, as far as that goes: stopped first, so that none starts another
    local pids
    pids=$(machine_pids "$1")
    [ -n "$pids" ] || return 0
    FAULT_AT=$(date +%s%N)
    # shellcheck disable=SC2086
    kill -STOP $pids 2>/dev/null
    # shellcheck disable=SC2086
    kill -KILL $pids 2>/dev/null
    wait_until 20 eval "[ -z \"\$(machine_pids $1)\" ]" || { kill -KILL $(machine_pids "$1"); sleep 1; }
}

machine_make() { # NAME
    local name=$1 folder=$BED/$1 pid
    mkdir -p "$folder"/{glusterd,log,brick,etcd}
    # shellcheck disable=SC2016
    setsid unshare --net --mount --uts --propagation private bash -c '
        hostname "$1"
        umount -a -i -l -t fuse.mapsharefs
        mount -t tmpfs none /run && mkdir -p /var/lib/glusterd /run/gluster /var/log/glusterfs &&
            mount --bind "$2/glusterd" /var/lib/glusterd && mount --bind "$2/log" /var/log/glusterfs && ip link set lo up &&
            touch "$2/made" && exec sleep infinity' - "$name" "$folder" >"$folder/out" 2>&1 </dev/null &
    pid=$!
    disown $pid
    MACHINE[$name]=$pid
    wait_until 20 test -e "$folder/made" || fail "machine $name: $(cat "$folder/out")"
    ip link add "ms-$name" netns "/proc/${MACHINE[switch]}/ns/net" type veth peer name eth0 netns "/proc/$pid/ns/net"
    nsenter -t "${MACHINE[switch]}" -n ip link set "ms-$name" master bridge up
    on "$name" ip address add "${ADDRESS[$name]}/24" dev eth0
    on "$name" ip address add "$ETCD.${ADDRESS[$name]##*.}/24" dev eth0
    on "$name" ip link set eth0 up
}

machine_cut() { # MACHINE: nothing arrives or leaves
    FAULT_AT=$(date +%s%N)
    nsenter -t "${MACHINE[switch]}" -n ip link set "ms-$1" down
}

machine_heal() {
    nsenter -t "${MACHINE[switch]}" -n ip link set "ms-$1" up
}

bed_make() {
    BED=$SCRATCH/bed
    VOLUME_AT=$SCRATCH/volume
    mkdir -p "$BED" "$VOLUME_AT"
    trap bed_end EXIT
    setsid unshare --net sleep infinity </dev/null &
    MACHINE[switch]=$!
    disown ${MACHINE[switch]}
    wait_until 20 eval '[ "$(readlink /proc/${MACHINE[switch]}/ns/net)" != "$(readlink /proc/self/ns/net)" ]'
    nsenter -t "${MACHINE[switch]}" -n ip link add bridge type bridge
    nsenter -t "${MACHINE[switch]}" -n ip link set bridge up
    local name
    for name in "${STORAGE[@]}" "${USERS[@]}"; do machine_make "$name"; done
    engine_make
    etcd_make
    for name in "${USERS[@]}"; do engine_mount "$name"; done
}

etcd_endpoints() { # the ports of all, by commas
    local name list=
    for name in "${STORAGE[@]}"; do list+=,http://$ETCD.${ADDRESS[$name]##*.}:2379; done
    echo "${list#,}"
}

etcd_start() { # MACHINE
    local name cluster='' at=http://$ETCD.${ADDRESS[$1]##*.}
    for name in "${STORAGE[@]}"; do cluster+=,$name=http://$ETCD.${ADDRESS[$name]##*.}:2380; done
    on "$1" env ETCD_UNSUPPORTED_ARCH= setsid etcd --name "$1" --data-dir "$BED/$1/etcd/data" --listen-peer-urls "$at:2380" \
        --initial-advertise-peer-urls "$at:2380" --listen-client-urls "$at:2379" --advertise-client-urls "$at:2379" \
        --initial-cluster "${cluster#,}" >"$BED/$1/log/etcd" 2>&1 </dev/null &
}

etcd_make() {
    local name
    for name in "${STORAGE[@]}"; do etcd_start "$name"; done
    wait_until 60 on a env ETCDCTL_API=3 etcdctl --endpoints "$(etcd_endpoints)" endpoint health || fail "etcd does not come up: $(tail -n 3 "$BED/s1/log/etcd")"
}

bed_end() {
    local status=$? name
    trap - EXIT
    trap '' INT TERM HUP # nothing is to be left
    set +e
    for name in "${!MACHINE[@]}"; do
        [ "$name" = switch ] || machine_pids "$name" | xargs -r kill -CONT 2>/dev/null
        [ "$name" = switch ] || machine_kill "$name"
        kill -9 "${MACHINE[$name]}" 2>/dev/null
    done
    wait 2>/dev/null
    clean_up "$status"
}
