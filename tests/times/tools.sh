#!/usr/bin/env bash
# make, rsync -a, tar --newer and git status see a file changed through a mapping, the second time too, and see no change where there
# was none.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr make rsync tar git
scratch
stamp=$(helper times/stamp)
start_mount commit_interval=1
cd "$MOUNT"
"$stamp" input size 8192 sync

printf 'output: input\n\tcp input output\n' >Makefile
make -s output
make -q output || fail "make: not up to date right after it was made"
"$stamp" input wait store 0 sync
! make -q output || fail "make did not see a mapped store"
make -s output
make -q output || fail "make: not up to date"
"$stamp" input load 0 print >/dev/null
make -q output || fail "make: reading made it out of date"
# The writer keeps its mapping, its page stays dirty, and stores again: the case that Linux file systems miss.
"$stamp" input wait store 0 wait store 0 sync
! make -q output || fail "make did not see the second store"

mkdir "$PLAIN/copy"
# Seconds alone, rsync's habit, would miss a change within the second on any file system.
rsync -a input "$PLAIN/copy/"
[ -z "$(rsync -ani --modify-window=-1 input "$PLAIN/copy/")" ] || fail "rsync sees a change where there is none: $(rsync -ani --modify-window=-1 input "$PLAIN/copy/")"
"$stamp" input wait store 1 wait store 1 sync
rsync -ani --modify-window=-1 input "$PLAIN/copy/" | grep -q input || fail "rsync does not see a mapped store"
rsync -a --modify-window=-1 input "$PLAIN/copy/"
cmp input "$PLAIN/copy/input"

sleep 0.02 # a tick of the file system's clock
touch "$PLAIN/mark"
sleep 0.02
tar --newer "$PLAIN/mark" -cf "$PLAIN/newer.tar" input 2>/dev/null
! tar -tf "$PLAIN/newer.tar" | grep -q input || fail "tar --newer takes a file that did not change"
"$stamp" input store 1 wait store 1 sync
tar --newer "$PLAIN/mark" -cf "$PLAIN/newer.tar" input 2>/dev/null
tar -tf "$PLAIN/newer.tar" | grep -q input || fail "tar --newer does not see a mapped store"

export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=e@x GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=e@x
git init -q repository
cd repository
"$stamp" tracked size 8192 sync
git -c safe.directory='*' add tracked
git -c safe.directory='*' commit -qm one
[ -z "$(git -c safe.directory='*' status --porcelain)" ] || fail "git status is not clean"
"$stamp" tracked store 0 wait store 0 sync
[ "$(git -c safe.directory='*' status --porcelain)" = ' M tracked' ] || fail "git status does not see a mapped store"
cd /
stop_mount
