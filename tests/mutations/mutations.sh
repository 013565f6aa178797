#!/usr/bin/env bash
# Each of these mistakes in the daemon is noticed by the test that stands beside it: the source with the mistake is compiled and takes
# the place of the right one in that test, which must fail. MUTATION=NAME tries one.
. "$(dirname "$0")/../lib.sh"
need_program make
[ -e "$BUILD_FOLDER/tests/unit/fsd-durable" ] || skip "the unit tests are not built (cmocka)"
[ -z "${SANITIZERS:-}" ] || skip "once is enough: without the sanitizers"
scratch
cd "$BUILD_FOLDER"
tried=0 missed=()

mutate() { # NAME FILE SED-EXPRESSION TEST
    local mutant=$SCRATCH/mutant.c object=$SCRATCH/mutant.o program=$4.mutant
    [ "${MUTATION:-$1}" = "$1" ] || return 0
    tried=$((tried + 1))
    sed -E "$3" "$top_srcdir/fsd/$2" >"$mutant"
    cmp -s "$mutant" "$top_srcdir/fsd/$2" && fail "$1: nothing in $2 is changed by $3: adapt the mutation to the source"
    make -s mutant MUTANT="$mutant" MUTANT_OBJECT="$object" >"$SCRATCH/log" 2>&1 ||
        { cat "$SCRATCH/log" >&2; fail "$1: does not compile"; }
    rm -f "$program"
    # shellcheck disable=SC2016 # the object stands before the library, so that the library's is not taken
    make -s "$program" EXEEXT=.mutant FSD_LIBS="$object"' libfsd.a $(FSD_OTHER_LIBS)' >"$SCRATCH/log" 2>&1 ||
        { cat "$SCRATCH/log" >&2; fail "$1: does not link"; }
    if { timeout 20 "$program" >"$SCRATCH/log" 2>&1; } 2>/dev/null; then
        echo "$1: $4 does not notice" >&2
        missed+=("$1")
    else
        echo "$1: noticed by $4: $(grep -m1 -aE 'error: Failure|Assertion' "$SCRATCH/log" || tail -n 1 "$SCRATCH/log")"
    fi
    rm -f "$program"
}

# The journal is reused before pages are durable.
mutate page-on-its-way-not-needed file/version.c '/needed = earlier\(needed, versions->writing\);/d' tests/unit/fsd-durable
mutate last-commit-not-needed file/version.c '/needed = earlier\(needed, last\);/d' tests/unit/fsd-durable
mutate cut-not-needed file/version.c '/needed = earlier\(needed, versions->cut_position\);/d' tests/unit/fsd-checkpoint
mutate place-of-a-stream-not-known file/ahead.c '/index->stream.position = 0;/d' tests/unit/fsd-durable
mutate no-sync-in-checkpoint file/checkpoint.c 's/job->error = store->sync\(files->store, job->fd\);/;/' tests/unit/fsd-checkpoint
# What was truncated, punched or unlinked comes back.
mutate stream-not-void file/write.c \
    '/if \(!index->versions.committing && index->view.counts\[FRAME_COMMITTING\]\)/,+1d' \
    tests/unit/fsd-durable
mutate no-syncfs-for-dropped file/tail.c 's/atomic_exchange\(&tail->dropped, false\)/false/' tests/unit/fsd-durable
mutate dropped-forgotten-by-a-death file/takeover.c 's/header->file_used > 0\)/false)/' tests/unit/fsd-durable
mutate void-frames-kept file/outcome.c 's/if \(frame->page << PAGE_SHIFT >= void_from\)/if (false)/' tests/unit/fsd-pages
# Told before it is durable.
mutate no-metadata-fsync file/metadata.c 's/if \(fsync\(fd\)\)/if (false)/' tests/unit/fsd-durable
mutate no-flush-after-a-death journal/journal.c \
    's/return journal->store->operations->flush\(journal->store, journal->fd\);/return 0;/' \
    tests/unit/fsd-durable
mutate no-flush-of-a-commit journal/journal.c \
    '/result = wait_for_writes/,/log_end/s/result = journal->store->operations->flush\(journal->store, journal->fd\);/;/' \
    tests/unit/journal-commit
# Of two commits under way.
mutate not-in-the-order-of-the-journal file/commit.c 's/while \(queue->ended != turn\)/while (false)/' tests/unit/fsd-overlap
mutate taken-from-a-commit file/commit.c 's/is = index->versions.committing;/is = false;/' tests/unit/fsd-overlap
mutate room-by-rolling-back file/commit.c 's/wait_for_turn\(queue, queue->begun\);/;/' tests/unit/fsd-overlap
mutate streams-of-another-epoch file/transaction.c 's/has_stream\(transaction\) \? transaction->epoch : 0/0/' tests/unit/fsd-overlap
mutate not-told-what-is-under-way journal/writing.c 's/chunk->under_way = .*;/chunk->under_way = 0;/' tests/unit/journal-recover
mutate damage-taken-for-a-power-cut journal/scan.c 's/behind->found > 1u \+ chunk->under_way/false/' tests/unit/journal-recover
mutate an-older-superblock-left journal/recover.c 's/copy < 2/copy < 1/' tests/unit/journal-open
mutate names-not-synced-for-the-second journal/change.c 's/untold = journal->state->untold;/untold = atomic_exchange(\&journal->state->untold, 0);/' tests/unit/journal-names
mutate no-flush-of-a-superblock journal/superblock.c 's/result = store->operations->flush\(store, fd\);/;/' tests/unit/fsd-durable
# A death leaves what says otherwise.
mutate feed-has-what-was-not-committed cache/feed.c 's/else if \(published\)/else if (true)/' tests/unit/fsd-feed
mutate feed-lacks-what-was-committed cache/feed.c 's/else if \(published\)/else if (false)/' tests/unit/fsd-feed
mutate feed-keeps-what-failed file/changes.c 's/error \? feed_withdraw\(&feed\) : feed_publish\(&feed\)/feed_publish(\&feed)/' tests/unit/fsd-overlap
mutate feed-believes-anything cache/feed.c 's/slot->seal == seal_of\(record, number\)/true/' tests/unit/fsd-feed
mutate rollback-forgotten-by-a-death file/takeover.c '/rollback_go_on\(files, index\);/d' tests/unit/fsd-rollback
mutate record-not-named-back file/relate.c 's/return is_inode\(arena, inode\) && .*$/return is_inode(arena, inode);/' tests/unit/fsd-inodes
mutate record-that-names-nothing file/relate.c \
    's/\(number <= arena->header->file_used && arena->files\[number\].inode == slot\)/true/' \
    tests/unit/fsd-inodes
mutate truncation-lost-with-its-commit file/version.c \
    '/file->current.void_from = version->void_from;/s/=.*/= UINT64_MAX;/' \
    tests/unit/fsd-takeover
mutate cut-not-told-to-the-file file/version.c 's/atomic_store\(&file->cut, last->void_from\);/;/' tests/unit/fsd-takeover
mutate syncing-forgotten file/metadata.c 's/\(INODE_UNSYNCED \| INODE_SYNCING\)/INODE_UNSYNCED/' tests/unit/fsd-durable
mutate unpublished-position-kept file/takeover.c 's/atomic_store\(&frame->position, 0\);/;/' tests/unit/fsd-takeover

[ "$tried" -gt 0 ] || fail "no mutation ${MUTATION:-}"
[ ${#missed[@]} = 0 ] || fail "not noticed: ${missed[*]}"
echo "$tried mutations, all noticed"
