#!/usr/bin/env bash
# After a crash, journal lists the commits without changing anything, recover brings them into the store's files, once.
. "$(dirname "$0")/lib.sh"
need_mount
need_root # to find the files' paths
need_program getfattr python3
scratch
start_mount commit_interval=1000

sequences=()
for name in a b c; do
    head -c 50000 /dev/urandom >"$PLAIN/$name"
    cp "$PLAIN/$name" "$MOUNT/$name"
    sequences+=("$(mapshare sync --json "$MOUNT/$name" | json_value "o['sequence']")")
done
echo lost >"$MOUNT/lost"
kill_daemon

[ "$(mapshare journal --json "$STORE" | json_value "o['sequence'] in (0, ${sequences[2]})")" = True ] || fail "another sequence"
listed=$(mapshare journal --json "$STORE" | json_value "*[c['sequence'] for c in o['chunks'] if c['type'] == 'commit']")
case " ${sequences[*]} " in
*" $listed "*) ;; # the first ones may be in the store's files already
*) [ -z "$listed" ] || fail "the journal has the commits '$listed', made were '${sequences[*]}'" ;;
esac
if [ -n "$listed" ]; then
    mapshare journal "$STORE" | grep -q "sequence ${sequences[2]}, " || fail "the last commit is not listed: $(mapshare journal "$STORE")"
    mapshare journal "$STORE" | grep -q "^  inode $(stat -c %i "$STORE/c") c, 50000 bytes$" || fail "its file is not listed: $(mapshare journal "$STORE")"
fi
[ -z "$listed" ] || [ "$(mapshare journal --json "$STORE" | json_value "o['chunks'][-1]['files'][0]['path']")" = c ] || fail "JSON has no path"
mapshare journal "$STORE" >"$SCRATCH/first"
mapshare journal "$STORE" | diff "$SCRATCH/first" - >&2 || fail "reading the journal changes it"

mapshare recover --json "$STORE" >"$SCRATCH/report" || fail "recover fails"
[ "$(json_value "o['commits']" <"$SCRATCH/report")" = "$(wc -w <<<"$listed")" ] || fail "report: $(cat "$SCRATCH/report")"
for name in a b c; do
    cmp "$PLAIN/$name" "$STORE/$name" || fail "$name is not what was committed"
done
mapshare recover "$STORE" | grep -q '^nothing to replay' || fail "a second run replays again"
[ "$(mapshare journal "$STORE")" = "0 records, 0 commits" ] || fail "not empty: $(mapshare journal "$STORE")"

start_mount
for name in a b c; do
    cmp "$PLAIN/$name" "$MOUNT/$name" || fail "$name after the mount"
done
stop_mount
