#!/usr/bin/env bash
# A client of the storm, see storm.h: fio writes a file and verifies it, through mappings, with write(2) and with O_DIRECT in turn; of
# each way the sum of the last file is noted.
set -euo pipefail
folder=$2 notes=$3

if [ "$1" = check ]; then
    cd "$folder"
    md5sum --quiet -c "$notes/sums"
    exit
fi
stop=false
trap stop=true TERM
ways=("--ioengine=mmap --rw=randwrite --fsync=256" "--ioengine=psync --rw=randwrite --fsync=128" "--ioengine=psync --direct=1 --rw=randwrite"
    "--ioengine=mmap --rw=randrw")
runs=0
while ! $stop || [ "$runs" = 0 ]; do
    way=$((runs % ${#ways[@]}))
    # shellcheck disable=SC2086
    fio --name="way-$way" --directory="$folder" --size=8M --bs=4k --verify=crc32c --verify_fatal=1 --do_verify=1 \
        --verify_state_save=0 --randrepeat=0 --output="$notes/log" ${ways[way]} && grep -q 'err= 0' "$notes/log" ||
        { cat "$notes/log" >&2; exit 1; }
    runs=$((runs + 1))
    sleep 0.2
done
cd "$folder"
md5sum way-* >"$notes/sums"
echo "$runs"
