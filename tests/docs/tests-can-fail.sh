#!/usr/bin/env bash
# Each test of the manual notices what it is for: a copy of the manual with one thing spoilt must fail it.
. "$(dirname "$0")/manual.sh"
need_program mandoc
[ -z "${SANITIZERS:-}" ] || skip "once is enough: without the sanitizers"
scratch
spoilt=$SCRATCH/man

must_fail() { # TEST SAYS: run on the spoilt copy, must fail with a message that contains SAYS
    local runner=bash
    [ "${1##*.}" = py ] && runner=python3
    if MANUAL=$spoilt $runner "$TEST_FOLDER/docs/$1" >"$SCRATCH/said" 2>&1; then
        fail "$1 does not notice: $what"
    fi
    grep -qF -- "$2" "$SCRATCH/said" || fail "$1 fails for another reason than: $what: $(cat "$SCRATCH/said")"
    count=$((count + 1))
}

spoil() { # WHAT PAGE SED-SCRIPT
    what=$1
    rm -rf "$spoilt"
    cp -r "$TOP/man" "$spoilt"
    sed -i "$3" "$spoilt/$2"
    cmp -s "$TOP/man/$2" "$spoilt/$2" && fail "$2 is as before: $what"
    return 0
}

count=0
spoil 'a macro that does not exist' mapshare.7 's/^\.Sh DESCRIPTION/&\n.Zz/'
must_fail lint.sh 'mandoc says'
spoil 'a reference to no page' mapshare-durability.7 's/mapshare_lock 3/mapshare_lack 3/'
must_fail lint.sh 'mapshare_lack(3)'
spoil 'a wide line' mapshare_lock.3 's/^#include <err.h>/&  \/* a comment that goes on until it does not fit into the line any more *\//'
must_fail columns.sh 'columns wide'
spoil 'no section ERRORS' mapshare_lock.3 's/^\.Sh ERRORS/.Sh MISTAKES/'
must_fail form.sh 'no section ERRORS'
spoil 'a link to a page of something else' mapshare_unlock.3 's/lock/open/'
must_fail form.sh 'mapshare_unlock'
spoil 'since when is not said' mapshare_sync.3 's/^exists since/is in/'
must_fail form.sh 'since when'
what='a page without its call'
cp -r "$TOP/man/mapshare_sync.3" "$spoilt/mapshare_forget.3"
must_fail symbols.sh 'mapshare_forget'
what='a call without its page'
rm "$spoilt/mapshare_forget.3" "$spoilt/mapshare_watch.3"
must_fail symbols.sh 'mapshare_watch'
spoil 'another type' mapshare_wait.3 's/uint64_t sequence/uint32_t sequence/'
must_fail prototypes.py 'mapshare_wait'
spoil 'a missing constant' mapshare_dirty.3 's/MAPSHARE_PAGE_FAILED/MAPSHARE_PAGE_FALLEN/'
must_fail prototypes.py 'MAPSHARE_PAGE_FAILED'
spoil 'a missing member' mapshare_stat.3 's/^\.It Va committed_size/.It Va committed_bytes/'
must_fail prototypes.py 'mapshare_status.committed_size'
spoil 'a missing attribute' mapshare-attributes.7 's/^\.It Va user.mapshare.failed/.It Va user.mapshare.fallen/'
must_fail attributes.sh 'user.mapshare.failed'
spoil 'an error that nobody makes' mapshare_wait.3 's/^\.It Bq Er ETIMEDOUT/.It Bq Er ESPIPE\nNever.\n&/'
must_fail errnos.py 'ESPIPE'
spoil 'a missing error' mapshare_resize.3 's/Er EFBIG/Er EBIG/'
must_fail errnos.py 'mapshare_resize gives EFBIG'
spoil 'a command that does not exist' mapshare.1 's/^\.It Cm metrics/.It Cm meters/'
must_fail commands.sh 'metrics'
spoil 'an option that does not exist' mapshare.1 's/^\.Op Fl jo/.Op Fl jx/'
must_fail commands.sh 'options of top'
spoil 'a mount option that does not exist' mapsharefs.8 's/^\.It Cm threads/.It Cm threats/'
must_fail options.sh 'threads'
spoil 'a limit that is not so' mapsharefs.8 's/1 to 3600/1 to 36000/'
must_fail options.sh 'commit_interval'
spoil 'a counter that does not exist' mapshare-attributes.7 's/^\.It Va restarts/.It Va restorations/'
must_fail statistics.sh 'restarts'
spoil 'an example that does not compile' mapshare_sync.3 's/MS_SYNC, &receipt/MS_SINK, \&receipt/'
must_fail examples.sh 'does not compile'
spoil 'an example in C++ that does not compile' mapshare.hpp.3 's/^    file.sync();/    file.sink();/'
must_fail examples.sh 'mapshare.hpp.3-1.cpp does not compile'
spoil 'a snippet that is older than its program' mapshare_notify.3 's/number + 1;/number++;/'
must_fail snippets.sh 'ring-buffer.c'
spoil 'a program that does not exist' libmapshare.3 's/^\.It Pa shared.py/.It Pa shared.pl/'
must_fail snippets.sh 'shared.py'
spoil 'a promise that no test is named for' mapshare-limits.7 's/^A store holds one mount at a time\./&\n.It\nIt never needs any attention at all./'
must_fail claims.py 'a row is missing for: It never needs'
spoil 'a promise that has changed' mapshare-durability.7 's/^A commit that has returned 0 is durable\./A commit that has returned 0 may be durable./'
must_fail claims.py 'does not say: A commit that has returned 0'
spoil 'a picture with a cell that means nothing' mapshare-msync.7 's/^journal         H N N/journal         H X N/'
must_fail html.py 'no cell is written X'
spoil 'a picture whose name leads nowhere' mapshare-msync.7 's/^\.\\" picture msync-3$/& /'
must_fail html.py 'lacks the picture'
spoil 'a row of the table without a test' mapshare-times.7 's/^T1-second-store/T1-third-store/'
must_fail times.sh 'T1-second-store'
spoil 'a row that no test checks' mapshare-times.7 's/^T2-nothing-stored/T2-everything-stored\n&/'
must_fail times.sh 'T2-everything-stored is no test'
echo "$count spoilt manuals are noticed"
