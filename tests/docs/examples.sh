#!/usr/bin/env bash
# Each program under EXAMPLES compiles without a warning and runs on a mount, as often as a reader may start it.
. "$(dirname "$0")/manual.sh"
CC=${CC:-cc}
need_program "${CC%% *}"
[ -e "$BUILD_FOLDER/.libs/libmapshare.so" ] || fail "the library is not built"
scratch

# Writes each literal block that has a main function to a file of its own.
programs() { # PAGE FOLDER
    section "$1" EXAMPLES | awk -v stem="$2/$(basename "$1")" '
        /^\.Bd -literal/ {inside = 1; text = ""; next}
        /^\.Ed/ {if (text ~ /int main\(/) {printf "%s", text > (stem "-" ++count ".c")} inside = 0; next}
        inside {gsub(/\\e/, "\\"); gsub(/\\-/, "-"); gsub(/\\&/, ""); text = text $0 "\n"}'
}

mkdir "$SCRATCH/programs"
for page in "${PAGES[@]}"; do
    programs "$page" "$SCRATCH/programs"
    case $(basename "$page") in mapshare_*.3 | mapshare.7 | libmapshare.3)
        [ -e "$SCRATCH/programs/$(basename "$page")-1.c" ] || fail "$(basename "$page") has no program among its examples" ;;
    esac
done

sanitizers=${SANITIZERS:+-fsanitize=${SANITIZERS// /,}}
for source in "$SCRATCH"/programs/*.c; do
    # shellcheck disable=SC2086
    $CC -std=gnu17 -O1 -Wall -Wextra -Werror $sanitizers -I"$TOP/include" -o "${source%.c}" "$source" \
        -L"$BUILD_FOLDER/.libs" -lmapshare -pthread || fail "$(basename "$source") does not compile"
done

export LD_LIBRARY_PATH=$BUILD_FOLDER/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
start_mount # skips where there is no /dev/fuse; what compiles is known by now
cd "$MOUNT"
for round in first second; do
    for source in "$SCRATCH"/programs/*.c; do
        status=0
        timeout 20 "${source%.c}" >"$SCRATCH/said" 2>&1 || status=$?
        [ "$status" = 0 ] || fail "$(basename "$source"), $round run, ends with $status: $(cat "$SCRATCH/said")"
        [ -s "$SCRATCH/said" ] || fail "$(basename "$source") says nothing"
    done
done
cd /
stop_mount
echo "$(find "$SCRATCH/programs" -name '*.c' | wc -l) programs compile and run"
