#!/usr/bin/env bash
# Each program under EXAMPLES compiles without a warning and runs on a mount, as often as a reader may start it.
. "$(dirname "$0")/manual.sh"
CC=${CC:-cc}
CXX=${CXX:-c++}
need_program "${CC%% *}"
[ -e "$BUILD_FOLDER/.libs/libmapshare.so" ] || fail "the library is not built"
scratch

# Writes each literal block that has a main function to a file of its own: PAGE-NUMBER.c, or .cpp.
programs() { # PAGE FOLDER
    local language=c
    [ "$(basename "$1")" != mapshare.hpp.3 ] || language=cpp
    section "$1" EXAMPLES | awk -v stem="$2/$(basename "$1")" -v language=$language '
        /^\.Bd -literal/ {inside = 1; text = ""; next}
        /^\.Ed/ {if (text ~ /int main\(/) {printf "%s", text > (stem "-" ++count "." language)} inside = 0; next}
        inside {gsub(/\\e/, "\\"); gsub(/\\-/, "-"); gsub(/\\&/, ""); text = text $0 "\n"}'
}

mkdir "$SCRATCH/programs" "$SCRATCH/compiled"
for page in "${PAGES[@]}"; do
    programs "$page" "$SCRATCH/programs"
    case $(basename "$page") in *mapshare*.3 | mapshare.7)
        ls "$SCRATCH/programs/$(basename "$page")"-1.* >/dev/null 2>&1 || fail "$(basename "$page") has no program among its examples" ;;
    esac
done

sanitizers=${SANITIZERS:+-fsanitize=${SANITIZERS// /,}}
for source in "$SCRATCH"/programs/*; do
    case $source in
    *.c) compile="$CC -std=gnu17" ;;
    *.cpp)
        compile="$CXX -std=c++17"
        command -v "$CXX" >/dev/null || { skip_part "$(basename "$source"): no C++ compiler"; continue; }
        ;;
    esac
    # shellcheck disable=SC2086
    $compile -O1 -Wall -Wextra -Werror $sanitizers -I"$TOP/include" -o "$SCRATCH/compiled/$(basename "$source")" "$source" \
        -L"$BUILD_FOLDER/.libs" -lmapshare -pthread || fail "$(basename "$source") does not compile"
done

export LD_LIBRARY_PATH=$BUILD_FOLDER/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
start_mount # skips where there is no /dev/fuse; what compiles is known by now
cd "$MOUNT"
for round in first second; do
    for program in "$SCRATCH"/compiled/*; do
        status=0
        timeout 20 "$program" >"$SCRATCH/said" 2>&1 || status=$?
        [ "$status" = 0 ] || fail "$(basename "$program"), $round run, ends with $status: $(cat "$SCRATCH/said")"
        [ -s "$SCRATCH/said" ] || fail "$(basename "$program") says nothing"
    done
done
cd /
stop_mount
echo "$(find "$SCRATCH/compiled" -type f | wc -l) programs compile and run"
