#!/usr/bin/env bash
# stat shows what the attributes say, and what a program did: pages in the kernel, then received, then committed.
. "$(dirname "$0")/lib.sh"
need_mount
need_root # for the kernel's pages
need_program getfattr python3
scratch
start_mount commit_interval=1000

file=$MOUNT/file
agrees() { # KEY ATTRIBUTE
    local told
    told=$(mapshare stat --json "$file" | json_value "o['$1']")
    [ "$told" = "$(attribute "$2" "$file")" ] || fail "stat's $1 is $told, user.mapshare.$2 is $(attribute "$2" "$file")"
}
all_agree() {
    agrees dirty dirty
    agrees kernel dirty.kernel
    agrees received dirty.received
    agrees failed failed
    local atomic
    atomic=$(mapshare stat --json "$file" | json_value "int(o['atomic'])")
    [ "$atomic" = "$(attribute atomic "$file")" ] || fail "stat's atomic is $atomic"
}
counts() { # DIRTY KERNEL RECEIVED
    local told
    told=$(mapshare stat --json "$file" | json_value "o['dirty'], o['kernel'], o['received'], o['failed'], o['error']")
    [ "$told" = "$1 $2 $3 0 None" ] || fail "$4: stat tells '$told'"
    all_agree
}

truncate -s 1000000 "$file"
exec {held}<"$file" # the last commit is known for as long as the kernel knows the file
mapshare sync "$file" >"$SCRATCH/receipt"
counts 0 0 0 "after the sync"
hold_stores "$file" 0 1 2 7 100
counts 5 5 0 "five stores"
release_stores
counts 5 0 5 "after the process's exit"
sequence=$(mapshare sync --json "$file" | json_value "o['sequence']")
counts 0 0 0 "after the second sync"
told=$(mapshare stat --json "$file" | json_value "o['size'], o['committed_size'], o['commit']['sequence']")
[ "$told" = "1000000 1000000 $sequence" ] || fail "after the commit $sequence: $told"
[ "$(attribute commit "$file")" = "$(mapshare stat --json "$file" | json_value "o['commit']['sequence'], o['commit']['time']")" ] ||
    fail "stat's commit is not user.mapshare.commit"
mapshare stat "$file" >"$SCRATCH/plain.txt"
for line in "File  *$file" 'Size  *1000000 bytes in 245 pages; 1000000 bytes as of the last commit' 'Dirty  *0 pages: kernel 0, received 0, failed 0' \
    "Commit  *$sequence at " 'Error  *none' 'Atomic  *no'; do
    grep -q "^$line" "$SCRATCH/plain.txt" || fail "no line '$line' in: $(cat "$SCRATCH/plain.txt")"
done
exec {held}<&-
stop_mount
