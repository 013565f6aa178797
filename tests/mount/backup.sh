#!/usr/bin/env bash
# Backups are taken again and again while programs commit, make, rename and remove files, and workers die: each is exactly one commit of each
# group, its names are of one moment, and databases in it are sound. So is one of a part of the mount, and one that shares files with an earlier one, which
# stays as it was.
. "$(dirname "$0")/../lib.sh"
need_program sqlite3
scratch
MAPSHARE=$(find_built mapshare)
expect_deaths
head -c 100000 /dev/urandom >"$STORE/still"
cksum <"$STORE/still" >"$SCRATCH/still"
start_mount commit_interval=1,journal_size=64M
load=$(helper mount/backup-load)

sql() { # FOLDER SQL
    sqlite3 -bail -cmd '.timeout 60000' "$1/bank/bank.db" "$2"
}

transfer() { # money moves, the sum stays
    while [ ! -e "$SCRATCH/stop" ]; do
        sql "$MOUNT" 'BEGIN IMMEDIATE; UPDATE account SET sum = sum - 1 WHERE id = 1; INSERT INTO entry VALUES (hex(randomblob(2000)));
            UPDATE account SET sum = sum + 1 WHERE id = 2; COMMIT;' || return
    done
}

counting() { # LMDB, two processes
    while [ ! -e "$SCRATCH/stop" ]; do
        "$SCRATCH/lmdb" "$MOUNT/environment" write 2 3 || return
    done
}

lmdb_count() { # FOLDER
    "$SCRATCH/lmdb" "$1/environment" count
}

check_databases() { # FOLDER BANK COUNT: of before
    local count after
    [ "$(sql "$1" 'PRAGMA integrity_check; SELECT sum(sum) FROM account')" = $'ok\n1000' ] || fail "round $round: the database"
    after=$(sql "$1" 'SELECT sum FROM account WHERE id = 2')
    [ "$after" -ge "$2" ] || fail "round $round: the database has $after, $2 were committed before"
    $lmdb || return 0
    count=$(lmdb_count "$1") || fail "round $round: LMDB has a part of a transaction"
    [ "$count" -ge "$3" ] || fail "round $round: LMDB has $count, $3 were committed before"
    mdb_stat -ef "$1/environment" >"$SCRATCH/said" && mdb_dump "$1/environment" >"$SCRATCH/said" || fail "round $round: LMDB"
}

all_told() { # each of the programs has done something
    [ "$(od -An -v -tu8 -w8 -N48 "$SCRATCH/notes" | grep -cv ' 0$')" = 6 ]
}

mkdir "$MOUNT/bank"
sql "$MOUNT" 'PRAGMA synchronous=FULL; CREATE TABLE account(id INTEGER PRIMARY KEY, sum INTEGER); CREATE TABLE entry(text TEXT);
    INSERT INTO account VALUES (1, 1000), (2, 0);'
mkdir "$MOUNT/work"
"$load" run "$MOUNT/work" "$SCRATCH/notes" &
running=$!
transfer &
transferring=$!
counting=
lmdb=true
# shellcheck disable=SC2086
${CC:-cc} -D_GNU_SOURCE -O2 "$TEST_FOLDER/clients/lmdb.c" -o "$SCRATCH/lmdb" -llmdb 2>"$SCRATCH/compile.log" && command -v mdb_dump >"$SCRATCH/said" || lmdb=false
if $lmdb; then
    mkdir "$MOUNT/environment"
    "$SCRATCH/lmdb" "$MOUNT/environment" write 2 1
    counting &
    counting=$!
else
    skip_part "cannot compile against liblmdb: $(head -n 1 "$SCRATCH/compile.log")"
fi
# shellcheck disable=SC2086
kill_later "$running" "$transferring" $counting
wait_until 200 all_told || fail "the programs do not get on"

until [ $(($(date +%s) - $(stat -c %Z "$STORE/still"))) -gt 3 ]; do sleep 0.1; done # so old that it is known again

for round in 1 2 3 4; do
    cp "$SCRATCH/notes" "$SCRATCH/before"
    bank=$(sql "$MOUNT" 'SELECT sum FROM account WHERE id = 2')
    count=0
    ! $lmdb || count=$(lmdb_count "$MOUNT")
    sources=("$MOUNT")
    [ "$round" != 1 ] || sources=("$MOUNT"/{work,bank,environment*})
    [ "$round" -lt 3 ] || sources=(-i "$SCRATCH/earlier" "$MOUNT")
    "$MAPSHARE" backup --json "${sources[@]}" "$SCRATCH/copy" >"$SCRATCH/said" 2>&1 &
    making=$!
    if [ $((round % 2)) = 0 ]; then
        wait_until 10 test -e "$SCRATCH/copy/.mapshare/incomplete/journal" || true
        kill -9 "$(stats_value worker_pid)"
    fi
    wait "$making" || fail "round $round: $(cat "$SCRATCH/said")"
    "$load" check "$SCRATCH/copy/work" "$SCRATCH/before" || fail "round $round: the copy is not of one moment"
    [ ! -e "$SCRATCH/copy/.mapshare/incomplete" ] || fail "the copy is marked as incomplete"
    [ "$round" -lt 3 ] || cksum <"$SCRATCH/earlier/still" | diff "$SCRATCH/still" - || fail "round $round: the earlier one"
    [ "$round" -lt 3 ] || "$load" check "$SCRATCH/earlier/work" "$SCRATCH/earlier.notes" || fail "round $round: the earlier one"
    [ "$round" -lt 3 ] || [ "$(stat -c %h "$SCRATCH/copy/still")" -gt 1 ] || fail "round $round: nothing is shared"
    rm -rf "$SCRATCH/earlier"
    cp "$SCRATCH/before" "$SCRATCH/earlier.notes"
    cp -a "$SCRATCH/copy" "$SCRATCH/databases" # opening them writes to them
    check_databases "$SCRATCH/databases" "$bank" "$count"
    rm -rf "$SCRATCH/databases"
    mv "$SCRATCH/copy" "$SCRATCH/earlier"
done
touch "$SCRATCH/stop"
kill "$running"
for program in "$running" "$transferring" $counting; do wait "$program" || fail "a program failed while backups were made"; done
stop_mount

# Restoring is mounting, or copying; what shares files is copied.
cp -a "$SCRATCH/earlier" "$SCRATCH/restored"
STORE=$SCRATCH/restored
start_mount
"$load" check "$MOUNT/work" "$SCRATCH/before"
stop_mount
