#!/usr/bin/env bash
# A file handle that a client kept opens what lies in the store, also when the kernel has forgotten all about it, never a folder that
# was moved out of the store, and nothing by a handle that this mount did not give out.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr
scratch
take() { # NAME...: keeps a handle of each
    local name
    for name in "$@"; do
        python3 - "$MOUNT/$name" "$SCRATCH/handle.$(basename "$name")" <<'END'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(8 + 128)
ctypes.c_uint.from_buffer(buffer).value = 128
mount = ctypes.c_int()
if libc.name_to_handle_at(-100, sys.argv[1].encode(), buffer, ctypes.byref(mount), 0):
    sys.exit(os.strerror(ctypes.get_errno()))
open(sys.argv[2], "wb").write(buffer.raw)
END
    done
}
opens() { # NAME [guess]: by the handle kept; guess: with the next generation
    python3 - "$MOUNT" "$SCRATCH/handle.$1" "${2:-}" <<'END'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
raw = bytearray(open(sys.argv[2], "rb").read())
if sys.argv[3]:
    raw[16] ^= 1
mount = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)
fd = libc.open_by_handle_at(mount, ctypes.create_string_buffer(bytes(raw)), os.O_RDONLY)
if fd < 0:
    print(os.strerror(ctypes.get_errno()))
    sys.exit(1)
END
}
forget_all() { # the kernel, and with it the daemon
    echo 2 >/proc/sys/vm/drop_caches
    [ "$(stats_value inodes)" -le 2 ]
}

start_mount
mkdir -p "$MOUNT/d/e" "$MOUNT/folder"
for name in kept warm moved hidden nested; do echo "$name" >"$MOUNT/d/e/$name"; done
sync "$MOUNT"/d/e/*
take d/e/{kept,warm,moved,hidden,nested} folder
wait_until 20 forget_all || fail "the kernel does not forget: $(stats_value inodes) inodes"
opens kept || fail "a file that was forgotten does not open"
! opens kept guess >/dev/null || fail "a guessed generation opens a file"
wait_until 20 forget_all || fail "the kernel does not forget"
mv "$STORE/d/e/moved" "$STORE/folder" "$SCRATCH"
exec 9<"$SCRATCH/moved" # the kernel knows its folder for as long
mkdir -p "$STORE/d/.mapshare"
mv "$STORE/d/e/hidden" "$STORE/.mapshare/hidden"
mv "$STORE/d/e/nested" "$STORE/d/.mapshare/nested"
opens warm || fail "a file in the store does not open"
! opens folder >/dev/null || fail "a folder that was moved out of the store opens by its handle"
# Where the kernel tells no folder (before Linux 6.13) the key is its proof.
[ "$(printf '%s\n' 6.13 "$(uname -r)" | sort -V | head -n 1)" != 6.13 ] || ! opens moved >/dev/null || fail "a file that was moved out of the store opens by its handle"
exec 9<&-
for name in moved hidden nested; do
    ! opens "$name" guess >/dev/null || fail "a guessed handle of $name opens it"
done
# The name of private folders is no client's, at any depth.
[ ! -e "$MOUNT/d/.mapshare" ] && ! mkdir "$MOUNT/folder2/.mapshare" "$MOUNT/.mapshare" "$MOUNT/d/e/.mapshare" 2>/dev/null || fail "a private folder's name is a client's"
[ -z "$(ls -A "$MOUNT/d" | grep mapshare)" ] || fail "a private folder is listed"
stop_mount
start_mount
cat "$STORE/d/e/kept" >/dev/null
opens kept || fail "a handle of an earlier mount does not open"
opens warm || fail "a handle of an earlier mount does not open"
stop_mount
