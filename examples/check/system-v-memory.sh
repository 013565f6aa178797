#!/usr/bin/env bash
# The memory stays after its processes, is in memory only until it is kept, and goes when it is removed.
. "$(dirname "$0")/common.sh"

on_plain_folder() {
    local status=0
    explains_itself system-v-memory memory
    example system-v-memory memory get 2>said || status=$?
    same "status off the mount" 3 "$status"
    grep -q 'not on a mapsharefs mount' said || fail "off the mount it says: $(cat said)"
}

on_mount() {
    example system-v-memory memory put "some text"
    same "what the next process gets" "some text" "$(example system-v-memory memory get)"
    same "before it is kept" "4096 bytes, of which a crash now would leave 0" "$(example system-v-memory memory show)"
    ! grep -qs 'some text' "$STORE/example/memory" || fail "the store has what nobody committed"
    example system-v-memory memory keep
    same "when it is kept" "4096 bytes, of which a crash now would leave 4096" "$(example system-v-memory memory show)"
    example system-v-memory memory remove
    [ ! -e memory ] || fail "removed, it is still there"
}

check_example
