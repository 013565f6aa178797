# shellcheck shell=bash
# One way for a machine to fail each. Before: `a` serves, `b` stands by, a writer on `a` commits. To be sourced by takeover.sh.

scenario_worker() { # the worker is killed: clients see nothing
    local before
    kill -9 "$(on a getfattr --only-values --absolute-names -n user.mapshare.stats "$MNT" | sed -n 's/^worker_pid=//p')"
    before=$(last_ack a)
    wait_until 60 eval '[ "$(last_ack a)" -gt '$((before + 20))' ]' || fail "no commits after the worker's death"
    no_errors a
    end_writer a
    standby_end a
    in_store "$(last_ack a)"
}

scenario_killed() { # all processes of A
    machine_kill a
    taken_over b
}

scenario_power() { # the same, and its network at once
    machine_cut a
    machine_kill a
    taken_over b
}

scenario_cut() { # cut off, healed later
    machine_cut a
    taken_over b
    machine_heal a
    standby_ended a 3
}

scenario_frozen() { # stopped, thawed later
    local pids
    pids=$(machine_pids a)
    FAULT_AT=$(date +%s%N)
    # shellcheck disable=SC2086
    kill -STOP $pids
    taken_over b
    # shellcheck disable=SC2086
    kill -CONT $pids 2>/dev/null || true
    standby_ended a 3
    sleep 1 # it would use the time
    no_late_acks
    # It takes part again, by its own proof, which ends the volume's clients there.
    mv "$LOGS/acks-a" "$LOGS/acks-before"
    TAKER=
    standby_start a
    wait_until 120 grep -q 'standing by' "$LOGS/a" || fail "a does not stand by again: $(cat "$LOGS/a")"
    end_writer b
    standby_end b
    wait_until 120 is_served_by a || fail "a does not serve again: $(cat "$LOGS/a")"
    [ "$(on a "$WRITER" check "$MNT/numbers")" = "$(last_ack b)" ] || fail "a has $(on a "$WRITER" check "$MNT/numbers"), not $(last_ack b)"
    end_writer a
    no_errors a b
    standby_end a
    in_store "$(last_ack a)"
}

scenario_brick() { # one of the three that have the data dies, and comes back
    local before
    kill -9 "$(engine_pid)"
    before=$(last_ack a)
    wait_until 120 eval '[ "$(last_ack a)" -gt '$((before + 5))' ]' || fail "no commits without a brick: $(engine_says)"
    wait_until 120 engine_start_again || fail "the brick does not come back"
    end_writer a
    no_errors a
    standby_end a
    wait_until 120 engine_is_whole || fail "the volume does not heal: $(engine_says)"
    in_store "$(last_ack a)"
}

scenario_unfenced() { # the fence fails, then hangs: nobody mounts, and it is said why
    standby_end b
    standby_start b "$BED/hook-fails"
    wait_until 20 grep -q 'standing by' "$LOGS/b"
    machine_kill a
    standby_ended b 1
    grep -q 'hook-fails fence .* failed (status 1)' "$LOGS/b" || fail "it is not said that the fence failed: $(cat "$LOGS/b")"
    standby_start c "$BED/hook-hangs" 2
    standby_ended c 1
    grep -q 'hook-hangs fence .* failed (no end within the patience)' "$LOGS/c" || fail "it is not said that the fence hangs: $(cat "$LOGS/c")"
    ! is_served_by b && ! is_served_by c || fail "it is mounted without a fence"
    FAULT_AT=$(date +%s%N)
    standby_start b
    taken_over b
}

scenario_recovery() { # B dies amid taking over, C takes over
    machine_kill a
    wait_until 60 grep -q 'store is free' "$LOGS/b" || fail "b does not take over: $(cat "$LOGS/b")"
    machine_kill b
    standby_start c
    taken_over c
    grep -q "${ADDRESS[b]} is fenced" "$LOGS/c" || fail "c did not fence b"
}

scenario_quorum() { # etcd loses its majority
    local pids last
    pids=$(machine_pid s2 etcd) pids+=" $(machine_pid s3 etcd)"
    # shellcheck disable=SC2086
    kill -STOP $pids
    standby_ended a 3
    ! is_served_by b || fail "b serves without a majority"
    last=$(last_ack a)
    FAULT_AT=$(date +%s%N)
    # shellcheck disable=SC2086
    kill -CONT $pids 2>/dev/null || true
    taken_over b
    [ "$(last_ack a)" = "$last" ] || fail "a acknowledged after its lease's end"
}

scenario_etcd() { # A is cut off from etcd alone
    FAULT_AT=$(date +%s%N)
    on a ip route add blackhole "$ETCD.1"/32
    on a ip route add blackhole "$ETCD.2"/32
    on a ip route add blackhole "$ETCD.3"/32
    standby_ended a 3
    taken_over b
}

scenario_switch() { # in order, under load
    local said
    said=$(on c "$STANDBY" --etcd="$(etcd_endpoints)" --name="$NAME" --switch="${ADDRESS[b]}" 2>&1) || fail "no switch: $said; $(cat "$LOGS/a")"
    echo "    $said"
    wait_until 20 is_served_by b || fail "b does not serve"
    [ "$(on b "$WRITER" check "$MNT/numbers")" -ge "$(last_ack a)" ] || fail "commits are lost"
    no_errors a
    is_writing b || fail "b's clients were not started"
    wait_until 20 grep -q 'standing by' "$LOGS/a" || fail "a does not stand by: $(cat "$LOGS/a")"
    # And back, without a word of who.
    on c "$STANDBY" --etcd="$(etcd_endpoints)" --name="$NAME" --switch >"$SCRATCH/said" 2>&1 || fail "no switch back: $(cat "$SCRATCH/said")"
    wait_until 20 is_served_by a || fail "a does not serve"
    end_writer a
    no_errors a b
    standby_end a
    in_store "$(last_ack a)"
}

# Without others: all of the daemon dies, the volume's client does not. What that one has in its caches must not be older than what was acknowledged.
run_alone() {
    local number pids
    NAME=alone-$RANDOM TAKER=a
    on a mkdir "$VOLUME_AT/$NAME"
    for number in 20 30 40; do
        alone_mount
        on a "$WRITER" time "$MNT/numbers" "$number" 8 >/dev/null
        pids=$(machine_pid a mapsharefs)
        # shellcheck disable=SC2086
        kill -9 $pids
        wait_gone 20 $pids || fail "alone: the daemon does not die"
        on a umount -l "$MNT"
        alone_mount
        [ "$(on a "$WRITER" check "$MNT/numbers")" = "$number" ] || fail "alone: $(on a "$WRITER" check "$MNT/numbers") came back, $number was acknowledged"
        on a "$MAPSHARE" unmount "$MNT"
        [ "$(on a "$WRITER" check "$VOLUME_AT/$NAME/numbers")" = "$number" ] || fail "alone: the store has not $number"
    done
    echo "alone: 3 deaths; as expected"
    on a rm -rf "${VOLUME_AT:?}/$NAME"
}

alone_mount() {
    on a "$MAPSHAREFS" -o "$DEFAULT_OPTIONS,allow_other" "$VOLUME_AT/$NAME" "$MNT" 2>"$SCRATCH/said" || fail "alone: no mount: $(cat "$SCRATCH/said")"
}
