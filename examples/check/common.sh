# shellcheck shell=bash
# What the checks of the examples share. A check defines on_any_folder, which runs in an empty folder of a plain file system, then in one
# of a mount; on_mount runs on the mount alone, on_plain_folder on the plain one.
. "$(dirname "${BASH_SOURCE[0]}")/../../tests/lib.sh"

example() { # NAME [ARGUMENT...]: bounded, so that a hang fails
    timeout 60 "$BUILD_FOLDER/examples/$1" "${@:2}"
}

same() { # WHAT EXPECTED SEEN
    [ "$2" = "$3" ] || fail "$1: expected '$2', saw '$3'"
}

# Wrong use explains itself and fails with 2.
explains_itself() { # NAME [ARGUMENT...]
    local status=0 said
    said=$(example "$@" 2>&1) || status=$?
    same "status of $* used wrongly" 2 "$status"
    case $said in usage:*) ;; *) fail "$* used wrongly says: $said" ;; esac
}

# A program that counts as shared-counter does, in another language: it waits for the lock, and no count of it and of C is lost.
counts_with_c() { # LANGUAGE COMMAND...
    local pid holder
    ! "${@:2}" 2>/dev/null || fail "without a file it does not fail"
    example shared-counter counter 5000 >/dev/null &
    pid=$!
    timeout 60 "${@:2}" counter 5000 >/dev/null || fail "it ended with $?"
    wait "$pid" || fail "the C process failed"
    same "C counts on" 10001 "$(example shared-counter counter)"

    coproc HOLDER { PYTHONDONTWRITEBYTECODE=1 exec python3 -c "import mapshare, sys
with mapshare.open('counter') as file, mapshare.Lock(file):
    print('held', flush=True)
    sys.stdin.read()"; }
    holder=$HOLDER_PID
    read -r -u "${HOLDER[0]}" _ || fail "the lock cannot be taken from Python"
    "${@:2}" counter >seen &
    pid=$!
    wait_until 60 waits_or_gone "$pid" || fail "it neither waits for the lock nor ends"
    ! process_gone "$pid" || fail "it does not wait for the lock"
    exec {HOLDER[1]}>&-
    wait "$pid" || fail "after it had waited it failed"
    wait "$holder" || fail "the lock cannot be given back from Python"
    same "$1 counts on" 10002 "$(cat seen)"
    grep -q "in $1" counter || fail "the file does not have the text of $1"
}

waits_or_gone() { # PID
    process_gone "$1" || grep -q futex "/proc/$1/wchan"
}

run_in() { # FOLDER FUNCTION...
    local function
    mkdir -p "$1/example"
    for function in "${@:2}"; do
        if declare -F "$function" >/dev/null; then
            (cd "$1/example" && "$function") || exit 1
        fi
    done
}

check_example() {
    BUILD_FOLDER=$(realpath "$BUILD_FOLDER")
    scratch
    run_in "$PLAIN" on_any_folder on_plain_folder
    if [ -x "${MAPSHAREFS:-$BUILD_FOLDER/mapsharefs}" ] && [ -r /dev/fuse ] && [ -w /dev/fuse ]; then
        start_mount
        run_in "$MOUNT" on_any_folder on_mount
        stop_mount
    elif declare -F on_any_folder >/dev/null; then
        skip_part "on a mount: there is no /dev/fuse, or no mapsharefs"
    else
        skip "needs a mount, and there is no /dev/fuse, or no mapsharefs"
    fi
}
