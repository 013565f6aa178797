#!/usr/bin/env bash
# No line of a page is wider than 80 columns on a terminal of 80, in ASCII and in UTF-8.
. "$(dirname "$0")/manual.sh"
need_program mandoc

for page in "${PAGES[@]}"; do
    for output in ascii utf8; do
        widest=$(rendered "$page" $output | LC_ALL=C.UTF-8 wc -L)
        [ "$widest" -le 80 ] || fail "$(basename "$page") in $output is $widest columns wide"
        [ "$widest" -gt 40 ] || fail "$(basename "$page") renders as nothing"
    done
done
echo "${#PAGES[@]} pages fit into 80 columns"
