# shellcheck shell=bash
# The volume is a CephFS: s1 has the monitor and the metadata server, each of s1, s2, s3 an object store. Its object stores are files with holes, so large
# writes go by way of their log. To be sourced by bed.sh.

ENGINE_PROGRAMS=(ceph ceph-authtool ceph-fuse ceph-mds ceph-mon ceph-osd monmaptool)
ENGINE_HOOK=fence-ceph

ceph_on() { # MACHINE COMMAND...: with the cluster's configuration
    on "$1" env CEPH_CONF="$BED/ceph.conf" "${@:2}"
}

ceph_cli() { # ARGUMENT...
    ceph_on s1 ceph --connect-timeout 10 "$@" 2>>"$BED/ceph-says"
}

ceph_write_configuration() { # FSID
    cat >"$BED/ceph.conf" <<C
[global]
fsid = $1
mon host = ${ADDRESS[s1]}
keyring = $BED/keyring
run dir = $BED/\$host
admin socket = $BED/\$host/\$name.\$pid.asok
log file = $BED/\$host/log/\$name
ms bind ipv6 = false
mon allow pool size one = true
mon data avail crit = 1
mon data avail warn = 2
auth allow insecure global id reclaim = false
osd crush chooseleaf type = 0
osd pool default size = 3
osd pool default min size = 2
osd pool default pg num = 8
osd heartbeat interval = 1
osd heartbeat grace = 3
mon osd min down reporters = 1
bluestore block size = 503316480
bluestore cache autotune = false
bluestore cache size = 33554432
bluestore fsck on mount = false
bluestore prefer deferred size hdd = 262144
bluestore prefer deferred size ssd = 262144
[mon]
mon data = $BED/s1/mon
[mds]
mds data = $BED/s1/mds
[osd]
osd data = $BED/\$host/osd
C
}

ceph_make_keys() {
    ceph-authtool -C "$BED/keyring" --gen-key -n mon. --cap mon 'allow *'
    ceph-authtool "$BED/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mds 'allow *' --cap mgr 'allow *'
    ceph-authtool "$BED/keyring" --gen-key -n mds.a --cap mon 'profile mds' --cap osd 'allow rwx' --cap mds 'allow *'
    local name
    for name in 0 1 2; do ceph-authtool "$BED/keyring" --gen-key -n "osd.$name" --cap mon 'profile osd' --cap osd 'allow *' --cap mgr 'profile osd'; done
}

ceph_make_osd() { # MACHINE
    local id=$((${1#s} - 1)) uuid
    uuid=$(cat /proc/sys/kernel/random/uuid)
    ceph_cli osd new "$uuid" "$id"
    ceph_on "$1" ceph-osd -i "$id" --mkfs --osd-uuid "$uuid"
    ceph_on "$1" ceph-osd -i "$id"
}

engine_make() {
    local id name
    id=$(cat /proc/sys/kernel/random/uuid)
    mkdir -p "$BED/s1"/{mon,mds} "$BED"/s{1,2,3}/osd
    {
        ceph_write_configuration "$id"
        ceph_make_keys
        monmaptool --create --add m "${ADDRESS[s1]}" --fsid "$id" "$BED/monmap"
        ceph_on s1 ceph-mon --mkfs -i m --monmap "$BED/monmap" --keyring "$BED/keyring"
        ceph_on s1 ceph-mon -i m
        ceph_cli auth import -i "$BED/keyring"
        for name in s1 s2 s3; do ceph_make_osd "$name"; done
        ceph_cli osd pool create names 8
        ceph_cli osd pool create data 4
        ceph_cli fs new shared names data
        ceph_cli auth get-or-create client.mapshare mon 'allow r, allow command "osd blocklist"' mds 'allow rw' osd 'allow rw tag cephfs data=shared' \
            >>"$BED/keyring"
        ceph_on s1 ceph-mds -i a
    } >"$BED/ceph-made" 2>&1 || fail "no CephFS: $(tail "$BED/ceph-made" "$BED/ceph-says")"
    echo "none $VOLUME_AT fuse.ceph ceph.id=mapshare,ceph.conf=$BED/ceph.conf" >"$BED/fstab"
    for name in "${USERS[@]}"; do on "$name" mount --bind "$BED/fstab" /etc/fstab; done
    ENGINE_ENVIRONMENT=(CEPH_COMMAND="ceph --conf=$BED/ceph.conf --id=mapshare --connect-timeout=10")
    wait_until 60 eval 'ceph_cli mds stat | grep -q up:active' || fail "the metadata server does not come up: $(ceph_cli -s)"
}

engine_mount() { # MACHINE: as its fstab has it
    on "$1" sh -c "mount -a -t fuse.ceph && mountpoint -q '$VOLUME_AT'" >"$BED/$1/log/mount" 2>&1 ||
        fail "the volume cannot be mounted on $1: $(cat "$BED/$1/log/mount")"
}

engine_let_all_in() {
    local name
    for name in "${USERS[@]}"; do ceph_cli osd blocklist rm "${ADDRESS[$name]}" || true; done
}

engine_pid() { # of s3: who has the data there
    machine_pid s3 ceph-osd
}

engine_start_again() {
    [ -n "$(engine_pid)" ] || ceph_on s3 ceph-osd -i 2 >/dev/null
    ceph_cli osd stat | grep -q '3 osds: 3 up'
}

engine_is_whole() { # without a manager nobody counts them
    local group
    for group in 2.0 2.1 2.2 2.3; do ceph_cli tell "$group" query | grep -q '"state": "active+clean"' || return 1; done
}

engine_says() {
    ceph_cli -s
}
