#!/usr/bin/env bash
# The sum stays 0 whatever dies: the transferring processes, or the whole daemon.
. "$(dirname "$0")/common.sh"

on_plain_folder() {
    local status=0
    explains_itself bank-transfer alice
    example bank-transfer alice bob 10 2>said || status=$?
    same "status off the mount" 3 "$status"
    grep -q 'not on a mapsharefs mount' said || fail "off the mount it says: $(cat said)"
}

sum() {
    local balances
    read -r -a balances <<<"$(example bank-transfer "$@" | tr -d ,)"
    echo $((balances[1] + balances[3]))
}

on_mount() {
    local i pid killed=0
    same "after one" "alice -10, bob 10" "$(example bank-transfer alice bob 10)"
    same "after two" "bob 7, alice -7" "$(example bank-transfer bob alice 3)"
    for i in $(seq 60); do
        "$BUILD_FOLDER/examples/bank-transfer" alice bob "$i" >/dev/null 2>&1 &
        pid=$!
        sleep "0.0$((i % 5))$((i % 7))"
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || killed=$((killed + 1))
    done
    echo "$killed of 60 transfers killed"
    same "the sum after killed transfers" 0 "$(sum alice bob)"
}

check_example
