#!/usr/bin/env bash
# SQLite in WAL mode: several processes write at once, nothing is lost, the database is whole on the mount and in the store.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr sqlite3
scratch
start_mount
database=$MOUNT/bank.db
writers=4
transactions=150
sqlite3 "$database" 'PRAGMA journal_mode=WAL; CREATE TABLE account(id INTEGER PRIMARY KEY, sum INTEGER);
    CREATE TABLE entry(writer INTEGER, number INTEGER, text TEXT, PRIMARY KEY(writer, number));
    INSERT INTO account VALUES (1, 1000), (2, 0);' | grep -qx wal || fail "no WAL mode"
[ -e "$database-shm" ] || true
pids=()
for writer in $(seq $writers); do
    {
        echo '.timeout 30000'
        echo '.bail on'
        echo 'PRAGMA synchronous=FULL;'
        for number in $(seq $transactions); do
            echo "BEGIN IMMEDIATE; UPDATE account SET sum = sum - 1 WHERE id = 1; UPDATE account SET sum = sum + 1 WHERE id = 2;
                INSERT INTO entry VALUES ($writer, $number, hex(randomblob(200))); COMMIT;"
            [ $((number % 50)) != 0 ] || echo 'PRAGMA wal_checkpoint(PASSIVE); SELECT count(*) FROM entry;'
        done
    } | sqlite3 "$database" >/dev/null 2>>"$SCRATCH/sqlite.log" &
    pids+=($!)
done
kill_later "${pids[@]}"
# A reader meanwhile always sees the sum that no transaction changes.
for _ in $(seq 20); do
    total=$(sqlite3 -cmd '.timeout 30000' "$database" 'SELECT sum(sum) FROM account')
    [ "$total" = 1000 ] || fail "a reader saw the sum $total"
done
for pid in "${pids[@]}"; do
    wait "$pid" || { cat "$SCRATCH/sqlite.log" >&2; fail "a writer failed"; }
done
check() { # DATABASE
    local result
    result=$(sqlite3 "$1" "PRAGMA integrity_check; SELECT count(*) FROM entry; SELECT sum FROM account WHERE id = 2; SELECT sum(sum) FROM account")
    [ "$result" = "ok
$((writers * transactions))
$((writers * transactions))
1000" ] || fail "$1: $result"
}
check "$database"
stop_mount
check "$STORE/bank.db"
