# shellcheck shell=bash
# What the tests of the tool share, on top of ../lib.sh.
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

CLI_FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
MAPSHARE=${MAPSHARE:-$(find_built mapshare || true)}
[ -x "$MAPSHARE" ] || fail "the program mapshare is not built"

mapshare() {
    timeout 60 "$MAPSHARE" "$@"
}

# The command must fail with this status, print nothing to standard output, and say "mapshare: " and the text in one line.
refused() { # STATUS TEXT COMMAND...
    local wanted=$1 text=$2 status=0 output message
    shift 2
    message=$(mktemp)
    output=$("$@" 2>"$message" </dev/null) || status=$?
    set -- "$*" "$(cat "$message")"
    rm -f "$message"
    [ "$status" = "$wanted" ] || fail "$1: status $status instead of $wanted: $2"
    [ -z "$output" ] || fail "$1: failed, but printed: $output"
    [[ $2 == "mapshare: "* ]] || fail "$1: no message of its own: $2"
    [[ $2 == *"$text"* ]] || fail "$1: '$text' is not in the message: $2"
    [[ $2 != *$'\n'* ]] || fail "$1: more than one line: $2"
}

json_value() { # EXPRESSION: of the object on standard input, named o
    python3 -c "import json, sys; o = json.load(sys.stdin); print($1)"
}

# Another process maps the file and stores into the first byte of each of these pages, then keeps it mapped. They are in the kernel then:
# on a busy machine it may send them at once, so this is tried again.
hold_stores() { # FILE PAGE...
    local attempt kernel
    for attempt in 1 2 3 4 5; do
        hold_stores_once "$@"
        kernel=$(attribute dirty.kernel "$1")
        [ "$kernel" != unknown ] && [ "$kernel" != $(($# - 1)) ] && [ "$attempt" -lt 5 ] || break
        release_stores
    done
}

hold_stores_once() {
    local ready
    exec {HOLDER_INPUT}> >(exec python3 "$CLI_FOLDER/hold.py" "$SCRATCH/holder" "$@")
    kill_later $!
    HOLDER=$!
    wait_until 30 test -s "$SCRATCH/holder" || fail "the process that maps $1 is not ready"
    ready=$(cat "$SCRATCH/holder")
    [ "$ready" = ready ] || fail "mapping $1: $ready"
}

# It unmaps and exits: its pages go to the daemon.
release_stores() {
    exec {HOLDER_INPUT}>&-
    wait_gone 10 "$HOLDER" || fail "the process that maps does not exit"
    rm -f "$SCRATCH/holder"
}

# A terminal of the test's own, that ends with it.
with_terminal() {
    trap end_terminal EXIT
}
terminal() { # TMUX-COMMAND...
    tmux -L "mapshare-$$" -f /dev/null "$@"
}
end_terminal() {
    local status=$?
    set +e
    terminal kill-server 2>/dev/null
    (exit "$status")
    clean_up
}

# Where /dev/fuse is for root only, starts the test again in a mount namespace of its own, with a node for everybody over it.
need_open_fuse() { # "$0"
    [ "$(stat -c %a /dev/fuse)" != 666 ] || return 0
    unshare -m true 2>/dev/null || skip "/dev/fuse is for root only, and there is no mount namespace"
    # shellcheck disable=SC2016
    exec unshare -m --propagation private bash -c '
        drop_copies
        folder=$(mktemp -d) && mount -t tmpfs -o dev,mode=755 none "$folder" && mknod -m 666 "$folder/fuse" c 10 229 &&
            mount --bind "$folder/fuse" /dev/fuse || exit 77
        bash "$0"
        status=$?
        umount /dev/fuse && umount "$folder" && rmdir "$folder"
        exit $status' "$1"
}
