#!/usr/bin/env bash
# Mount points and stores whose names have blanks, tabs, backslashes, commas and line ends: tuned, refused when mounted twice, found by the
# tool, unmounted by signal.
. "$(dirname "$0")/../lib.sh"
need_mount
need_tool
need_program getfattr
scratch
for name in 'a blank' $'a\ttab' 'back\slash' 'com,ma' $'line\nend' '#hash'; do
    STORE=$SCRATCH/store-$name
    MOUNT=$SCRATCH/mount-$name
    mkdir "$STORE" "$MOUNT" "$SCRATCH/other-$name"
    start_mount_named() {
        "$MAPSHAREFS" -o "$DEFAULT_OPTIONS" "$STORE" "$MOUNT" 2>"$SCRATCH/said" || fail "'$name': $(cat "$SCRATCH/said")"
        sed -i '/built with sanitizers/d' "$SCRATCH/said"
        [ ! -s "$SCRATCH/said" ] || fail "'$name': it says: $(cat "$SCRATCH/said")"
        KEEPER=$(stats_value keeper_pid)
        USED_KEEPERS+=("$KEEPER")
    }
    start_mount_named
    echo text >"$MOUNT/file"
    if is_root; then
        bdi=/sys/class/bdi/$(stat -c %Hd:%Ld "$MOUNT")
        tuned() { [ "$(cat "$bdi/max_ratio")" = 100 ]; }
        [ ! -e "$bdi/max_ratio" ] || wait_until 20 tuned || fail "'$name': not tuned"
    fi
    if "$MAPSHAREFS" "$STORE" "$MOUNT" 2>"$SCRATCH/said"; then fail "'$name': mounted over itself"; fi
    grep -q 'already a mapsharefs mount' "$SCRATCH/said" || fail "'$name': $(cat "$SCRATCH/said")"
    if "$MAPSHAREFS" "$STORE" "$SCRATCH/other-$name" 2>"$SCRATCH/said"; then fail "'$name': mounted twice"; fi
    grep -q 'already mounted on' "$SCRATCH/said" || fail "'$name': $(cat "$SCRATCH/said")"
    timeout 60 "$MAPSHARE" unmount "$MOUNT" || fail "'$name': mapshare unmount"
    [ "$(cat "$STORE/file")" = text ] || fail "'$name': the store is not complete"
    start_mount_named
    kill -TERM "$KEEPER"
    wait_gone 30 "$KEEPER" || fail "'$name': TERM does not unmount"
done
