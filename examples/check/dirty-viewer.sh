#!/usr/bin/env bash
# Draws the pages that a program has stored to, and no others.
. "$(dirname "$0")/common.sh"

on_plain_folder() {
    local status=0
    explains_itself dirty-viewer
    echo text >file
    example dirty-viewer file 2>said || status=$?
    same "status off the mount" 3 "$status"
    grep -q 'not on a mapsharefs mount' said || fail "off the mount it says: $(cat said)"
}

on_mount() {
    head -c $((100 * 4096)) /dev/zero >file
    sync file
    wait_until 20 eval 'example dirty-viewer file | head -n 2 | tr -d "\n" | grep -qx "[.]\{100\}"' || fail "a synced file stays $(example dirty-viewer file)"
    printf x | dd of=file bs=4096 seek=70 conv=notrunc status=none
    same "its second row" ". . . . . . r" "$(example dirty-viewer file | sed -n 2p | cut -c 1-7 | sed 's/\(.\)/\1 /g; s/ $//')"
    same "its runs" "70-70 received" "$(example dirty-viewer file | sed -n '3,$p')"
}

check_example
