# shellcheck shell=bash
# The volume is GlusterFS's: a brick on each of s1, s2, s3. To be sourced by bed.sh.

ENGINE_PROGRAMS=(glusterd gluster glusterfs)
ENGINE_HOOK=fence-gluster
BED_VOLUME=shared

gluster_cli() { # ARGUMENT...
    on s1 gluster --mode=script "$@"
}

peers_connected() {
    [ "$(gluster_cli peer status | grep -c 'Peer in Cluster (Connected)')" = 2 ]
}

engine_make() {
    local name bricks=()
    for name in "${STORAGE[@]}"; do
        on "$name" glusterd
        bricks+=("${ADDRESS[$name]}:$BED/$name/brick/b")
    done
    for name in s2 s3; do
        wait_until 60 gluster_cli peer probe "${ADDRESS[$name]}" || fail "gluster peer probe $name"
    done
    wait_until 60 peers_connected || fail "gluster's peers do not connect: $(gluster_cli peer status)"
    wait_until 60 gluster_cli volume create "$BED_VOLUME" replica 3 "${bricks[@]}" force || fail "no volume: $(gluster_cli volume create "$BED_VOLUME" replica 3 "${bricks[@]}" force 2>&1)"
    gluster_cli volume start "$BED_VOLUME" >/dev/null
    ENGINE_ENVIRONMENT=(GLUSTER_VOLUME="$BED_VOLUME" GLUSTER_COMMAND="nsenter -t ${MACHINE[s1]} -n -m -u gluster")
}

engine_mount() { # MACHINE
    wait_until 60 on "$1" sh -c "mount -t glusterfs ${ADDRESS[s1]}:/$BED_VOLUME $VOLUME_AT && stat $VOLUME_AT" || fail "the volume cannot be mounted on $1"
}

engine_let_all_in() {
    gluster_cli volume reset "$BED_VOLUME" auth.reject >/dev/null
}

engine_pid() { # of s3: who has the data there
    machine_pid s3 glusterfsd
}

engine_start_again() { # as long as the server believes that it is there, it does not start it
    gluster_cli volume start "$BED_VOLUME" force >/dev/null && [ -n "$(engine_pid)" ]
}

engine_is_whole() {
    local info
    info=$(gluster_cli volume heal "$BED_VOLUME" info) && [ "$(grep -c 'Number of entries: 0' <<<"$info")" = 3 ]
}

engine_says() {
    gluster_cli volume heal "$BED_VOLUME" info
}
