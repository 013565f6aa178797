#!/usr/bin/env bash
# A journal that is no journal is refused by name, and left as it is.
. "$(dirname "$0")/lib.sh"
scratch

mkdir "$STORE/.mapshare"
journal=$STORE/.mapshare/journal
refused_as() { # TEXT
    local before
    before=$(stat -c '%F %s %y %z' "$journal")
    for command in "journal" "journal --json" "recover" "recover --json"; do
        # shellcheck disable=SC2086
        refused 1 "$journal: $1" mapshare $command "$STORE"
    done
    [ "$before" = "$(stat -c '%F %s %y %z' "$journal")" ] || fail "$1: the journal was changed"
}

[ "$(mapshare journal "$STORE")" = "0 records, 0 commits" ] || fail "without a journal: $(mapshare journal "$STORE")"
: >"$journal"
refused_as "damaged"
head -c 1000 /dev/urandom >"$journal"
refused_as "damaged"
head -c 2000000 /dev/urandom >"$journal"
refused_as "damaged"
head -c 2000000 /dev/zero >"$journal"
refused_as "damaged"
rm "$journal"
mkdir "$journal"
refused_as "not a regular file"
rmdir "$journal"
ln -s "$PLAIN/file" "$journal"
refused_as "not a regular file"
