#!/usr/bin/env bash
# The rules T1 to T8 as a table: the mount with default and with atomic files, the store's file system, tmpfs. The mount must pass
# every row; where the others fail, the table says so.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr setfattr
scratch
start_mount commit_interval=1
times=$(helper times/times)
status=0
mkdir "$MOUNT/default" "$MOUNT/atomic"
setfattr -n user.mapshare.atomic -v 1 "$MOUNT/atomic"
"$times" "$MOUNT/default" >"$SCRATCH/rows-mount" || status=1
"$times" "$MOUNT/atomic" >"$SCRATCH/rows-atomic" || status=1
"$times" "$PLAIN" >"$SCRATCH/rows-plain" || true
columns=(mount atomic plain)
titles=(mount atomic "$(stat -f -c %T "$PLAIN" | sed 's|ext2/ext3|ext4|')")
if [ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ] && memory=$(mktemp -d /dev/shm/mapshare.XXXXXX); then
    "$times" "$memory" >"$SCRATCH/rows-tmpfs" || true
    rm -rf "$memory"
    columns+=(tmpfs)
    titles+=(tmpfs)
else
    skip_part "no tmpfs at /dev/shm"
fi

printf '%-44s' rule
printf '%-8s' "${titles[@]}"
echo
while read -r _ name _; do
    printf '%-44s' "${name%:}"
    for column in "${columns[@]}"; do
        printf '%-8s' "$(sed -n "s/^\([A-Z]*\) ${name%:}\(:.*\)\?$/\1/p" "$SCRATCH/rows-$column" | tr PASFIL pasfil)"
    done
    echo
done <"$SCRATCH/rows-mount"
for column in "${columns[@]}"; do
    rows=$(wc -l <"$SCRATCH/rows-$column")
    [ "$rows" = "$(wc -l <"$SCRATCH/rows-plain")" ] || { echo "$column: only $rows rows" >&2; status=1; }
    echo "$column: $(grep -c ^PASS "$SCRATCH/rows-$column" || true) of $rows"
done
[ "$status" = 0 ] || grep -h ^FAIL "$SCRATCH/rows-mount" "$SCRATCH/rows-atomic" >&2 || true
[ "$status" = 0 ] || fail "the mount does not pass every row"
stop_mount
