#!/usr/bin/env bash
# Backups are taken again and again while programs commit, make, rename and remove files, and workers die: each is exactly one commit of each
# group, its names are of one moment, and a database in it is sound.
. "$(dirname "$0")/../lib.sh"
need_program sqlite3
scratch
MAPSHARE=$(find_built mapshare)
expect_deaths
start_mount commit_interval=1,journal_size=64M
load=$(helper mount/backup-load)

sql() { # FOLDER SQL
    sqlite3 -bail -cmd '.timeout 60000' "$1/bank.db" "$2"
}

transfer() { # money moves, the sum stays
    while [ ! -e "$SCRATCH/stop" ]; do
        sql "$MOUNT" 'BEGIN IMMEDIATE; UPDATE account SET sum = sum - 1 WHERE id = 1; INSERT INTO entry VALUES (hex(randomblob(2000)));
            UPDATE account SET sum = sum + 1 WHERE id = 2; COMMIT;' || return
    done
}

all_told() { # each of the programs has done something
    [ "$(od -An -v -tu8 -w8 -N48 "$SCRATCH/notes" | grep -cv ' 0$')" = 6 ]
}

sql "$MOUNT" 'PRAGMA synchronous=FULL; CREATE TABLE account(id INTEGER PRIMARY KEY, sum INTEGER); CREATE TABLE entry(text TEXT);
    INSERT INTO account VALUES (1, 1000), (2, 0);'
mkdir "$MOUNT/work"
"$load" run "$MOUNT/work" "$SCRATCH/notes" &
running=$!
transfer &
transferring=$!
kill_later "$running" "$transferring"
wait_until 200 all_told || fail "the programs do not get on"

for round in 1 2 3 4; do
    cp "$SCRATCH/notes" "$SCRATCH/before"
    before=$(sql "$MOUNT" 'SELECT sum FROM account WHERE id = 2')
    "$MAPSHARE" backup --json "$MOUNT" "$SCRATCH/copy" >"$SCRATCH/said" 2>&1 &
    making=$!
    if [ $((round % 2)) = 0 ]; then
        wait_until 10 test -e "$SCRATCH/copy/.mapshare/incomplete/journal" || true
        kill -9 "$(stats_value worker_pid)"
    fi
    wait "$making" || fail "round $round: $(cat "$SCRATCH/said")"
    "$load" check "$SCRATCH/copy/work" "$SCRATCH/before" || fail "round $round: the copy is not of one moment"
    [ ! -e "$SCRATCH/copy/.mapshare" ] || fail "the copy is marked as incomplete"
    [ "$(sql "$SCRATCH/copy" 'PRAGMA integrity_check; SELECT sum(sum) FROM account')" = $'ok\n1000' ] || fail "round $round: the database"
    after=$(sql "$SCRATCH/copy" 'SELECT sum FROM account WHERE id = 2')
    [ "$after" -ge "$before" ] || fail "round $round: the database has $after, $before were committed before"
    [ "$round" = 4 ] || rm -rf "$SCRATCH/copy"
done
touch "$SCRATCH/stop"
kill "$running"
wait "$running" "$transferring" || fail "a program failed while backups were made"
stop_mount

# Restoring is mounting, or copying.
STORE=$SCRATCH/copy
start_mount
"$load" check "$MOUNT/work" "$SCRATCH/before"
stop_mount
