# shellcheck shell=bash
# What the tests of followers share: a second mount, for the copy. To be sourced after lib.sh.

start_far() { # [OPTIONS]: a mount at $FAR
    FAR=$SCRATCH/far
    mkdir -p "$FAR" "$SCRATCH/far.store"
    MOUNT=$FAR start_daemon setsid "$MAPSHAREFS" -f -o "$DEFAULT_OPTIONS,allow_other${1:+,$1}" "$SCRATCH/far.store" "$FAR"
    FAR_KEEPER=$(stats_value keeper_pid "$FAR")
}

stop_far() {
    umount "$FAR"
    wait_gone 30 "$FAR_KEEPER" || fail "the copy's daemon did not finish"
}

follow_in_background() { # [ARGUMENT...]: FOLLOWER is its number
    "$MAPSHARE" follow --json --to "$FAR" "$@" "$MOUNT" >>"$SCRATCH/followed" 2>>"$SCRATCH/follower.log" &
    FOLLOWER=$!
    kill_later $FOLLOWER
}

far_receivers() { # the far sides that write to $FAR
    pgrep -f "mapshare receive -- $FAR\$" || true
}

# Names, modes, owners, times, attributes, links and what is in files; not how many links a file has.
same_as_source() { # [FOLDER]
    local other=${1:-$FAR} differs
    differs=$(rsync -aHAXn --delete --checksum --itemize-changes --exclude=/.mapshare-follow "$MOUNT/" "$other/")
    [ -z "$differs" ] || fail "the copy differs: $differs"
}
