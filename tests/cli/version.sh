#!/usr/bin/env bash
# --version prints the version of the public header.
. "$(dirname "$0")/lib.sh"

header=$(dirname "$0")/../../include/mapshare.h
part() {
    sed -n "s/^#define MAPSHARE_VERSION_$1 \([0-9]*\)$/\1/p" "$header"
}
expected="mapshare $(part MAJOR).$(part MINOR).$(part PATCH)"
for words in --version -V "stat --version" "unmount -V"; do
    # shellcheck disable=SC2086
    seen=$(mapshare $words)
    [ "$seen" = "$expected" ] || fail "mapshare $words: '$seen' instead of '$expected'"
done
