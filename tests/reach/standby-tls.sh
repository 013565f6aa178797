#!/usr/bin/env bash
# mapshare-standby speaks TLS with etcd: it serves with the right certificates, and refuses, or is refused, with others.
. "$(dirname "$0")/../lib.sh"
need_root
need_mount
need_program etcd etcdctl getfattr openssl
STANDBY=${MAPSHARE_STANDBY:-$(find_built mapshare-standby)} || skip "mapshare-standby is not built (libcurl is missing)"
scratch
cd "$SCRATCH"

authority() { # NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" -keyout "$1.key" -out "$1.pem" 2>>openssl.log ||
        fail "openssl: $(cat openssl.log)"
}
certificate() { # NAME AUTHORITY EXTENSION...
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.request" 2>>openssl.log &&
        openssl x509 -req -in "$1.request" -days 2 -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -extfile <(printf '%s\n' "${@:3}") -out "$1.pem" \
            2>>openssl.log || fail "openssl: $(cat openssl.log)"
}
authority ours
authority theirs
# etcd asks itself, for questions in JSON, with the same certificate.
certificate server ours 'subjectAltName=IP:127.0.0.1' 'extendedKeyUsage=serverAuth,clientAuth'
certificate client ours 'extendedKeyUsage=clientAuth'
certificate stranger theirs 'extendedKeyUsage=clientAuth'

port=$((20000 + RANDOM % 10000))
ETCD=https://127.0.0.1:$port
env ETCD_UNSUPPORTED_ARCH= etcd --data-dir "$SCRATCH/etcd" --listen-client-urls "$ETCD" --advertise-client-urls "$ETCD" \
    --listen-peer-urls "http://127.0.0.1:$((port + 1))" --cert-file server.pem --key-file server.key --client-cert-auth \
    --trusted-ca-file ours.pem >etcd.log 2>&1 &
kill_later $!
disown $!
export ETCDCTL_API=3
wait_until 30 etcdctl --endpoints "$ETCD" --cacert ours.pem --cert client.pem --key client.key endpoint health || fail "etcd does not run: $(tail -n 2 etcd.log)"

ask() { # OPTION...
    "$STANDBY" --etcd="$ETCD" --name=test --patience=30 --status "$@" >said 2>&1
}
refused_as() { # REGEX OPTION...
    ! ask "${@:2}" || fail "it is answered with ${*:2}: $(cat said)"
    grep -qiE "$1" said || fail "with ${*:2} it says: $(cat said)"
}
ours=(--ca=ours.pem --cert=client.pem --key=client.key)
ask "${ours[@]}" || fail "it is not answered: $(cat said)"
refused_as 'certificate' --cert=client.pem --key=client.key # an authority that nobody knows
refused_as 'certificate' --ca=theirs.pem --cert=client.pem --key=client.key
refused_as "$ETCD: " --ca=ours.pem # by etcd, which tells little
refused_as "$ETCD: " --ca=ours.pem --cert=stranger.pem --key=stranger.key
refused_as 'could not load|unable|key' --ca=ours.pem --cert=client.pem --key=server.key
ETCD=https://localhost:$port refused_as 'certificate|name' "${ours[@]}" # it is another one's name

USED_MOUNTS=("$MOUNT")
setsid "$STANDBY" --etcd="$ETCD" --name=test --host=a --hook=true --lease=20 "${ours[@]}" -o "$DEFAULT_OPTIONS" "$STORE" "$MOUNT" >log 2>&1 </dev/null &
PID=$!
kill_later $PID
wait_until 30 grep -q ' serves ' log || fail "it does not serve: $(cat log)"
ask "${ours[@]}" --json && grep -q '"state": *"serving"' said || fail "--status says: $(cat said)"
echo text >"$MOUNT/file"
sync "$MOUNT/file" || fail "nothing is committed: $(cat log)"
wait_until 20 eval '[ -n "$(stats_value standby_pid)" ] && [ "$(stats_value standby_pid)" != 0 ]' || fail "the mount is not complete"
kill -TERM $PID
wait_gone 30 $PID || fail "it does not end: $(cat log)"
wait $PID || fail "it ended with $?: $(cat log)"
