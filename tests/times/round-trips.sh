#!/usr/bin/env bash
# stat(2) asks the daemon at most once after a store, and not at all when nothing changed.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
stamp=$(helper times/stamp)
head -c 8192 /dev/zero >"$STORE/file"
node=$(stat -c %i "$STORE/file")
"$MAPSHAREFS" -d -o journal_size=16M,cache_size=64M "$STORE" "$MOUNT" 2>"$SCRATCH/trace" &
KEEPER=$!
USED_KEEPERS+=("$KEEPER")
USED_MOUNTS+=("$MOUNT")
wait_until 10 is_mounted "$MOUNT"
exec 8<"$MOUNT/file" # its pages stay, whoever has the kernel forget files meanwhile
asked() { # how often for attributes (FUSE_GETATTR, FUSE_STATX) while STEPS run
    local before after
    before=$(grep -cE "^mapsharefs: request (3|52) of node $node," "$SCRATCH/trace" || true)
    "$stamp" "$MOUNT/file" "$@" >/dev/null
    after=$(grep -cE "^mapsharefs: request (3|52) of node $node," "$SCRATCH/trace" || true)
    echo $((after - before))
}
expect() { # COUNT STEPS...: where others have the kernel drop pages and attributes in between, it is tried again
    local most=$1 count
    shift
    for _ in 1 2 3 4 5; do
        sleep 1.2 # changes and questions no longer cross each other
        count=$(asked "$@")
        [ "$count" -gt "$most" ] || return 0
    done
    [ "$count" -le "$most" ] || fail "$*: $count questions for attributes, at most $most expected"
}
asked print store 0 sync >/dev/null # from here on the file is not quiet, and the kernel knows
asked print store 0 sync >/dev/null
without=$(asked print store 0 sync)
with=$(asked print store 0 sync print)
[ $((with - without)) = 1 ] || fail "after a store, stat asks $((with - without)) times, expected 1"
stored() { [ "$(attribute committed "$MOUNT/file")" = 0 ] && [ "$(attribute dirty.received "$MOUNT/file")" = 0 ]; }
wait_until 60 stored || fail "the file's pages do not reach the store"
expect 1 print
expect 0 print print print
expect 0 load 0 load 1 print
exec 8<&-
stop_mount
