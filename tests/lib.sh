# shellcheck shell=bash
# What the shell tests share: real mounts in a scratch folder, waiting for readiness, clean-up on exit, loud skips.
#
# A test sources this file, calls scratch, then start_mount. It fails by any false command (set -e) or by fail, skips by skip (77), and at
# its end when a daemon logged a line that it did not expect (expect_log).
# The programs under test are found in the build tree (the current folder under make check), or through MAPSHAREFS and MAPSHARE.
set -euo pipefail

# A mount namespace of its own: whoever makes a new one meanwhile would keep a copy of the test's mounts, and a mount ends with its last
# copy only. For the same reason others' mounts are let go here. What umount(8) knows of mounts is the test's own, too: killed daemons leave
# their mounts there.
if [ "$(id -u)" = 0 ] && [ -z "${TEST_NAMESPACE:-}" ] && unshare -m true 2>/dev/null; then
    TEST_NAMESPACE=own exec unshare -m --propagation private bash "$0" "$@"
fi
if [ "${TEST_NAMESPACE:-}" = own ]; then
    mkdir -p /run/mount && mount -t tmpfs -o size=16m mapshare-tests /run/mount
    umount -a -i -l -t fuse.mapsharefs || : # one that ended meanwhile
    export TEST_NAMESPACE=made
fi

TEST_FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUILD_FOLDER=${top_builddir:-$PWD}
DEFAULT_OPTIONS=journal_size=16M,cache_size=64M
ME=$(basename "$0" .sh)

fail() {
    echo "FAIL: $ME: $*" >&2
    exit 1
}

skip() {
    echo "SKIP: $ME: $*" >&2
    exit 77
}

# One part of a test cannot run here; the rest goes on. Never silent.
skip_part() {
    echo "SKIP PART: $ME: $*" >&2
}

need_program() {
    local name
    for name in "$@"; do
        command -v "$name" >/dev/null || skip "needs the program $name"
    done
}

need_root() {
    [ "$(id -u)" = 0 ] || skip "needs root"
}

is_root() {
    [ "$(id -u)" = 0 ]
}

find_built() { # NAME: the program's path in the build tree, or on the PATH
    local candidate
    for candidate in "$BUILD_FOLDER"/{.,fsd,cli}/"$1"; do
        [ -f "$candidate" ] && [ -x "$candidate" ] && { realpath "$candidate"; return; }
    done
    command -v "$1" || return 1
}

helper() { # NAME: a compiled helper below tests/
    local path=$BUILD_FOLDER/tests/$1
    [ -x "$path" ] || fail "helper program $path is not built"
    realpath "$path"
}

need_mount() {
    [ -c /dev/fuse ] || skip "no /dev/fuse"
    [ -r /dev/fuse ] && [ -w /dev/fuse ] || skip "/dev/fuse is not accessible"
    MAPSHAREFS=${MAPSHAREFS:-$(find_built mapsharefs || true)}
    MAPSHARE=${MAPSHARE:-$(find_built mapshare || true)}
    [ -x "$MAPSHAREFS" ] || fail "mapsharefs is not built"
}

need_tool() {
    [ -x "${MAPSHARE:-}" ] || skip "the program mapshare is not built"
}

# Polls, so that a test takes as long as the thing it waits for and no longer.
wait_until() { # SECONDS COMMAND...
    local seconds=$1 deadline
    shift
    deadline=$(($(date +%s%N) + seconds * 1000000000))
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s%N)" -lt "$deadline" ] || return 1
        sleep 0.01
    done
}

process_gone() { # PID: exited; a zombie counts
    local state
    [ -e "/proc/$1" ] || return 0
    state=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -c1) || return 0
    [ "$state" = Z ] || [ -z "$state" ]
}

wait_gone() { # SECONDS PID...
    local seconds=$1 pid
    shift
    for pid in "$@"; do
        wait_until "$seconds" process_gone "$pid" || return 1
    done
}

is_mounted() { # FOLDER
    grep -q " $(realpath -ms "$1") fuse" /proc/self/mounts
}

stats_value() { # KEY [MOUNT]
    timeout -k 1 20 getfattr --only-values --absolute-names -n user.mapshare.stats "${2:-$MOUNT}" | sed -n "s/^$1=//p"
}

attribute() { # NAME FILE: the value of user.mapshare.NAME
    getfattr --only-values --absolute-names -n "user.mapshare.$1" "$2"
}

children_of() { # PID
    ps -o pid= --ppid "$1" || true
}

# The processes of a mount: the keeper's and its children's numbers.
daemon_pids() { # [MOUNT]
    local keeper
    keeper=$(stats_value keeper_pid "${1:-$MOUNT}")
    echo "$keeper" $(children_of "$keeper")
}

