#!/usr/bin/env bash
# A copy over ssh, by a real sshd in a network of its own: followed, cut off, followed again; and for longer, with ROUNDS.
if [ -z "${INSIDE_NETWORK:-}" ] && [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null; then
    INSIDE_NETWORK=1 exec unshare -n bash "$0" "$@"
fi
. "$(dirname "$0")/../lib.sh"
need_root
[ -n "${INSIDE_NETWORK:-}" ] || skip "cannot make a network namespace"
need_mount
need_tool
need_program getfattr rsync ssh ssh-keygen ip
SSHD=${SSHD:-$(PATH=$PATH:/usr/sbin command -v sshd)} || skip "no sshd: the package openssh-server is not installed"
getent passwd sshd >/dev/null || skip "no user sshd"
# shellcheck source=../follow.sh
. "$(dirname "$0")/../follow.sh"
scratch
ip link set lo up
ROUNDS=${ROUNDS:-1}

for key in host user; do ssh-keygen -q -t ed25519 -N '' -f "$SCRATCH/$key"; done
mount -t tmpfs -o mode=755 none /run && mkdir /run/sshd # of our own mount namespace
cat >"$SCRATCH/sshd_config" <<END
Port 2222
ListenAddress 127.0.0.1
HostKey $SCRATCH/host
AuthorizedKeysFile $SCRATCH/user.pub
PidFile $SCRATCH/sshd.pid
StrictModes no
UsePAM no
PermitRootLogin yes
SetEnv PATH=$(dirname "$MAPSHARE"):$PATH
END
cat >"$SCRATCH/ssh_config" <<END
Host far
HostName 127.0.0.1
Port 2222
User root
IdentityFile $SCRATCH/user
StrictHostKeyChecking no
UserKnownHostsFile /dev/null
LogLevel ERROR
BatchMode yes
END
"$SSHD" -f "$SCRATCH/sshd_config" -E "$SCRATCH/sshd.log" || fail "sshd: $(cat "$SCRATCH/sshd.log")"
wait_until 20 test -s "$SCRATCH/sshd.pid" || fail "sshd does not start: $(cat "$SCRATCH/sshd.log")"
kill_later "$(cat "$SCRATCH/sshd.pid")"

start_mount
start_far
echo "a word" >"$MOUNT/it's a \$name"
sync "$MOUNT/it's a \$name"
"$MAPSHARE" follow --json --rsh="ssh -F $SCRATCH/ssh_config" --to "far:$FAR" "$MOUNT" >"$SCRATCH/followed" 2>"$SCRATCH/follower.log" &
FOLLOWER=$!
kill_later $FOLLOWER
is_there() { # NAME
    cmp -s "$MOUNT/$1" "$FAR/$1"
}
wait_until 60 is_there "it's a \$name" || fail "it is not followed: $(cat "$SCRATCH/follower.log" "$SCRATCH/sshd.log")"
for round in $(seq "$ROUNDS"); do
    head -c 300000 /dev/urandom >"$MOUNT/before-$round"
    sync "$MOUNT/before-$round"
    wait_until 60 is_there "before-$round" || fail "$round: $(cat "$SCRATCH/follower.log")"
    # The network is gone, and with it what was under way.
    kill -9 $(far_receivers) $(children_of $FOLLOWER) 2>/dev/null || true
    head -c 300000 /dev/urandom >"$MOUNT/after-$round"
    sync "$MOUNT/after-$round"
    wait_until 60 is_there "after-$round" || fail "$round: it does not go on: $(cat "$SCRATCH/follower.log")"
done
grep -q "is tried again in" "$SCRATCH/follower.log" || fail "it says nothing of the cut: $(cat "$SCRATCH/follower.log")"
kill $FOLLOWER
wait $FOLLOWER || true
wait_until 60 eval '[ -z "$(far_receivers)" ]' || fail "the far side does not end"
"$MAPSHARE" follow --once --rsh="ssh -F $SCRATCH/ssh_config" --to "far:$FAR" "$MOUNT" >/dev/null || fail "the last time"
same_as_source
stop_far
stop_mount
