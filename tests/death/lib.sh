# shellcheck shell=bash
# What the sweeps share. A worker dies at every tenth of the points that an operation passes; EFFORT=10 tries all of them (sweep.c).
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

sweep() { # OPERATION...
    need_mount
    need_root
    [ -x "$BUILD_FOLDER/tests/death/mapsharefs" ] || skip "the daemon that dies is not built: configure --enable-death-points"
    scratch
    USED_MOUNTS+=("$MOUNT")
    "$(helper death/sweep)" "$(helper death/mapsharefs)" "$SCRATCH" "$@"
}