scratch() {
    SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/mapshare-$ME.XXXXXX")
    chmod 755 "$SCRATCH"
    STORE=$SCRATCH/store
    MOUNT=$SCRATCH/mount
    PLAIN=$SCRATCH/plain # a sibling of the store on its file system, for comparison
    mkdir "$STORE" "$MOUNT" "$PLAIN"
    read -r STARTED _ </proc/uptime
    USED_MOUNTS=()
    USED_PROCESSES=()
    USED_LOOPS=()
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# Ends a mount whose daemon hangs: its clients get errors instead of waiting for ever.
abort_mount() { # FOLDER
    local device
    device=$(awk -v at="$(realpath -ms "$1")" '$5 == at { sub(/.*:/, "", $3); print $3 }' /proc/self/mountinfo | head -n 1)
    mkdir -p "$SCRATCH/connections"
    if mount -t fusectl none "$SCRATCH/connections" 2>/dev/null; then
        [ -z "$device" ] || echo 1 >"$SCRATCH/connections/$device/abort"
        umount "$SCRATCH/connections"
    fi
    umount -l "$1" 2>/dev/null || fusermount3 -uz "$1"
}

clean_up() { # [STATUS]: of the test, where a trap of its own has run something since
    local status=${1:-$?} item
    trap - EXIT
    set +e
    cd /
    for item in "${USED_PROCESSES[@]}"; do
        kill -9 "$item" 2>/dev/null
    done
    for item in "${USED_MOUNTS[@]}"; do
        if [ "$status" != 0 ] && is_mounted "$item"; then
            timeout -k 1 5 getfattr --only-values --absolute-names -n user.mapshare.stats "$item" | tr '\n' ' ' | sed 's/^/stats: /; s/$/\n/' >&2
        fi
        is_mounted "$item" && { timeout -k 1 20 umount "$item" 2>/dev/null || fusermount3 -u "$item" 2>/dev/null || abort_mount "$item"; }
    done
    for item in "${USED_KEEPERS[@]}"; do
        wait_gone 10 "$item" || { echo "keeper $item did not exit" >&2; kill -9 "$item" $(children_of "$item"); }
    done
    for item in "${USED_LOOPS[@]}"; do
        umount "$item" 2>/dev/null || umount -l "$item"
    done
    [ "$status" != 0 ] || check_logs || status=1
    [ "$status" != 0 ] && [ "$status" != 77 ] && [ -s "$SCRATCH/daemon.log" ] && sed 's/^/daemon: /' "$SCRATCH/daemon.log" | tail -n 50 >&2
    rm -rf --one-file-system "$SCRATCH"
    exit "$status"
}
USED_KEEPERS=()

# What daemons started by start_mount and start_user_mount may say. Any other line fails the test at its end.
EXPECTED_LOG=("^$" " is mounted on .*: mapsharefs [0-9.]+, Linux .*, cache [0-9]+M, journal [0-9]+M, (nothing was to be recovered|recovered [0-9]+ commits)$"
    " is unmounted from .*( and complete: [0-9]+ commits, [0-9]+ restarts|, and not complete: the lines before tell why)$" ": this is Linux [0-9.]+; before 6\\.[59] "
    "built with sanitizers: sandbox=none"
    ": waiting for the daemon that had it mounted to finish$" # on a busy machine
    "of the sandbox could not be applied: .*namespaces and an empty root \(Operation not permitted\)$") # an ordinary user's
expect_log() { # REGEX... of grep -E
    EXPECTED_LOG+=("$@")
}

expect_deaths() {
    expect_log 'the worker was ended by signal 9 \(Killed\); the next one takes over' \
        'a dead worker left half made or half ended are dropped'
}

expect_recovery() {
    expect_log "recovered [0-9]+ commits, [0-9]+ pages in [0-9]+ files"
}

check_logs() {
    local line good=true
    while read -r line; do
        echo "not expected in the daemon's log: $line" >&2
        good=false
    done < <(grep -svE "$(printf '%s\n' "${EXPECTED_LOG[@]}")" "$SCRATCH/daemon.log")
    while read -r line; do
        echo "in the kernel's log: $line" >&2
        good=false
    done < <(dmesg 2>/dev/null | awk -F '[][]' -v start="$STARTED" '$2 + 0 > start + 0' |
        grep -E '(mapsharefs|mapshare)\[[0-9]+\]|(WARNING|BUG): .*fuse')
    $good
}

kill_later() { # PID...: killed at the end if still there
    USED_PROCESSES+=("$@")
}

# Mounts STORE at MOUNT.
start_mount() { # [OPTIONS]
    local options=$DEFAULT_OPTIONS
    need_mount
    is_root && options+=,allow_other
    [ -n "${1:-}" ] && options+=,$1
    start_daemon setsid "$MAPSHAREFS" -f -o "$options" "$STORE" "$MOUNT"
    KEEPER=$(stats_value keeper_pid)
}

# As users do: what the daemon says later is in the system's log.
start_mount_in_background() { # [OPTIONS]
    need_mount
    USED_MOUNTS+=("$MOUNT")
    "$MAPSHAREFS" -o "$DEFAULT_OPTIONS${1:+,$1}" "$STORE" "$MOUNT" >>"$SCRATCH/daemon.log" 2>&1 || fail "mapsharefs -o ${1:-} failed"
    is_mounted "$MOUNT" || fail "mapsharefs returned 0 but nothing is mounted"
    KEEPER=$(stats_value keeper_pid)
    USED_KEEPERS+=("$KEEPER")
}

# What is asked and committed is told in $SCRATCH/trace.
start_traced_mount() {
    need_mount
    USED_MOUNTS+=("$MOUNT")
    "$MAPSHAREFS" -d -o "$DEFAULT_OPTIONS" "$STORE" "$MOUNT" 2>"$SCRATCH/trace" &
    KEEPER=$!
    USED_KEEPERS+=("$KEEPER")
    wait_until 10 is_mounted "$MOUNT"
}

# In the foreground, so that all it says is in daemon.log, but not as a child of ours.
start_daemon() { # COMMAND...: mounts MOUNT
    local started
    USED_MOUNTS+=("$MOUNT")
    started=$("$@" </dev/null >>"$SCRATCH/daemon.log" 2>&1 & echo $!)
    USED_KEEPERS+=("$started")
    wait_until 60 mounted_or_gone "$started" && is_mounted "$MOUNT" || fail "$* failed"
}

mounted_or_gone() { # PID
    process_gone "$1" || is_mounted "$MOUNT"
}

# Unmounts and waits until the store is complete: the keeper's exit says so.
stop_mount() {
    if is_root; then umount "$MOUNT"; else fusermount3 -u "$MOUNT"; fi
    wait_gone 30 "$KEEPER" || fail "the daemon did not finish within 30 s of umount"
}

# Random operations on files of the mount, each checked against a copy (mount/random-ops.c), in the background: OPERATIONS are their processes.
start_operations() { # NAME...: of the files, no two of which end alike
    local name program
    program=$(helper mount/random-ops)
    OPERATED=("$@")
    OPERATIONS=()
    for name in "$@"; do
        "$program" "$MOUNT" "$name" "${SECONDS_LONG:-12}" "$PLAIN/$(basename "$name")" 2>"$SCRATCH/$(basename "$name").log" &
        OPERATIONS+=($!)
    done
    kill_later "${OPERATIONS[@]}"
}

end_operations() { # they all end well
    local pid name
    for pid in "${OPERATIONS[@]}"; do
        wait "$pid" && continue
        for name in "${OPERATED[@]}"; do tail -n 40 "$SCRATCH/$(basename "$name").log" >&2; done
        fail "operations went wrong"
    done
}

compare_operations() { # the store has what they left
    local name
    for name in "${OPERATED[@]}"; do
        cmp "$PLAIN/$(basename "$name")" "$STORE/$name" || { head -n 1 "$SCRATCH/$(basename "$name").log"; fail "the store's $name differs"; }
    done
}

# All processes of a mount at once: a keeper that is stopped starts none meanwhile.
kill_all() { # KEEPER PID...
    kill -STOP "$1"
    wait_until 30 grep -q '^State:.T' "/proc/$1/status" || fail "the keeper does not stop"
    # shellcheck disable=SC2046
    set -- "$@" $(children_of "$1") # those that it has made meanwhile, too
    kill -9 "${@:2}" "$1" 2>/dev/null || :
    wait_gone 30 "$@" || fail "killed processes do not exit: $*"
}

# Crashes the whole daemon, the mount goes with it.
kill_daemon() {
    expect_recovery
    # shellcheck disable=SC2046
    kill_all $(daemon_pids)
    umount -l "$MOUNT" 2>/dev/null || fusermount3 -uz "$MOUNT"
}

# The first thing in a mount namespace of our own: others' mounts were copied into it, and their daemons would not end while it lives.
drop_copies() {
    local copy
    awk '$3 ~ /^fuse\.mapsharefs/ { print $2 }' /proc/self/mounts | while IFS= read -r copy; do
        umount -l "$(printf %b "$copy")"
    done
}
export -f drop_copies

# mount(8) gives its helpers no PATH, so the shell looks in the usual folders. This starts the test again in a mount namespace of its
# own, where a folder with a link to the program lies over one of them.
need_path_of_mount() { # "$0"
    [ -z "${INSIDE_NAMESPACE:-}" ] || return 0
    command -v unshare >/dev/null && unshare -m true 2>/dev/null || skip "cannot make a mount namespace"
    # shellcheck disable=SC2016
    INSIDE_NAMESPACE=1 exec unshare -m --propagation private bash -c '
        drop_copies
        mount -t tmpfs none /usr/local/sbin && ln -s "$1" /usr/local/sbin/mapsharefs || exit 77
        exec bash "$0"' "$1" "$MAPSHAREFS"
}

# For tests that mount as an ordinary user though they are run by root: where /dev/fuse is for root only, a node of our own lies over it, in a
# mount namespace of our own, in which the test starts again.
need_fuse_for_all() { # "$0"
    need_program setpriv fusermount3
    is_root || return 0
    need_program unshare
    [ -u "$(command -v fusermount3)" ] || skip "fusermount3 is not setuid"
    [ -z "${INSIDE_NAMESPACE:-}" ] || return 0
    unshare -m true 2>/dev/null || skip "cannot make a mount namespace"
    # shellcheck disable=SC2016
    INSIDE_NAMESPACE=1 exec unshare -m --propagation private bash -c '
        drop_copies
        folder=$(mktemp -d) && mount -t tmpfs -o dev,mode=755 none "$folder" && mknod -m 666 "$folder/fuse" c 10 229 &&
            mount --bind "$folder/fuse" /dev/fuse || exit 77
        bash "$0"
        status=$?
        umount /dev/fuse && umount "$folder" && rmdir "$folder"
        exit $status' "$1"
}

as_user() { # COMMAND...: as nobody, or as whoever runs the tests
    if is_root; then
        setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all env HOME="$SCRATCH" "$@"
    else
        "$@"
    fi
}

# As start_mount, by an ordinary user, to whom the store then belongs. A limit of open files may be given.
start_user_mount() { # [OPTIONS [LIMIT]]
    local options=$DEFAULT_OPTIONS
    need_mount
    [ -n "${1:-}" ] && options+=,$1
    expect_log "the kernel's limits for this mount stay low \(only root may raise them\)"
    chmod 777 "$SCRATCH"
    is_root && chown -R 65534:65534 "$STORE" "$MOUNT"
    # shellcheck disable=SC2016
    start_daemon as_user setsid bash -c 'ulimit -n "$1"; exec "${@:2}"' - "${2:-$(ulimit -n)}" "$MAPSHAREFS" -f -o "$options" "$STORE" "$MOUNT"
    KEEPER=$(user_stats_value keeper_pid)
}

user_stats_value() { # KEY
    as_user timeout -k 1 20 getfattr --only-values --absolute-names -n user.mapshare.stats "$MOUNT" | sed -n "s/^$1=//p"
}

# A small ext4 in a file, for tests that fill a disk. Sets nothing but the mount; freed by clean_up.
small_disk() { # FOLDER SIZE
    need_root
    need_program mkfs.ext4 losetup
    truncate -s "$2" "$1.image"
    mkfs.ext4 -q -m 0 "$1.image"
    mount -o loop "$1.image" "$1" 2>/dev/null || skip "cannot mount a loop device"
    USED_LOOPS+=("$1")
}

# Runs a helper that prints what it sees, in an empty folder of the store's file system and in one of the mount: the outputs
# must be the same. The store's file system is the oracle.
same_as_plain() { # HELPER [ARGUMENTS...]
    local program
    program=$(helper "$1")
    shift
    mkdir -p "$PLAIN/work" "$MOUNT/work"
    "$program" "$PLAIN/work" "$@" >"$SCRATCH/expected" 2>&1 || { cat "$SCRATCH/expected" >&2; fail "$program fails on the plain file system"; }
    [ -s "$SCRATCH/expected" ] || fail "$program prints nothing"
    "$program" "$MOUNT/work" "$@" >"$SCRATCH/seen" 2>&1 || { tail -n 5 "$SCRATCH/seen" >&2; fail "$program fails on the mount"; }
    diff -u --label "$(stat -f -c %T "$PLAIN")" --label mount "$SCRATCH/expected" "$SCRATCH/seen" >&2 ||
        fail "the mount differs from the plain file system"
    echo "$(wc -l <"$SCRATCH/seen") results, the same on $(stat -f -c %T "$PLAIN") and on the mount"
}
