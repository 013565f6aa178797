#!/usr/bin/env bash
# Where a mount may be left out, the only one is meant, several are listed; options tells all that hold, stat takes several files.
. "$(dirname "$0")/lib.sh"
need_mount
need_root
need_program getfattr python3
scratch
[ -z "$(findmnt -lno TARGET -t fuse.mapsharefs)" ] || skip "others' mounts are seen here"
refused 1 "nothing of mapsharefs is mounted here" mapshare top --once
start_mount nodev,threads=3,fault=write/journal/EIO/1000000
[ "$(mapshare top --once | head -n 1)" = "mount    $MOUNT" ] || fail "top means another mount: $(mapshare top --once)"

mapshare options >"$SCRATCH/options"
for option in cache_size=64M journal_size=16M threads=3 commit_interval=5 relatime sandbox=full allow_other \
    fault=write/journal/EIO/1000000 rw nodev; do
    grep -qx "$option" "$SCRATCH/options" || fail "options does not list $option: $(cat "$SCRATCH/options")"
done
grep -qx -e atomic -e ro "$SCRATCH/options" && fail "options lists what was not given"
[ "$(mapshare options --json "$MOUNT" | json_value 'o["options"]["cache_size"], o["options"]["nodev"]')" = "64M True" ] || fail "options --json"
refused 1 "$STORE: no mount of mapsharefs" mapshare options "$STORE"
if setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null; then
    refused 1 "only who mounted, and root, may see the options" as_user "$MAPSHARE" options "$MOUNT"
fi

echo one >"$MOUNT/one"
mapshare files | grep -q ' one$' || fail "files means another mount: $(mapshare files)"
echo three >"$MOUNT/two"
mapshare sync "$MOUNT/two" >"$SCRATCH/receipt"
mapshare stat "$MOUNT/one" "$MOUNT/two" >"$SCRATCH/seen"
[ "$(grep -c '^Size ' "$SCRATCH/seen")" = 2 ] && [ "$(grep -c '^$' "$SCRATCH/seen")" = 1 ] || fail "stat of two shows $(cat "$SCRATCH/seen")"
[ "$(grep '^Commit ' "$SCRATCH/seen" | head -n 1)" = "Commit     none since the mount" ] || fail "of a file without a commit: $(cat "$SCRATCH/seen")"
[ "$(mapshare stat --json "$MOUNT/one" | json_value 'o["commit"]')" = None ] || fail "JSON of a file without a commit"
if mapshare stat "$MOUNT/none" "$MOUNT/two" >"$SCRATCH/seen" 2>/dev/null; then fail "stat of a missing file returns 0"; fi
grep -q "^File  *$MOUNT/two$" "$SCRATCH/seen" || fail "one missing file keeps back the other"

[ "$(mapshare help)" = "$(mapshare --help)" ] && [ "$(mapshare help top)" = "$(mapshare top --help)" ] || fail "help"
refused 2 "help: nothing: no such command" mapshare help nothing

mkdir "$SCRATCH/store2" "$SCRATCH/mount2"
MOUNT=$SCRATCH/mount2 start_daemon setsid "$MAPSHAREFS" -f -o "$DEFAULT_OPTIONS" "$SCRATCH/store2" "$SCRATCH/mount2"
if mapshare top --once 2>"$SCRATCH/said"; then fail "top shows one of two mounts"; fi
grep -qx "  $MOUNT" "$SCRATCH/said" && grep -qx "  $SCRATCH/mount2" "$SCRATCH/said" || fail "top does not list both: $(cat "$SCRATCH/said")"
mapshare unmount "$SCRATCH/mount2"
mapshare unmount "$MOUNT"
