#!/usr/bin/env bash
# A client of the storm, see storm.h: two SQLite databases, one with a write-ahead log, one with a rollback journal. Writers move
# money, which keeps the sum, and make an entry for each transaction; what a writer was told is noted.
set -euo pipefail
folder=$2 notes=$3
writers=2
batch=10 # transactions of one process of sqlite3's

ask() { # DATABASE SQL: what it answers; waits long for others
    sqlite3 -bail -cmd '.timeout 300000' "$folder/$1.db" "$2"
}

make_database() { # NAME JOURNAL-MODE
    [ "$(ask "$1" "PRAGMA journal_mode=$2; CREATE TABLE account(id INTEGER PRIMARY KEY, sum INTEGER);
        CREATE TABLE entry(writer INTEGER, number INTEGER, text TEXT, PRIMARY KEY(writer, number));
        INSERT INTO account VALUES (1, 1000), (2, 0);")" = "$2" ]
}

write() { # DATABASE WRITER
    local number=0 i sum
    until [ -e "$notes/stop" ] && [ "$number" -gt 0 ]; do
        {
            echo 'PRAGMA synchronous=FULL;'
            for i in $(seq $((number + 1)) $((number + batch))); do
                echo "BEGIN IMMEDIATE; UPDATE account SET sum = sum - 1 WHERE id = 1; UPDATE account SET sum = sum + 1 WHERE id = 2;
                    INSERT INTO entry VALUES ($2, $i, hex(randomblob(100))); COMMIT;"
            done
        } | sqlite3 -bail -cmd '.timeout 300000' "$folder/$1.db" >/dev/null
        number=$((number + batch))
        echo "$number" >"$notes/$1-$2"
        sum=$(ask "$1" 'SELECT sum(sum) FROM account')
        [ "$sum" = 1000 ] || { echo "a reader of $1 saw the sum $sum" >&2; return 1; }
        sleep 0.05
    done
}

check() { # DATABASE
    local writer total=0 told result expected=
    for writer in $(seq $writers); do
        told=$(cat "$notes/$1-$writer")
        total=$((total + told))
        expected+="$writer|$told|1|$told"$'\n'
    done
    expected=ok$'\n'$expected$total$'\n'1000
    result=$(ask "$1" 'PRAGMA integrity_check; SELECT writer, count(*), min(number), max(number) FROM entry GROUP BY writer ORDER BY writer;
        SELECT sum FROM account WHERE id = 2; SELECT sum(sum) FROM account')
    [ "$result" = "$expected" ] || { echo "$1 has $result, expected $expected" >&2; return 1; }
}

if [ "$1" = check ]; then
    check log
    check journal
    exit
fi
pids=()
trap 'touch "$notes/stop"' TERM
make_database log wal
make_database journal delete
for database in log journal; do
    for writer in $(seq $writers); do
        write "$database" "$writer" &
        pids+=($!)
    done
done
for pid in "${pids[@]}"; do
    status=143
    while [ "$status" = 143 ]; do # which is TERM to us, not to the writer
        status=0
        wait "$pid" || status=$?
    done
    [ "$status" = 0 ] || { echo "a writer ended with $status" >&2; exit 1; }
done
cat "$notes"/{log,journal}-* | awk '{ sum += $1 } END { print sum }'
