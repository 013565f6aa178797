#!/usr/bin/env bash
# stress-ng's mmap family and its file stressors on the mount, a few seconds each, with verification.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr stress-ng
scratch
start_mount
cd "$MOUNT"
failures=0
# Each group runs side by side, so that the stressors also meet one another.
run() { # GROUP OPTIONS...
    local status=0
    timeout 60 stress-ng --temp-path "$MOUNT" --verify --timeout 2 --oomable "${@:2}" >"$SCRATCH/stress.log" 2>&1 || status=$?
    while read -r line; do
        skip_part "$line"
    done < <(grep -iE 'not implemented|skipp' "$SCRATCH/stress.log")
    case $status in
    0 | 3 | 4) ;;
    *)
        echo "FAIL: stress-ng, group $1: status $status" >&2
        grep -vE 'dispatching|setting to|successful|passed' "$SCRATCH/stress.log" | head -n 15 >&2
        failures=$((failures + 1))
        ;;
    esac
}
run mappings --mmap 1 --mmap-file --mmap-bytes 16M --msync 1 --msync-bytes 4M --mremap 1 --mremap-bytes 8M --madvise 1 --mlock 1 \
    --sync-file 1 --sync-file-bytes 8M
run asynchronous-mappings --mmap 2 --mmap-file --mmap-async --mmap-bytes 16M
run names --rename 1 --link 1 --symlink 1 --dentry 1 --dentries 256 --dir 1 --dirdeep 1 --dirdeep-inodes 500 --filename 1
run locks --flock 1 --lockf 1 --locka 1 --lockofd 1 --fcntl 1
run data --fallocate 1 --fallocate-bytes 16M --fpunch 1 --seek 1 --seek-size 8M --sendfile 1 --sendfile-size 1M --splice 1 \
    --readahead 1 --readahead-bytes 16M --hdd 1 --hdd-bytes 16M --hdd-opts wr-rnd,rd-rnd --iomix 1 --iomix-bytes 16M
run inodes --utime 1 --xattr 1 --chmod 1 --chown 1 --fstat 1 --handle 1 --touch 1 --inode-flags 1
cd /
[ "$failures" = 0 ] || fail "$failures stressors"
stop_mount
