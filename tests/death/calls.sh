#!/usr/bin/env bash
# Every call of the daemon's that changes something outside stands at a point: what its objects refer to is in the Makefile's list.
. "$(dirname "$0")/../lib.sh"
need_program nm
archive=$BUILD_FOLDER/tests/death/libfsd.a
[ -e "$archive" ] || skip "the daemon that dies is not built: configure --enable-death-points"

kinds='p?writev?|readv|open(at2?)?|open_by_handle_at|creat|close(_range)?|dup[23]?|fcntl|ioctl|flock|lockf'
kinds+='|f?(data)?sync(fs)?|sync_file_range|f?truncate|(posix_)?fallocate|copy_file_range|splice|tee|sendfile'
kinds+='|(un)?link(at)?|rename(at2?)?|mkdir(at)?|rmdir|mknod(at)?|symlink(at)?|[fl]?ch(own|mod)(at)?'
kinds+='|[fl]?(set|remove)xattr|utime.*|futime.*'
kinds+='|send(to|msg)?|io_uring_.*'
reads='io_uring_(get|peek|wait)_cqe|__io_uring_get_cqe' # what asks changes nothing
not_the_worker='f?chmod|fremovexattr|sendmsg|unlink' # the keeper's, its children's, and recovery's
listed=$(sed -n '/^death_calls/,/[^\\]$/p' "$top_srcdir/tests/death/Makefile.inc.am" | tr -s ' \\\t' '\n')
[ "$(wc -w <<<"$listed")" -gt 30 ] || fail "the list of calls is not found"

missing=$(nm -u "$archive" | awk '$1 == "U" { print $2 }' | sort -u | grep -xE "$kinds" | grep -vxE "$reads|$not_the_worker" |
    grep -vxF "$listed") || exit 0
fail "no points at $missing: add them to death_calls in tests/death/Makefile.inc.am"
