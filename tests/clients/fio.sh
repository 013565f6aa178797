#!/usr/bin/env bash
# fio writes through mappings, at random and in sequence, and verifies every block; then mixed with write(2) and O_DIRECT.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr fio
scratch
expect_log 'cache_size is used up: pages go to the spill file' # on a busy machine
start_mount
run() { # NAME OPTIONS...
    timeout 60 fio --name="$1" --directory="$MOUNT" --size=24M --bs=4k --verify=crc32c --verify_fatal=1 --do_verify=1 \
        --output="$SCRATCH/$1.log" "${@:2}" || { cat "$SCRATCH/$1.log" >&2; fail "$1"; }
    grep -q 'err= 0' "$SCRATCH/$1.log" || { cat "$SCRATCH/$1.log" >&2; fail "$1"; }
}
run random --ioengine=mmap --rw=randwrite --fsync=512
run sequential --ioengine=mmap --rw=write --numjobs=2
run mixed --ioengine=mmap --rw=randrw --fsync=256
run buffered --ioengine=psync --rw=randwrite --fsync=256
run direct --ioengine=psync --direct=1 --rw=randwrite
run larger-than-the-cache --ioengine=mmap --rw=write --size=96M --bs=64k
stop_mount
