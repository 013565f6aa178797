#!/usr/bin/env bash
# git on the mount: init, commits, branches, clone, gc (which maps packs), fsck; the store holds a whole repository.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr git
scratch
start_mount
export GIT_CONFIG_GLOBAL=$SCRATCH/gitconfig GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=e@x GIT_COMMITTER_NAME=n \
    GIT_COMMITTER_EMAIL=e@x HOME=$SCRATCH
git config --file "$GIT_CONFIG_GLOBAL" safe.directory '*'
git init -q -b main "$MOUNT/one"
cd "$MOUNT/one"
for round in $(seq 10); do
    mkdir -p "folder-$round"
    for i in $(seq 20); do
        seq "$round" $((round * i * 10)) >"folder-$round/file-$i"
    done
    git add -A
    git commit -qm "round $round"
done
git checkout -q -b other HEAD~3
echo other >other
git add other
git commit -qm other
git checkout -q main
git merge -q -m merged other
git gc -q --prune=now
git fsck --full --strict 2>&1 | (! grep -E 'error|missing|corrupt') || fail "fsck"
git clone -q "$MOUNT/one" "$MOUNT/two"
git clone -q "file://$MOUNT/one" "$PLAIN/three"
git -C "$MOUNT/two" fsck --full 2>&1 | (! grep -E 'error|missing|corrupt') || fail "fsck of the clone"
[ -z "$(git -C "$MOUNT/two" status --porcelain)" ] || fail "the clone is not clean"
head=$(git rev-parse HEAD)
[ "$(git -C "$PLAIN/three" rev-parse HEAD)" = "$head" ] || fail "the clone has another head"
cd /
stop_mount
git -C "$STORE/one" fsck --full 2>&1 | (! grep -E 'error|missing|corrupt') || fail "fsck in the store"
[ "$(git -C "$STORE/one" rev-parse HEAD)" = "$head" ] || fail "the store has another head"
[ -z "$(git -C "$STORE/one" status --porcelain)" ] || fail "the store's work tree is not clean"
