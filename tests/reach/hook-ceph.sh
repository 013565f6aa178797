#!/usr/bin/env bash
# What fence-ceph asks of the cluster, which is played here, and does to clients. That a real one obeys: takeover-ceph.sh.
. "$(dirname "$0")/../lib.sh"
need_root
need_program unshare nsenter
[ "${TEST_NAMESPACE:-}" = made ] || skip "cannot make a mount namespace"
unshare --net true 2>/dev/null || skip "cannot make network namespaces"
scratch
HOOK=$(realpath "$TEST_FOLDER/../reach/fence-ceph")
FAKES=$SCRATCH/fakes
SAID=$SCRATCH/said
mkdir "$FAKES"
cat >"$FAKES/ceph" <<X2
#!/bin/sh
echo "\$*" >>$SAID
case \$* in *" ls") cat $SCRATCH/list ;; esac
X2
printf '#!/bin/sh\necho "mount $*" >>%s\n' "$SAID" >"$FAKES/mount"
printf '#!/bin/sh\necho "systemd-run $*" >>%s\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n' "$SAID" >"$FAKES/systemd-run"
chmod +x "$FAKES"/*
cp "$(command -v sleep)" "$SCRATCH/ceph-fuse"
mount -t tmpfs none /run
unshare --net sleep 1000 &
machine=$!
kill_later $machine
wait_until 20 eval '[ "$(readlink /proc/$machine/ns/net)" != "$(readlink /proc/self/ns/net)" ]'

hook() { # STATUS ARGUMENT...: and what was said is in $SAID
    local status=0
    : >"$SAID"
    nsenter -t $machine -n env PATH="$FAKES:$PATH" CEPH_COMMAND="ceph --id fencer" MAPSHARE_STORE="$STORE" sh "$HOOK" "${@:2}" 2>"$SCRATCH/error" || status=$?
    [ "$status" = "$1" ] || fail "${*:2}: status $status, not $1: $(cat "$SCRATCH/error")"
}
said() { # LINE...
    [ "$(cat "$SAID")" = "$(printf '%s\n' "$@")" ] || fail "it was said $(cat "$SAID")"
}
client() { # COMMAND...: runs as a volume's client would be called
    "$@" "$SCRATCH/ceph-fuse" 1000 &
    kill_later $!
    wait_until 20 eval '[ "$(cat /proc/'$!'/comm)" = ceph-fuse ]'
}

hook 0 fence 10.0.0.1
said "--id fencer osd blocklist add 10.0.0.1 315360000"
printf '%s\n' 'listed 2 entries' '10.0.0.11:0/0 2036-11-23T20:28:30' '10.0.0.2:0/77 2036-11-23T20:28:30' >"$SCRATCH/list"
hook 1 verify 10.0.0.1
hook 1 verify 10.0.0.2 # only one client of it
hook 0 verify 10.0.0.11
rm "$SCRATCH/list"
hook 2 verify 10.0.0.11

# Nobody is let in where the list cannot be had.
hook 1 unfence 10.0.0.11
said "--id fencer osd blocklist ls"
printf '10.0.0.11:0/0 2036-11-23T20:28:30\n' >"$SCRATCH/list"
client env
other=$!
client nsenter -t $machine -n
hook 0 unfence 10.0.0.11
process_gone $! || fail "a client lives on"
! process_gone $other || fail "another machine's client was killed"
said "--id fencer osd blocklist ls" "--id fencer osd blocklist rm 10.0.0.11" "mount -a -t fuse.ceph"
mkdir -p /run/systemd/system
hook 0 unfence 10.0.0.12
said "--id fencer osd blocklist ls" "systemd-run --quiet --scope --collect -- mount -a -t fuse.ceph" "mount -a -t fuse.ceph"
hook 2 let 10.0.0.12
