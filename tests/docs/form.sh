#!/usr/bin/env bash
# Each page of a call has every section that a reader looks for, tells since when, and is found under each of its names.
. "$(dirname "$0")/manual.sh"

for page in "${PAGES[@]}"; do
    name=$(basename "$page")
    for title in NAME SYNOPSIS DESCRIPTION EXAMPLES 'SEE ALSO' HISTORY; do
        case $name:$title in *.7:SYNOPSIS | *-*.7:EXAMPLES) continue ;; esac
        [ -n "$(section "$page" "$title")" ] || fail "$name has no section $title"
    done
    case $name in mapshare_*) ;; *) continue ;; esac
    for title in LIBRARY 'RETURN VALUES' ERRORS; do
        [ -n "$(section "$page" "$title")" ] || fail "$name has no section $title"
    done
    section "$page" EXAMPLES | grep -q '^\.Bd -literal' || fail "$name shows no example"
    section "$page" HISTORY | grep -Eq 'since libmapshare [0-9]+\.[0-9]+\.' || fail "$name does not say since when"

    for call in $(section "$page" NAME | awk '$1 == ".Nm" {print $2}'); do
        section "$page" SYNOPSIS | grep -Eq "^\.F[no] $call( |$)" || fail "$name: no synopsis of $call"
        section "$page" HISTORY | grep -q "^\.Fn $call" || fail "$name: not said since when there is $call"
        file=$MANUAL/$call.3
        [ -f "$file" ] || fail "no page or link $call.3"
        [ "$file" = "$page" ] || [ "$(link_target "$file")" = "$name" ] || fail "$call.3 does not lead to $name"
    done
done

for link in "${LINKS[@]}"; do
    target=$MANUAL/$(link_target "$link")
    call=$(basename "${link%.[0-9]}")
    [ -f "$target" ] || fail "$link leads nowhere"
    section "$target" NAME | grep -q "^\.Nm $call\( \|$\)" || fail "$(basename "$target") does not name $call"
done
echo "${#PAGES[@]} pages and ${#LINKS[@]} links are in form"
