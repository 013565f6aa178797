#!/usr/bin/env bash
# Processes count words in one map of Boost.Interprocess at once, which grows; what a dead one may have left half done is not used.
. "$(dirname "$0")/common.sh"
need_program "${CXX:-c++}"
[ -z "${SANITIZERS:-}" ] || skip "Boost takes long to compile for the library's sanitizers"
SOURCE=$(realpath "$(dirname "$0")/../boost-map.cpp")
INCLUDE=$(realpath "$(dirname "$0")/../../include")
"${CXX:-c++}" -x c++ -fsyntax-only - <<<'#include <boost/interprocess/managed_external_buffer.hpp>' 2>/dev/null || skip "needs the headers of Boost"

build() {
    "${CXX:-c++}" -std=c++17 -Wall -Wextra -Werror -I"$INCLUDE" -o "$SCRATCH/boost-map" "$SOURCE" -L"$BUILD_FOLDER/.libs" -lmapshare
}

count() {
    timeout 60 "$SCRATCH/boost-map" "$@"
}

on_any_folder() {
    local pid status=0
    [ -x "$SCRATCH/boost-map" ] || build
    count 2>said || status=$?
    same "status of wrong use" 2 "$status"
    for i in {1..6}; do count map both $(seq -f "a-word-that-needs-memory-%.0f" 1000) >/dev/null; done &
    pid=$!
    for i in {1..6}; do count map both other >/dev/null; done
    wait "$pid" || fail "a process failed"
    same words 1002 "$(count map | wc -l)"
    same "what both counted" "both 12" "$(count map | grep both)"
    same "what one counted" "a-word-that-needs-memory-1000 6" "$(count map | grep 1000)"
    [ "$(stat -c %s map)" -gt 65536 ] || fail "the file did not grow"

    (ulimit -f $(($(stat -c %s map) / 1024)) && count map $(seq -f "more-words-that-need-memory-%.0f" 1000)) >said 2>&1 || status=$?
    [ "$status" -gt 2 ] || fail "nobody died: $(cat said)"
    ! count map 2>said || fail "what a dead process left is used"
    grep -q 'Owner died' said || fail "after a death it says: $(cat said)"
}

check_example
